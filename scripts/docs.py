"""python scripts/docs.py: remake the pages and pictures of docs/corruptions from the registry."""

import argparse
from pathlib import Path

from vidsparse.handbook.pages import write_pages

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "corruptions"

if __name__ == "__main__":
    argparse.ArgumentParser(description="Remake the pages and pictures of docs/corruptions.").parse_args()
    write_pages(FOLDER)
