"""Whose code an error arose in: the plug-in, its file and line, for the sentence that a command ends with.

Errors of a plug-in's functions travel as they are, so that its author sees them as Python shows them; those that a
worker of a loader sends are text, in which the same places stand.
"""

import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from corruptions import outside

_PLACE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)')

_WAY_ON = (
    "the error is above, whole; what is done is kept and the same command continues it, but a plug-in that is edited "
    "makes another run (name=..., or --fresh)"
)


@dataclass(frozen=True)
class Culprit:
    """The innermost line of a plug-in that an error went through, and what was raised."""

    plugin: str
    function: str
    file: str
    line: int
    said: str

    def __str__(self) -> str:
        return f"{self.function} of the plug-in {self.plugin} raised {self.said} ({self.file}, line {self.line})"


def culprit_of(error: BaseException) -> Culprit | None:
    """Where in a plug-in `error`, or what caused it, arose; None where no plug-in had a part in it."""
    owners = {str(path): plugin.name for plugin in outside.LOADED.values() for path in outside.files_of(plugin)}
    for each in _chain(error):
        places = [place for place in _places(each) if place[0] in owners]
        if places:
            file, line, function = places[-1]
            return Culprit(owners[file], function, file, line, _said(each))
    return None


def blamed(error: BaseException) -> bool:
    """Write an error of a plug-in to standard error, whole, and one sentence of where it arose; False for others."""
    culprit = culprit_of(error)
    if culprit is None:
        return False
    traceback.print_exception(error)
    sys.stderr.write(f"{culprit}: {_WAY_ON}\n")
    return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, and so on."""
    seen = list[BaseException]()
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


def _places(error: BaseException) -> Iterator[tuple[str, int, str]]:
    """(file, line, function), the innermost last, of the error itself or of the printed traceback that it quotes."""
    for frame in traceback.extract_tb(error.__traceback__):
        yield frame.filename, frame.lineno or 0, frame.name
    for found in _PLACE.finditer(str(error)):
        yield found["file"], int(found["line"]), found["function"]


def _said(error: BaseException) -> str:
    """The kind of the error and what it says, in one line; of a quoted traceback what its last line says."""
    text = str(error).strip()
    if "Traceback" in text:
        return text.splitlines()[-1].strip()
    return " ".join(f"{type(error).__name__}: {text}".split()).rstrip(":")
