"""When two class names are one: compared exactly, then without letter case, then without blanks and punctuation.

A looser comparison decides only where it leaves one candidate. Signs that tell names apart stay: "C", "C++" and "C#"
are three classes, and so are "+1", "-1" and "1".
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

Names = tuple[str, ...]  # what one class is called: the first is its name, others are synonyms

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_SEPARATORS = re.compile(r"""[\s_\-.,;:/\\'"`´‘’“”()\[\]{}]+""")


def composed(name: str) -> str:
    """A name in one Unicode form (NFC), whichever the file system gave it."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """A name without regard to letter case and Unicode form.

    >>> folded("Café") == folded("CAFE\\u0301")
    True
    """
    return composed(composed(name).casefold())


def plain(name: str) -> str:
    """A name without case, blanks, quotes, brackets and punctuation between words; + # and signs of numbers stay.

    >>> [plain(name) for name in ("Yo-Yo", "yo_yo", "C", "C++", "C#", "+1", "-1", "grade A-", "1.5", "15")]
    ['yoyo', 'yoyo', 'c', 'c++', 'c#', '+1', '-1', 'gradea-', '1_5', '15']
    """
    text = folded(name).translate(_DASHES)
    return _SEPARATORS.sub(_kept, text) or text


def _kept(run: re.Match[str]) -> str:
    """What stays of a run of separators: a sign before a number, a minus after a letter, a gap between digits."""
    before, after = run.string[: run.start()][-1:], run.string[run.end() :][:1]
    if before.isdigit() and after.isdigit() and not re.search(r"\s-$", run[0]):
        return "_"
    if after.isdigit() and run[0][-1] in "-." and (not before or len(run[0]) > 1):
        return run[0][-1]
    return "-" if before and run[0][0] == "-" and (not after or run[0][1:2].isspace()) else ""


class Lookup:
    """Finds a class by name among known ones: by their first names, and only then by their synonyms."""

    def __init__(self, known: Sequence[Names]) -> None:
        firsts, others = ([(names[0],) for names in known], [names[1:] for names in known])
        self._tables = [(key, _table(part, key)) for part in (firsts, others) for key in (composed, folded, plain)]

    def find(self, name: str) -> tuple[int, ...]:
        """The places of the classes that the strictest comparison finds: none, one, or several it cannot tell apart."""
        return next((hits for key, table in self._tables if (hits := table.get(key(name), ()))), ())


def _table(parts: Iterable[Iterable[str]], key: object) -> dict[str, tuple[int, ...]]:
    assert callable(key)
    found = defaultdict[str, list[int]](list)
    for place, names in enumerate(parts):
        for word in {key(name) for name in names}:
            found[word].append(place)
    return {word: tuple(places) for word, places in found.items()}


def repeated(names: Iterable[str]) -> dict[str, list[int]]:
    """{name: places, counted from 0} of the names that stand more than once, in one Unicode form."""
    listed = [composed(name) for name in names]
    twice = {name for name, count in Counter(listed).items() if count > 1}
    return {name: [place for place, each in enumerate(listed) if each == name] for name in dict.fromkeys(listed)
            if name in twice}  # fmt: skip
