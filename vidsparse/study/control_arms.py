"""Arms of a study beside methods and their two controls: those that are known by name, and any settings by mapping."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidsparse.config import StudyConfig
from vidsparse.sparsity.methods import METHODS
from vidsparse.study.spelling import spelled
from vidsparse.utils.errors import ConfigError, some

NAMES = ("narrow", "shuffled", "reset", "augmix")
AUGMIX = "training.augmix.severity=3"  # the strength of the paper's experiments on CIFAR
Place = tuple[str, float, str]  # method, sparsity, distribution


@dataclass(frozen=True)
class ControlArm:
    """One arm: what it is called, the place that it takes in tables, and its settings beside those of that place.

    `method` is empty where the settings or the config say it.
    """

    variant: str
    method: str
    sparsity: float
    distribution: str
    settings: tuple[str, ...]


def control_arms(study: StudyConfig, places: Sequence[Place]) -> Iterator[ControlArm]:
    """The arms that `study.controls` asks for; `places` are those of the methods and their two controls.

    >>> study = StudyConfig(methods=["rigl"], controls=["narrow", "shuffled"])
    >>> [(arm.variant, arm.method) for arm in control_arms(study, [("dense", 0.0, ""), ("rigl", 0.5, "erk")])]
    [('narrow', 'dense'), ('shuffled', 'rigl')]

    Raises:
        ConfigError: an entry is no known name and no mapping with a name, or stands there twice; or what is something
            else takes the name of a control or, in a mapping, of a method.
    """
    if taken := [method for method in study.methods if method in NAMES]:
        raise ConfigError(f"study.methods: {taken[0]} is the name of a control in tables; register it under another")
    names = [_name(entry) for entry in study.controls]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"study.controls: {name} stands in it twice")
    for entry, name in zip(study.controls, names, strict=True):
        if isinstance(entry, Mapping):
            yield ControlArm(name, "", 0.0, "", _spelled(entry))
        elif name == "narrow":
            yield from (ControlArm(name, "dense", s, "", (f"model.narrowed={s}",)) for s in study.sparsities)
        elif name == "augmix":
            yield ControlArm(name, "dense", 0.0, "", (AUGMIX,))
        else:
            dynamic = [place for place in places if METHODS[place[0]].dynamic]
            yield from (ControlArm(name, *place, (f"sparse.rearrange={name}",)) for place in dynamic)


def _name(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else entry
    if isinstance(entry, Mapping) and isinstance(name, str) and name in (*NAMES, *METHODS):
        what = "control" if name in NAMES else "method"
        raise ConfigError(f"study.controls={entry}: {name} is the name of a {what} in tables; give it another name")
    if isinstance(name, str) and name and (isinstance(entry, Mapping) or name in NAMES):
        return name
    raise ConfigError(f"study.controls={entry}: an entry is {some(NAMES, len(NAMES))}, or a name with settings")


def _spelled(entry: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{key}={spelled(value)}" for key, value in entry.items() if key != "name")
