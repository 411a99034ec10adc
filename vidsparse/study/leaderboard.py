"""Several checkpoints in one command: model.weights=[a,b] and model.name=[x,y] become one evaluation each."""

import re
from collections.abc import Sequence

from vidsparse.config.compose import compose
from vidsparse.config.reading import word
from vidsparse.models.weights.find import names_parameters, split_part
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.files import at_home

_KEYS = ("model.name", "model.weights")


def entries(overrides: Sequence[str]) -> list[tuple[str, list[str]]]:
    """[(label, overrides)] of each evaluation; the label is "" where the command line names no weights.

    >>> entries(["model.weights=[a.pth,b.pth]", "data.split=2"])
    [('a', ['model.weights=a.pth', 'data.split=2']), ('b', ['model.weights=b.pth', 'data.split=2'])]
    """
    given = {key: _values(key, overrides) for key in _KEYS}
    count = max(len(values) for values in given.values()) or 1
    if any(len(values) not in (0, 1, count) for values in given.values()):
        raise ConfigError(f"{' and '.join(_KEYS)}: lists of different lengths; one entry of each makes one evaluation")
    base = next((word.partition("=")[2] for word in reversed(overrides) if word.startswith("name=")), "")
    made: list[tuple[str, list[str]]] = []
    for number in range(count):
        chosen = {key: values[number % len(values)] for key, values in given.items() if values}
        rest = [word for word in overrides if word.partition("=")[0] not in (*chosen, *(["name"] if count > 1 else []))]
        label = _label(chosen.get("model.name", ""), chosen.get("model.weights", ""))
        label = "_".join(filter(None, [base, label])) if count > 1 else label
        taken = sum(other == label or other.startswith(f"{label}_again") for other, _ in made)
        label = f"{label}_again{taken}" if taken else label
        made.append((label, [*(f"{key}={value}" for key, value in chosen.items()), *rest]))
    return made


def weights_of(config: str, overrides: Sequence[str]) -> str | None:
    """The weights that a config and its overrides name."""
    return compose(config, overrides)[0].model.weights


def _values(key: str, overrides: Sequence[str]) -> list[str]:
    """What the last override of `key` says: one value, or those of a list."""
    said = [word.partition("=")[2] for word in overrides if word.partition("=")[0] == key]
    if not said or not said[-1].startswith("["):
        return said[-1:]
    values = word(said[-1], list[str], key) if said[-1].endswith("]") else []
    if not values or not all(values) or any(set("[]") & set(value) for value in values):
        raise ConfigError(f"{key}={said[-1]} on the command line is not a list of names [a,b,c]")
    return list(values)


def _label(model: str, weights: str) -> str:
    """A short name for a run folder: that of the run or file, else the model's with its weights."""
    file, part = split_part(weights)
    path = at_home(file)
    if path.parent.name == "checkpoints":
        name = path.parent.parent.name
    elif path.exists():
        name = path.name if path.is_dir() else path.stem
    else:
        name = f"{model}_{path.stem if names_parameters(path) else weights}"
    return re.sub(r"[^\w.-]+", "_", f"{name}_{part}" if part else name).strip("_.")
