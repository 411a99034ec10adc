"""When two class names are one class: by how they are spelled, or because both data sets mean the same action.

Spelling: compared exactly, then without letter case, then without blanks and punctuation. A looser comparison decides
only where it leaves one candidate. Signs that tell names apart stay: "C", "C++" and "C#" are three classes, and so are
"+1", "-1" and "1".

Actions: actions.csv says which classes of UCF101, HMDB51, Kinetics-400 and Kinetics-600 are the same. A row is one
action, a column a data set, "|" between several classes of Kinetics. UCF101 and HMDB51 are joined as by Chen et al.
(Temporal Attentive Alignment for Large-Scale Video Domain Adaptation, ICCV 2019, UCF-HMDB_full), but for `walk`.
Nobody published a map to Kinetics: it was made here from the names in the official lists, by one rule. A class of
Kinetics stands in a row where its clips show the action of that row or a kind of it, and where those named together
are what a viewer who knows only the classes of Kinetics would answer. What has no such class has no row (pour, walk,
BalanceBeam): its clips cannot be answered rightly. Where several classes of Kinetics stand in a row, any of them
counts as right. Rows with Kinetics alone join what the two versions call differently.
"""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from vidsparse.classes.spaces import Names, listed

SETS = ("ucf101", "hmdb51", "kinetics400", "kinetics600")
_KINETICS = ("kinetics400", "kinetics600")
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


def same_actions(name: str, own: str, other: str) -> tuple[str, ...]:
    """What the action `name` of the set `own` is called in the set `other`; both are of SETS.

    >>> same_actions("Punch", "ucf101", "kinetics400"), same_actions("golf", "hmdb51", "ucf101")
    (('punching person (boxing)',), ('GolfSwing',))
    """
    versions = {own, other} <= set(_KINETICS)
    rows = [row for row in _rows() if not (versions and (row["ucf101"] or row["hmdb51"]))]
    found = [row[other] for row in rows if plain(name) in map(plain, row[own])]
    return tuple(dict.fromkeys(each for names in found for each in names))


def all_in(names: Sequence[str], space: str) -> bool:
    """Whether these are all names of a space that stands in a file of this folder.

    >>> all_in(["punch", "Push Ups"], "ucf101"), all_in(["punch", "typing"], "hmdb51")
    (True, False)
    """
    return bool(names) and {plain(name) for name in names} <= _plain_names(space)


def sets_of(names: Sequence[str]) -> tuple[str, ...]:
    """Those of SETS that have all these classes.

    >>> sets_of(["Archery", "Bowling"]), sets_of(["Archery", "Zebra"])
    (('ucf101', 'kinetics400', 'kinetics600'), ())
    """
    return tuple(each for each in SETS if all_in(names, each))


def find_all(wanted: Sequence[str], known: Sequence[Names]) -> list[tuple[int, ...]]:
    """For each wanted class the places of the known ones that are it: by name, or by action where both are of SETS.

    Several places: any of them. None: nobody knows a counterpart, or the name fits two and cannot tell them apart.

    >>> find_all(["Punch", "Yo Yo"], [("yoyo",), ("punch", "box")])
    [(1,), (0,)]
    """
    lookup, places = Lookup(known), Lookup([(names[0],) for names in known])
    pairs = _pairs(tuple(wanted), tuple(names[0] for names in known))
    found: list[tuple[int, ...]] = []
    for name in wanted:
        hits = lookup.find(name)
        named = hits if len(hits) == 1 else ()
        acted = {i for pair in pairs for each in same_actions(name, *pair) for i in places.find(each)}
        found.append(tuple(sorted(acted)) or named if pairs and not _versions(pairs) else named or tuple(sorted(acted)))
    return found


def _pairs(wanted: tuple[str, ...], known: tuple[str, ...]) -> list[tuple[str, str]]:
    """The sets that wanted and known classes may belong to; none where they may be of one."""
    own, other = sets_of(wanted), sets_of(known)
    return [] if set(own) & set(other) else [(one, two) for one in own for two in other]


def _versions(pairs: Sequence[tuple[str, str]]) -> bool:
    return all(set(pair) <= set(_KINETICS) for pair in pairs)


@cache
def _rows() -> tuple[dict[str, tuple[str, ...]], ...]:
    with Path(__file__).with_name("actions.csv").open(encoding="utf-8", newline="") as file:
        return tuple({key: tuple(filter(None, row[key].split("|"))) for key in SETS} for row in csv.DictReader(file))


@cache
def _plain_names(space: str) -> frozenset[str]:
    return frozenset(map(plain, listed(space)))
