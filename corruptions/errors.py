"""Mistakes that a caller can mend. Each message is one sentence: what is wrong and what would be right."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from reprlib import Repr

_shortened = Repr()
_shortened.maxstring = 80


def short(given: object) -> str:
    """Return what somebody gave, in one short line."""
    return " ".join(_shortened.repr(given).split())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, whatever its capitals, or None when none is close.

    >>> nearest("gausian_noise", ("gaussian_noise", "shot_noise"))
    'gaussian_noise'
    """
    spelt = {each.lower(): each for each in known}
    close = get_close_matches(str(name).lower(), list(spelt), n=1)
    return spelt[close[0]] if close else None


class CorruptionError(ValueError):
    """Base of every error that this package raises on purpose."""


class UnknownName(CorruptionError):
    """A corruption, family, suite, temporal mode or resolution that does not exist; the nearest known one is named."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = tuple(known)
        close = nearest(name, known) if isinstance(name, str) else None
        hint = f"did you mean {close!r}?" if close else "there is " + ", ".join(known)
        super().__init__(f"unknown {kind} {short(name)}: {hint}")


class UnknownProfile(UnknownName):
    """A profile that has no table for this corruption; those that have one are named."""


def known_name(
    kind: str, name: object, known: Sequence[str] | Mapping[str, object], error: type[UnknownName] = UnknownName
) -> str:
    """Return `name` if it is one of the known ones, or raise the error, whatever kind of object it is.

    >>> known_name("family", "noise", ("noise", "blur"))
    'noise'
    """
    if not isinstance(name, str) or name not in known:
        raise error(kind, name, known)
    return str(name)


class MissingFrames(CorruptionError):
    """Source frames that the wanted outputs need and the caller did not give."""


class WrongFrames(CorruptionError):
    """Pixels that are not uint8 (T, H, W, 3) of at least 16 x 16, or frame numbers that do not fit them."""


class NoKeyWarning(UserWarning):
    """A random corruption was drawn from the empty key: every such call draws the same numbers."""
