"""Mistakes that a person can mend. Each message is one sentence: what is wrong, where, and what to do."""

from collections.abc import Sequence
from pathlib import Path

_LONGEST = 3000  # characters of one message


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first few of many, for a sentence: "a, b, c, ..."."""
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")


def plural(number: int, noun: str) -> str:
    """ "1 clip", "1,234 clips"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def install(extra: str, *packages: str) -> str:
    """How to get what an extra of ours brings: from the checkout where there is one, else the packages themselves."""
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return f"pip install -e '.[{extra}]' in {root}"
    return f"pip install {' '.join(packages)}"


def brief(error: Exception, most: int = 200) -> str:
    """The first line of an error that quotes what it could not read, no longer than a sentence has room for."""
    said = first_line(error).strip('"')
    return said if len(said) <= most else f"{said[:most]}..."


def first_line(error: Exception) -> str:
    """What an error of another library says first; its kind where it says nothing, and before a key that was missed."""
    said, kind = str(error).strip().partition("\n")[0], type(error).__name__
    return f"{kind}: {said}" if said and isinstance(error, KeyError) else said or kind


class VidsparseError(Exception):
    """Base of every error that the command line shows as one sentence, with exit code 2."""

    def __init__(self, message: str = "") -> None:
        if "Traceback" in message:  # torch rebuilds a loader worker's error from its printed traceback
            message = message.strip().rpartition(f"{type(self).__name__}: ")[2]
        if len(message) > _LONGEST:  # a file that is no list has one line of a million letters, which would be quoted
            message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 4 :]}"
        super().__init__(message)


class ConfigError(VidsparseError):
    """A key, value or combination in a config that cannot be carried out."""


class DataError(VidsparseError):
    """A data set that is missing, incomplete or not laid out as its source says."""


class ClipDecodeError(DataError):
    """A video file that no decoder can read; the message names the file."""


class MachineError(VidsparseError):
    """What the machine did and no file: a mount that is away, no memory, no descriptors, a worker that was killed.

    Work stops, what is done is kept, nothing of the failure is remembered, and the same command continues.
    """


class RunFolderError(VidsparseError):
    """A run folder that belongs to another experiment, or a checkpoint in it that cannot be read."""


class DamagedFile(RunFolderError):
    """A file whose content is not what was written."""


class WriteError(VidsparseError):
    """A file that cannot be written: the disk is full, or the folder may not be written to."""


class BenchmarkError(VidsparseError):
    """An offline benchmark that does not fit, is not complete, or is not what its recipe says."""
