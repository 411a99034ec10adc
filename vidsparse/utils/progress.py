"""What a person sees while it runs: a live bar on a terminal or in a notebook, else a plain line now and then."""

from collections.abc import Iterable, Iterator
from functools import cache
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vidsparse.utils.machine import rank
from vidsparse.utils.notebook_bar import NotebookBar

T = TypeVar("T")
PLAIN_EVERY = 15.0  # seconds between plain lines

console = Console(highlight=False, quiet=rank() > 0)


class Bar:
    """Progress over `total` pieces of work with a few numbers beside it: `with Bar("training", 100) as bar`."""

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self._title, self._total, self._done = title, total, done
        self._last_line = monotonic()
        self._numbers = ""
        self._live = Progress(
            TextColumn("{task.description:<11}"),
            BarColumn(24),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[numbers]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task(title, total=total, completed=done, numbers="")
        self._notebook = NotebookBar() if console.is_jupyter and not console.quiet else None

    def __enter__(self) -> "Bar":
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()
        if self._notebook:
            self._notebook.show(self._title, self._done, self._total, self._numbers, last=True)
        elif kind is None and self._total:
            self._line()

    def count(self, done: int, total: int) -> None:
        """Say how many of how many, where the total is known late."""
        self._total = total
        self._live.update(self._task, total=total)
        self.advance(done)

    def advance(self, done: int, **numbers: Any) -> None:
        """Say how many pieces are done now, and numbers to show: name="text"."""
        self._done = done
        self._numbers = "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in numbers.items())
        self._live.update(self._task, completed=done, numbers=self._numbers)
        if self._notebook:
            self._notebook.show(self._title, done, self._total, self._numbers)
        elif not console.is_terminal and monotonic() - self._last_line > PLAIN_EVERY:
            self._line()

    def _line(self) -> None:
        self._last_line = monotonic()
        console.print(f"{self._title:<11} {self._done}/{self._total}  {self._numbers}", soft_wrap=True)


class Waiting:
    """The share of the time that goes by in waiting for the next of some batches."""

    def __init__(self) -> None:
        self._began, self._waited = monotonic(), 0.0

    def timed(self, batches: Iterable[T]) -> Iterator[T]:
        """The same batches; the time until each is there counts as waiting."""
        iterator = iter(batches)
        while True:
            asked = monotonic()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            finally:
                self._waited += monotonic() - asked
            yield batch

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self._waited / max(1e-9, monotonic() - self._began)


def say(text: str, style: str = "") -> None:
    """One line for the person at the console."""
    console.print(text, style=style, soft_wrap=True, markup=False)


@cache
def aside(text: str) -> None:
    """One line on the error stream, which should not be missed; once in a process, and never among what is printed."""
    Console(highlight=False, quiet=rank() > 0, stderr=True).print(f"warning: {text}", soft_wrap=True, markup=False)


def warn(text: str) -> None:
    """One line that should not be missed."""
    say(f"warning: {text}", style="yellow")
