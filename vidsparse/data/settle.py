"""Does a run fit the corrupted set that it evaluates on? Asked when its config is checked, before any work."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidsparse.config import Config
from vidsparse.data.corrupted.layout import RECIPE, Recipe, read_recipe
from vidsparse.utils.errors import ConfigError

_PROTOCOL = ("short_side", "size", "frames", "stride", "sampling", "short")


def settle(config: Config, origin: Mapping[str, str]) -> None:
    """Take over what a benchmark of ours says of itself; ConfigError with the reason where the run does not fit it."""
    if config.training.epochs:
        raise ConfigError(
            "data.source=corrupted: a corrupted set has nothing to train on; train on the data set itself, then "
            "evaluate its weights with scripts/evaluate.py, or set training.epochs=0"
        )
    root = Path(config.data.root)
    if not (root / RECIPE).is_file():
        return
    recipe = read_recipe(root)
    for key in ("suite", "resolution", "corruption_seed"):
        value, given = getattr(recipe, key), getattr(config.evaluation, key)
        if given != value and "on the command line" in origin.get(f"evaluation.{key}", ""):
            raise ConfigError(f"evaluation.{key}={given}: the benchmark {root} was made with {value}")
        setattr(config.evaluation, key, value)
    _check_protocol(config, recipe, root)


def _check_protocol(config: Config, recipe: Recipe, root: Path) -> None:
    evaluation, data = config.evaluation, config.data
    if evaluation.canvas != recipe.canvas:
        raise ConfigError(
            f"evaluation.canvas={evaluation.canvas}: the benchmark {root} was corrupted on the canvas "
            f"{recipe.canvas}, and pixels corrupted there are others; set evaluation.canvas={recipe.canvas}"
        )
    asked: dict[str, Any] = {f"data.{key}": getattr(data, key) for key in _PROTOCOL}
    asked["data.sampling"] = evaluation.sampling or data.sampling
    asked["evaluation.views"] = evaluation.views
    for key, given in asked.items():
        held = getattr(recipe, key.rpartition(".")[2])
        if held is not None and held != given:
            what = "size" if key.endswith(("size", "side")) else "protocol"
            raise ConfigError(
                f"{key}={given}: the benchmark {root} holds the frames of one {what} alone, with {key}={held}; set it "
                "to that"
            )
