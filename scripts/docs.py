"""python scripts/docs.py: remake the pages of docs/corruptions and docs/methods from the registries."""

import argparse
from pathlib import Path

from vidsparse.handbook.methods import write_method_pages
from vidsparse.handbook.pages import write_pages

FOLDER = Path(__file__).resolve().parents[1] / "docs"

if __name__ == "__main__":
    argparse.ArgumentParser(description="Remake the pages of docs/corruptions and docs/methods.").parse_args()
    write_method_pages(FOLDER / "methods")
    write_pages(FOLDER / "corruptions")
