"""Which classes of UCF101, HMDB51, Kinetics-400 and Kinetics-600 are the same action: actions.csv.

A row is one action, a column a data set, "|" between several classes of Kinetics. UCF101 and HMDB51 are joined as by
Chen et al. (Temporal Attentive Alignment for Large-Scale Video Domain Adaptation, ICCV 2019, UCF-HMDB_full), but for
`walk`. Nobody published a map to Kinetics: it was made here from the names in the official lists, by one rule. A class
of Kinetics stands in a row where its clips show the action of that row or a kind of it, and where those named together
are what a viewer who knows only the classes of Kinetics would answer. What has no such class has no row (pour, walk,
BalanceBeam): its clips cannot be answered rightly. Where several classes of Kinetics stand in a row, any of them
counts as right. Rows with Kinetics alone join what the two versions call differently.
"""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from vidsparse.classes.names import Lookup, Names, plain
from vidsparse.classes.spaces import all_in

SETS = ("ucf101", "hmdb51", "kinetics400", "kinetics600")
_KINETICS = ("kinetics400", "kinetics600")


def same_actions(name: str, own: str, other: str) -> tuple[str, ...]:
    """What the action `name` of the set `own` is called in the set `other`; both are of SETS.

    >>> same_actions("Punch", "ucf101", "kinetics400"), same_actions("golf", "hmdb51", "ucf101")
    (('punching person (boxing)',), ('GolfSwing',))
    """
    versions = {own, other} <= set(_KINETICS)
    rows = [row for row in _rows() if not (versions and (row["ucf101"] or row["hmdb51"]))]
    found = [row[other] for row in rows if plain(name) in map(plain, row[own])]
    return tuple(dict.fromkeys(each for names in found for each in names))


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
