"""Mistakes that a caller can mend. Each message is one sentence: what is wrong and what would be right."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
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


FEW = 5  # names that a sentence has room for
LISTED = {"corruption": "corruptions.names()", "suite": "corruptions.SUITES"}  # where all names of a kind are


def suggestion(name: object, known: Iterable[str], listed: str, before: str = "") -> str:
    """Return what to say of a name that is none of `known`: at most three alike; all where they are few, else where
    they are `listed`, such as a page or a call. `before` stands before each name that is alike.

    >>> suggestion("riggl", ("rigl", "set", "srigl", "mest", "gmp", "snfs"), "docs/methods/README.md")
    'did you mean rigl? All are in docs/methods/README.md'
    >>> suggestion("uniforn", ("erk", "er", "uniform"), "")
    'did you mean uniform? There are erk, er, uniform'
    """
    names = tuple(known)
    close = _alike(name, names) if isinstance(name, str) else []
    everything = f"there are {', '.join(names)}" if len(names) <= FEW else f"all are in {listed}"
    if not close:
        return everything if len(names) <= FEW else f"there is none like it, {everything}"
    *most, last = [before + each for each in close]
    meant = f"{', '.join(most)} or {last}" if most else last
    rest = f" {everything[0].upper()}{everything[1:]}" if len(names) > 1 else ""
    return f"did you mean {meant}?{rest}"


def _alike(name: str, names: Sequence[str]) -> list[str]:
    """The name most like `name`, and two at most of those that are nearly as much like it."""
    spelt = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), list(spelt), n=3)
    likeness = [SequenceMatcher(None, each, name.lower()).ratio() for each in close]
    return [spelt[each] for each, ratio in zip(close, likeness, strict=True) if ratio > likeness[0] - 0.05]


class CorruptionError(ValueError):
    """Base of every error that this package raises on purpose."""


class UnknownName(CorruptionError):
    """A corruption, family, suite, temporal mode or resolution that does not exist; the nearest are named."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        told = getattr(known, "hint", None)  # of a table that takes more rows
        hint = told(name) if told else suggestion(name, known, LISTED.get(kind, "corruptions.REGISTRY"))
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
