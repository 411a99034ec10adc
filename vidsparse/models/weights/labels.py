"""Which logit is which class: the classes that weights were trained on, matched by name to those of a data set."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corruptions.exceptions import suggestion
from vidsparse.classes.matching import Lookup, plain, repeated
from vidsparse.classes.spaces import SPACES, Names, space_classes
from vidsparse.utils import json_text
from vidsparse.utils.errors import ConfigError, some

__all__ = ["SPACES", "Names", "find_classes", "match_classes"]

_NUMBERED = re.compile(r"(\d+)[\s,;:]+(\S.*)")


def find_classes(labels: str) -> tuple[Names, ...]:
    """The classes of a label space in the order of its logits.

    `labels` is a name of SPACES, or a file: a text with one name a line, in which commas stand between synonyms and
    consecutive numbers may stand before the names (classInd.txt); or JSON, a list, or an object of numbers to names
    or names to numbers (id2label, labels.json). ConfigError where the file has a name twice, with its lines.
    """
    if labels in SPACES:
        return space_classes(labels)
    path = Path(labels)
    if not os.path.isfile(path):  # which, unlike Path.is_file, is false for a name that is too long
        hint = suggestion(labels, ("auto", "order", *SPACES), "docs/data.md")
        raise ConfigError(f"model.labels={labels}: there is no such file, and no label space of that name; {hint}")
    try:
        text = path.read_text("utf-8-sig")
        found = _from_json(text, path) if path.suffix.lower() == ".json" else _from_lines(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"model.labels: {path} cannot be read ({error})") from error
    if not found:
        raise ConfigError(f"model.labels: {path} holds no name of a class")
    what = "entry" if path.suffix.lower() == ".json" else "line"
    twice = repeated(" ".join(names) for _, names in found)
    if twice:
        said = [f"{name} ({what} {', '.join(str(found[i][0]) for i in places)})" for name, places in twice.items()]
        raise ConfigError(f"model.labels: {path} has a name twice: {some(said)}; each class needs a name of its own")
    return tuple(names for _, names in found)


def match_classes(wanted: Sequence[str], known: Sequence[Names]) -> list[int]:
    """For each wanted class the number of the known one that bears its name; letter case, blanks and _ do not count.

    ConfigError that lists those without a counterpart, or two that have the same.

    >>> match_classes(["JavelinThrow", "yo-yo"], [("yoyo",), ("archery",), ("javelin throw",)])
    [2, 0]
    """
    lookup = Lookup(known)
    return one_each(wanted, known, [hits if len(hits := lookup.find(name)) == 1 else () for name in wanted])


def one_each(wanted: Sequence[str], known: Sequence[Names], places: Sequence[tuple[int, ...]]) -> list[int]:
    """The first place of each wanted class; ConfigError where one has none, or two have one in common."""
    missing = [name for name, found in zip(wanted, places, strict=True) if not found]
    if missing:
        raise ConfigError(
            f"model.labels: {len(missing)} of the data's {len(wanted)} classes are none of the weights' {len(known)}, "
            f"or fit two of them: {some(missing, 6)}; fine-tune with training.init, or give a file of names as "
            "model.labels"
        )
    counts = Counter(place for found in places for place in found)
    twice = [known[place][0] for place, count in counts.items() if count > 1]
    if twice:
        raise ConfigError(f"model.labels: two classes of the data are one class of the weights: {some(twice)}")
    return [found[0] for found in places]


def names_in(said: Any) -> tuple[Names, ...] | None:
    """The classes of a parsed list, or of an object of numbers to names or names to numbers; None where it is none.

    >>> names_in({"1": "dog", "0": "cat"}), names_in({"dog": 1, "cat": "0"}), names_in({"0": ["n01", "tench"]})
    ((('cat',), ('dog',)), (('cat',), ('dog',)), (('n01', 'tench'),))
    """
    if isinstance(said, dict):
        if not all(str(key).isdecimal() for key in said):
            said = {str(number): name for name, number in said.items()} if _distinct(said.values()) else {}
        numbers = {int(key): names for key, names in said.items() if str(key).isdecimal()}
        if not numbers or sorted(numbers) != list(range(len(said))):
            return None
        said = [numbers[i] for i in range(len(numbers))]
    if not isinstance(said, list):
        return None
    rows = [(row,) if isinstance(row, str) else tuple(row) if isinstance(row, list) else () for row in said]
    fine = all(row and all(isinstance(name, str) and name.strip() for name in row) for row in rows)
    return tuple(_synonyms(row[0]) if len(row) == 1 else row for row in rows) if rows and fine else None


def _distinct(values: Any) -> bool:
    listed = [str(value) for value in values]
    return len(set(listed)) == len(listed)


def _from_json(text: str, path: Path) -> list[tuple[int, Names]]:
    names = names_in(json_text.parsed(text, once=True))
    if names is None:
        raise ConfigError(f"model.labels: {path} is not a list of class names, nor an object that numbers them from 0")
    return list(enumerate(names, start=1))


def _from_lines(text: str) -> list[tuple[int, Names]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for _, line in lines]
    numbers = [int(match[1]) for match in numbered if match]
    bare = [match[2] for match in numbered if match]
    consecutive = len(numbers) == len(lines) > 1 and numbers in (
        list(range(len(lines))),
        list(range(1, len(lines) + 1)),
    )
    if consecutive and len({plain(name) for name in bare}) > 1:
        whole = [] if repeated(bare) else [line for _, line in lines]  # a name may begin with a number of its own
        rows = [(*_synonyms(name), *whole[i : i + 1]) for i, name in enumerate(bare)]
        return [(number, names) for (number, _), names in zip(lines, rows, strict=True)]
    return [(number, _synonyms(line)) for number, line in lines]


def _synonyms(line: str) -> Names:
    """The parts between commas, and the whole of it: some names have commas in them."""
    parts = tuple(part.strip() for part in line.split(",") if part.strip())
    return (*parts, line) if len(parts) > 1 else (line.strip(),)
