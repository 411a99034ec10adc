"""What `vidsparse.evaluate` may be told: its keywords, and the config that they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, Literal, TypedDict

from corruptions.exceptions import nearest
from vidsparse.config import Config, DataConfig, EvaluationConfig
from vidsparse.config.change import changed
from vidsparse.config.compose import COMMAND_LINE
from vidsparse.loading import load_config
from vidsparse.utils.errors import ConfigError

CLEAN = "clean"  # the suite of no corruption
_BASE = "evaluate_pretrained"  # the shipped config whose settings are the defaults
_CARRIER = "cifar_resnet20"  # a row of the model table that takes any clip: what a config needs to be checked
_NOT_ASKED = ("source", "root", "suite", "val_fraction", "augment", "reference")
_OF_DATA = tuple(each.name for each in fields(DataConfig) if each.name not in (*_NOT_ASKED, "sampling", "on_error"))
_OF_EVALUATION = tuple(each.name for each in fields(EvaluationConfig) if each.name not in _NOT_ASKED)


class Protocol(TypedDict, total=False):
    """The keywords of `evaluate`; docs/python.md says what each does. Those of the last two blocks are config keys."""

    labels: str | Sequence[str]
    answers: Literal["all", "data"]
    normalize: Any
    normalized_by: Any
    takes: Literal["clips", "images"]
    layout: str
    fps: float
    dataset: str
    name: str
    config: str
    precision: Literal["model", "bf16", "16"]
    workers: int | Literal["auto"]
    progress: bool

    split: int
    eval_source: str | None
    eval_root: str | None
    eval_split: int
    frames: int
    stride: int
    short: Literal["loop", "clamp"]
    short_side: int
    size: int
    share: float
    missing: Literal["drop", "error"]
    if_missing: Literal["sample", "error"]
    timeout_s: float

    corruptions: Sequence[str] | None
    severities: Sequence[int] | None
    protocol: str | None
    views: int
    crops: Literal[1, 3, 5]
    sampling: Literal["dense", "uniform"]
    canvas: Literal["crop", "frame", "source"]
    resolution: Literal["absolute", "relative"]
    temporal: Literal["default", "static", "drift", "independent"] | None
    corruption_seed: int
    frost_textures: str | None
    batch_size: int
    max_clip_mb: float
    on_error: Literal["count_wrong", "raise"]


def check_names(given: Mapping[str, object]) -> None:
    """Raise ConfigError for a keyword that there is not, naming the nearest one."""
    known = tuple(Protocol.__annotations__)
    for name in given:
        if name not in known:
            close = nearest(name, known)
            raise ConfigError(
                f"evaluate() has no keyword {name}; "
                + (f"did you mean {close}?" if close else f"it has {', '.join(known)}")
            )


def config_of(source: str, root: str | None, suite: str | None, given: Protocol, settled: Mapping[str, Any]) -> Config:
    """The config of an evaluation, complete and checked.

    Args:
        source: the kind of data set.
        root: its folder; None is that of the config.
        suite: the corruptions; None is that of the config, "clean" none.
        given: the keywords.
        settled: further {dotted key: value} that keywords and network come to.
    """
    words: dict[str, Any] = {"model.name": _CARRIER, "model.weights": None, "training.epochs": 0,
                             "sparse.method": "dense", "training.init": None, "data.source": source}  # fmt: skip
    words |= {"data.root": root} if root is not None else {}
    words |= {"evaluation.suite": suite} if suite not in (None, CLEAN) else {}
    without = ("corruptions", "severities") if suite == CLEAN else ()
    for block, names in (("data", _OF_DATA), ("evaluation", _OF_EVALUATION)):
        words |= {f"{block}.{name}": given[name] for name in names if name in given and name not in without}  # type: ignore[literal-required]
    words |= settled
    typed = tuple(f"{key}={as_word(value)}" for key, value in words.items())
    try:
        config = load_config(given["config"], typed) if "config" in given else _loaded(typed)
    except ConfigError as error:
        raise ConfigError(str(error).replace(f" {COMMAND_LINE}", ", as given")) from error
    return changed(config, {"evaluation.severities": []}) if suite == CLEAN else config


@lru_cache(maxsize=64)
def _loaded(words: tuple[str, ...]) -> Config:
    """The shipped config with these settings, which are read in a second and asked for again and again."""
    return load_config(_BASE, words)


def as_word(value: object) -> str:
    """A value as a command line has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(as_word, value))}]"
    return str(value)
