"""`vidsparse.register`: one door into every table."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from corruptions.open_table import OpenTable, caller
from vidsparse.utils.errors import ConfigError

T = TypeVar("T")
KINDS = {  # what may be registered, and its table
    "method": "vidsparse.sparsity.methods:METHODS",
    "score": "vidsparse.sparsity.scores:SCORES",
    "distribution": "vidsparse.sparsity.distribution:DISTRIBUTIONS",
    "schedule": "vidsparse.sparsity.schedule:SHAPES",
    "model": "vidsparse.models.model_rows:MODELS",
    "data": "vidsparse.data.datasets.source_table:SOURCES",
    "task": "vidsparse.tasks:TASKS",
    "loss": "vidsparse.recipe_rows:LOSSES",
    "optimizer": "vidsparse.recipe_rows:OPTIMIZERS",
    "learning_rate": "vidsparse.recipe_rows:RATES",
    "metric": "vidsparse.recipe_rows:METRICS",
}
# rows that say by their type what they are
_ROWS = {"Method": "method", "Score": "score", "ModelSpec": "model", "Source": "data", "Task": "task"}


def register(row: T | None = None, *, kind: str = "", name: str = "") -> T | Callable[[T], T]:
    """Add a row, or a function, to those that configs and functions know by name; returns it. A decorator too.

    Rows say themselves what they are: `sparsity.Method`, `sparsity.scores.Score`, `models.zoo.ModelSpec`,
    `data.datasets.source_table.Source`, `tasks.Task`. Of a function `kind` says it, and `name` what it is called, else
    its own name; parameters are given by their names:

    * "model": num_classes, frames, size, name -> nn.Module, float clips (B, 3, T, H, W) -> logits (B, num_classes)
    * "data": (root, split) -> a `data.datasets.sources.Dataset`
    * "loss": (outputs, labels[, smoothing]) -> a tensor of one number, for `training.loss`
    * "optimizer": params, lr, momentum, nesterov, betas and own ones of `training.optimizer.settings` -> an optimizer
    * "learning_rate": (progress after the warm-up, 0 to 1) -> share of the peak, for `training.schedule.name`
    * "metric": (predictions of one condition, a pandas table with a row a video) -> a number, for `report.metrics`
    * "distribution": (weight shape) -> how dense the layer is beside others, above 0; only ratios count
    * "schedule": (progress, 0 to 1) -> share, for `sparse.decay`
    * "score": (Candidates) -> a score for each weight, for `drop` and `grow` of a method

    In a plug-in, a file or module that `plugins:` names, every process of a run has it; else this process alone.

    Raises:
        ConfigError: there is one of that name already, or it cannot be a row of its table.

    >>> register(lambda shape: 1 / shape[0], kind="distribution", name="by_outputs")((4, 3))
    0.25
    """
    module = caller()
    if row is None:
        return lambda given: _add(given, kind, name, module)
    return _add(row, kind, name, module)


def table_of(kind: str) -> OpenTable[Any]:
    """The table of a kind; ConfigError for a kind that there is not."""
    if kind not in KINDS:
        raise ConfigError(f"register: kind={kind!r} is none of {', '.join(KINDS)}")
    module, name = KINDS[kind].split(":")
    found: OpenTable[Any] = getattr(import_module(module), name)
    return found


def _add(row: T, kind: str, name: str, module: str) -> T:
    kinds = [_ROWS[each.__name__] for each in type(row).__mro__ if each.__name__ in _ROWS]
    if not kind and not kinds:
        shown = getattr(row, "__name__", type(row).__name__)
        raise ConfigError(f"register({shown}): say what it is, kind= one of {', '.join(KINDS)}")
    named = name or getattr(row, "name", "") or getattr(row, "__name__", "")
    table_of(kind or kinds[0]).add(named, row, module=module)
    return row
