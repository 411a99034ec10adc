"""What the `sample:` blocks of a config change that somebody had set otherwise, said in one line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vidsparse.config.identity import flatten
from vidsparse.config.schema import Config

Composed = tuple[Config, Mapping[str, str]]  # a config, and where each key was set
IN_BLOCK = "in the sample: block of "
_OTHER = {"sparse.every": "sparse.every_epochs", "sparse.every_epochs": "sparse.every"}  # one stands, not both


@dataclass(frozen=True)
class Replaced:
    """A key that the sample data sets otherwise: what was `said` of it at a `place`, and what `stands`, of key `by`."""

    key: str
    said: Any
    place: str
    by: str
    stands: Any


def replaced_by_sample(order: Sequence[str], said: Composed, settled: Composed) -> list[Replaced]:
    """The keys that a file, or the command line, sets and that the sample data sets otherwise.

    `order` are the places of the files, base first; `said` is the config without, `settled` with the sample data. What
    a file says is replaced where the block of one of its bases says otherwise; against its own block it stands for
    other data, and the command line is replaced in nothing but the split, of which the sample data has one.
    """
    (before, origin), (after, origin_after) = said, settled
    old, new = flatten(asdict(before)), flatten(asdict(after))
    found = []
    for key, place in origin.items():
        by = _OTHER[key] if key in _OTHER and new[key] is None else key
        block = origin_after.get(by, "").replace(IN_BLOCK, "in ", 1)
        own_base = origin_after.get(by, "").startswith(IN_BLOCK) and order.index(block) < order.index(place)
        if old.get(key) != new.get(key) and (own_base or key == "data.split"):
            found.append(Replaced(key, old[key], place, by, new[by]))
    return found


def say_replaced(found: Sequence[Replaced]) -> str:
    """One line that names each key, what was said of it and where, and what stands in its place; "" for none.

    >>> say_replaced([Replaced("data.split", 2, "in mine.yaml", "data.split", 1)])
    'the built-in sample data replaces data.split=2 by 1 in mine.yaml'
    """
    if not found:
        return ""
    places = dict.fromkeys(each.place for each in found)
    said = "; ".join(", ".join(_said(each) for each in found if each.place == place) + f" {place}" for place in places)
    keeps = any(each.key != "data.split" for each in found)
    way = "; to keep them, say them on the command line or in a sample: block of your own" if keeps else ""
    return f"the built-in sample data replaces {said}{way}"


def _said(each: Replaced) -> str:
    return f"{each.key}={each.said} by {each.stands if each.by == each.key else f'{each.by}={each.stands}'}"
