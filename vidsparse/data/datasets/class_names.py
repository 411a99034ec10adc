"""One class, one name: folders of training and test parts brought together, lists in which no name stands twice."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from vidsparse.classes.matching import composed, folded, plain, repeated
from vidsparse.data.datasets.lists import lines
from vidsparse.utils.errors import DataError, some

_NUMBER = re.compile(r"[0-9]{1,9}")


def joined_names(train: Sequence[str], test: Sequence[str], where: str) -> dict[str, str]:
    """{name in the test part: the training part's name of that class}, its own where nothing was trained.

    Names are one class where they are equal, or differ only in letter case, Unicode form, blanks and punctuation and
    no third one is like them. DataError where that does not tell which is which.

    >>> joined_names(["Jump", "run"], ["jump", "run", "sit"], "data")
    {'jump': 'Jump', 'run': 'run', 'sit': 'sit'}
    """
    for part in (train, test):
        twice = repeated(part)
        if twice:
            raise DataError(f"{where}: two folders differ only in the Unicode form of {some(list(twice))}; join them")
    by_form = {composed(name): name for name in train}
    joined = {name: by_form[composed(name)] for name in test if composed(name) in by_form}
    for key in (folded, plain):
        free = [name for name in train if name not in joined.values()]
        for name in (each for each in test if each not in joined):
            like = [each for each in (*train, *test) if each != name and key(each) == key(name)]
            if len(like) == 1 and like[0] in free:
                joined[name] = like[0]
            elif like:
                raise DataError(
                    f"{where}: {name} of the test part is like {some(sorted(set(like)))}, and which class it is cannot "
                    "be told; give each class one name"
                )
    return {name: joined.get(name, name) for name in test}


def said_of_joined(joined: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence on names that were taken for one class though they differ."""
    differing = [f"{name} is {theirs}" for name, theirs in joined.items() if name != theirs]
    return (f"test and training classes whose names differ, joined: {some(differing, 6)}",) if differing else ()


def listed_classes(path: Path, column: int | None = None) -> tuple[str, ...]:
    """The names in a list, a line each: the whole line or a column; DataError where one stands there twice."""
    rows = [(where, line if column is None else line.split()[column]) for where, line in lines(path)]
    at = defaultdict[str, list[str]](list)
    for where, name in rows:
        at[composed(name)].append(where.rpartition(" ")[2])
    twice = [f"{name} (lines {', '.join(places)})" for name, places in at.items() if len(places) > 1]
    if twice:
        raise DataError(f"{path}: {some(twice)}: a class stands there twice; each needs a name of its own")
    return tuple(name for _, name in rows)


def numbered_classes(path: Path) -> tuple[str, ...]:
    """The names of a list of numbers and names, as classInd.txt is: in the order of the numbers, which begin with 1."""
    rows = [(where, *line.partition(" ")[::2]) for where, line in lines(path)]
    wrong = [where for where, number, name in rows if not _NUMBER.fullmatch(number) or not name.strip()]
    if wrong:
        raise DataError(f"{wrong[0]}: a number and the name of a class are expected")
    numbers = sorted(int(number) for _, number, _ in rows)
    if numbers != list(range(1, len(rows) + 1)):
        raise DataError(f"{path}: its classes are not numbered from 1 to {len(rows)}, each once")
    names = [name.strip() for _, _, name in sorted(rows, key=lambda row: int(row[1]))]
    twice = repeated(map(folded, names))
    if twice:
        raise DataError(f"{path}: {some(list(twice))}: a class stands there twice")
    return tuple(names)
