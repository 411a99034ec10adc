"""All generated pages of docs/."""

from pathlib import Path

from tools.docs.config_page import config_page
from tools.docs.corruption_pages import write_pages
from tools.docs.data_table import write_table
from tools.docs.method_pages import write_method_pages


def write_all(folder: Path) -> None:
    """Write config.md, corruptions/, methods/ and the table of data.md into the folder of docs; the rest stays."""
    write_method_pages(folder / "methods")
    write_pages(folder / "corruptions")
    write_table(folder / "data.md")
    (folder / "config.md").write_text(config_page(), encoding="utf-8")
