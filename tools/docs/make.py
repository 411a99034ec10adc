"""All generated pages of docs/."""

from pathlib import Path

from tools.docs.config_page import config_page
from tools.docs.corruption_pages import write_pages
from tools.docs.method_pages import write_method_pages


def write_all(folder: Path) -> None:
    """Write config.md, corruptions/ and methods/ into the folder of docs; other files there stay."""
    write_method_pages(folder / "methods")
    write_pages(folder / "corruptions")
    (folder / "config.md").write_text(config_page(), encoding="utf-8")
