"""The table of data sets in docs/data.md, made from SOURCES; the rest of the page is written by hand."""

from pathlib import Path

from tools.docs.corruption_pages import table
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.utils.files import write

BEGIN, END = "<!-- made by scripts/docs.py from SOURCES: change it there -->\n\n", "\n\n<!-- end -->"


def with_table(page: str) -> str:
    """The text of the page with the table of today; ValueError where the page has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/data.md: the lines {BEGIN.strip()} and {END.strip()} are where the table goes")
    rows = [(f"`{row.name}`", row.summary) for row in SOURCES.values()]
    return before + begin + table(("`data.source`", "what lies in `data.root`"), rows) + end + after


def write_table(page: Path) -> None:
    """Remake the table in docs/data.md."""
    write(page, with_table(page.read_text("utf-8")))
