"""The bar of a notebook, by a stand-in for IPython: one line, written over."""

import sys
from types import ModuleType

import pytest

from vidsparse.utils import progress
from vidsparse.utils.progress import Bar


@pytest.fixture
def shown(monkeypatch):
    """What a notebook shows: a text a line of output, as it is now."""
    lines: list[str] = []

    class Handle:
        def __init__(self, place: int) -> None:
            self.place = place

        def update(self, line: str) -> None:
            lines[self.place] = line

    def display(line: str, display_id: bool) -> Handle:
        assert display_id
        lines.append(line)
        return Handle(len(lines) - 1)

    module = ModuleType("IPython.display")
    module.display, module.HTML = display, str  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(progress.console, "is_jupyter", True)
    monkeypatch.setattr(progress.console, "quiet", False)
    return lines


def test_a_notebook_has_one_line_that_ends_with_the_last_number(shown):
    with Bar("evaluating", 40) as bar:
        for done in range(1, 41):
            bar.advance(done, now="<fog>")
    assert len(shown) == 1
    assert 'value="40" max="40"' in shown[0]
    assert "&lt;fog&gt;" in shown[0]


def test_a_quiet_call_shows_nothing_and_a_failed_one_what_was_done(shown, monkeypatch):
    def fail() -> None:
        with Bar("evaluating", 0) as bar:
            bar.count(3, 9)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert 'value="3" max="9"' in shown[0]
    shown.clear()
    monkeypatch.setattr(progress.console, "quiet", True)
    with Bar("evaluating", 2) as bar:
        bar.advance(2)
    assert shown == []
