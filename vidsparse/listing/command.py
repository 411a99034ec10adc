"""`vidsparse list`: its options, and what is printed."""

import argparse
import json
import sys

from vidsparse.listing.what_there_is import TABLES, Row
from vidsparse.plugins.named_plugins import add_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("kind", choices=tuple(TABLES), help="what to list")
    parser.add_argument("--json", action="store_true", help="a list of objects, for programs")
    add_option(parser)


def carry_out(options: argparse.Namespace) -> None:
    """Print a table, or JSON, to standard output."""
    rows = TABLES[options.kind]()
    sys.stdout.write(f"{json.dumps(rows, indent=1) if options.json else as_text(rows)}\n")


def as_text(rows: list[Row]) -> str:
    """The rows in columns, each as wide as it has to be.

    >>> print(as_text([{"name": "a", "size": 3, "tables": ["x", "y"]}]))
    name  size  tables
    a     3     x y
    """
    titles = [*rows[0]]
    cells = [titles, *([_cell(row[title]) for title in titles] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "\n".join(padded)


def _cell(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
