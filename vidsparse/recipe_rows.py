"""What of a training recipe and of a report has a name: losses, optimizers, the learning rate; metrics of one's own.

Shipped rows are "module:function", so that reading a config imports no torch; those of others are functions.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError

Function = Callable[..., Any]
_RECIPE = "vidsparse.training.recipe"


def function_of(row: "Function | str") -> Function:
    """The function that a row of a table is, or that it names as "module:function"."""
    if not isinstance(row, str):
        return row
    module, name = row.split(":")
    found: Function = getattr(import_module(module), name)
    return found


def _made(kind: str) -> Callable[[str, Any], "Function | str"]:
    def made(name: str, thing: Any) -> "Function | str":
        shipped = isinstance(thing, str) and thing.startswith("vidsparse.")
        if shipped or callable(thing):
            row: Function | str = thing
            return row
        raise ConfigError(f"{kind} {name}: it is a function, not {thing!r}")

    return made


# (outputs, labels[, smoothing]) -> scalar, beside the task's own, which a config that names none has
LOSSES: OpenTable["Function | str"] = OpenTable("loss", "docs/plugins.md", ConfigError, _made("loss"), {})
# of (params, lr, momentum, nesterov, betas, settings ...) by name -> torch.optim.Optimizer
OPTIMIZERS: OpenTable["Function | str"] = OpenTable(
    "optimizer",
    "docs/plugins.md",
    ConfigError,
    _made("optimizer"),
    {"sgd": f"{_RECIPE}:make_sgd", "adamw": f"{_RECIPE}:make_adamw"},
)
# (progress after the warm-up, 0 to 1) -> share of the peak learning rate
RATES: OpenTable["Function | str"] = OpenTable(
    "learning rate",
    "docs/plugins.md",
    ConfigError,
    _made("learning rate"),
    {name: f"{_RECIPE}:{name}_rate" for name in ("cosine", "multistep", "constant")},
)
# (rows of the table of predictions of one condition) -> float, for `report.metrics`
METRICS: OpenTable["Function | str"] = OpenTable("metric", "docs/plugins.md", ConfigError, _made("metric"), {})
