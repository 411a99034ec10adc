"""A bar in a notebook: one line of a cell's output, written over as work goes on. Needs IPython alone, no widgets."""

from html import escape
from time import monotonic
from typing import Any

_AT_MOST_EVERY = 0.2  # seconds: each writing is a message to the browser


class NotebookBar:
    """The line; it is there from its first `show` on, and stays with what it said last."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = 0.0

    def show(self, title: str, done: int, total: int, numbers: str, last: bool = False) -> None:
        """Say how far the work is; not more often than a browser can follow, but always what is `last`."""
        if self._handle is not None and not last and monotonic() - self._shown < _AT_MOST_EVERY:
            return
        from IPython.display import HTML, display

        self._shown = monotonic()
        line = HTML(as_html(title, done, total, numbers))
        if self._handle is None:
            self._handle = display(line, display_id=True)
        else:
            self._handle.update(line)


def as_html(title: str, done: int, total: int, numbers: str) -> str:
    """The line; without a bar where nobody knows how much there is.

    >>> as_html("evaluating", 3, 42, "now fog")
    '<div>evaluating <progress value="3" max="42"></progress> 3/42 now fog</div>'
    """
    bar = f'<progress value="{done}" max="{total}"></progress> {done}/{total}' if total else str(done)
    return f"<div>{escape(title)} {bar} {escape(numbers)}</div>"
