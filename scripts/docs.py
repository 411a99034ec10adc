"""python scripts/docs.py: remake the pages of docs/ that are made from schema and registries."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    argparse.ArgumentParser(
        description="Remake docs/config.md, docs/corruptions, docs/methods and the table in docs/data.md."
    ).parse_args()
    sys.path.insert(0, str(ROOT))  # tools/ is in no wheel
    from tools.docs.make import write_all

    write_all(ROOT / "docs")
