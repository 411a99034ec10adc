"""Processes that are started out of a person's script must not carry that script out again."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType


@contextmanager
def main_left_alone() -> Iterator[None]:
    """While the body runs, processes that it starts do not import the script that was started.

    Python imports it in every new process (forkserver, spawn), and a script without `if __name__ == "__main__":` would
    there begin anew. One that has it, around the call, is imported as ever, for what it registers above.
    """
    main = sys.modules.get("__main__")
    if main is None or _is_guarded(main):
        yield
        return
    before: dict[str, object] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(before)


def _is_guarded(main: ModuleType) -> bool:
    """Whether the line of the script that is being carried out stands below a test of `__name__`."""
    line = _line_of(main, sys._getframe())
    try:
        tree = ast.parse(Path(str(main.__file__)).read_bytes())
    except (AttributeError, OSError, SyntaxError, ValueError):
        return False
    tests = [node for node in tree.body if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)]
    return any(node.lineno <= line <= (node.end_lineno or 0) for node in tests)


def _line_of(main: ModuleType, frame: FrameType | None) -> int:
    """The line that the top of a script has come to; 0 where it is no caller, as in a thread."""
    while frame is not None:
        if frame.f_globals is vars(main) and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back
    return 0
