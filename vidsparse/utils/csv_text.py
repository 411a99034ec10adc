"""CSV for people who open it in a spreadsheet: no text of theirs becomes a formula there."""

import csv
import io
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> Any:
    """A cell as it may stand in a CSV: text that a spreadsheet would carry out gets an apostrophe; numbers stay.

    >>> cell("=HYPERLINK(1)"), cell("-0.5"), cell(-0.5), cell("-flip")
    ("'=HYPERLINK(1)", '-0.5', -0.5, "'-flip")
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def safe(text: str) -> str:
    """A whole CSV text, such as pandas writes, with every cell as it may stand."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    clean = [[cell(value) for value in row] for row in rows]
    if clean == rows:
        return text
    made = io.StringIO(newline="")
    csv.writer(made, lineterminator="\n").writerows(clean)
    return made.getvalue()
