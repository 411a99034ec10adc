"""python scripts/docs.py: remake docs/config.md, docs/corruptions and docs/methods from schema and registries."""

import argparse
from pathlib import Path

from vidsparse.config.reference import config_page
from vidsparse.handbook.methods import write_method_pages
from vidsparse.handbook.pages import write_pages

FOLDER = Path(__file__).resolve().parents[1] / "docs"

if __name__ == "__main__":
    argparse.ArgumentParser(description="Remake docs/config.md, docs/corruptions and docs/methods.").parse_args()
    write_method_pages(FOLDER / "methods")
    write_pages(FOLDER / "corruptions")
    (FOLDER / "config.md").write_text(config_page(), encoding="utf-8")
