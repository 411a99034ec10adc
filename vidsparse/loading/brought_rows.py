"""Which rows of a config are of somebody's own, and the digests of the code that they are of."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from corruptions import outside
from corruptions.open_table import OpenTable
from corruptions.registry import ROWS as CORRUPTIONS
from corruptions.suites import SUITE_ROWS, suite
from vidsparse.config import Config
from vidsparse.config.reading import BadYaml, Unfit, read
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.models.model_rows import MODELS
from vidsparse.plugins.named_plugins import digests_of, load_plugins
from vidsparse.recipe_rows import LOSSES, OPTIMIZERS, RATES
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.sparsity.methods import METHODS
from vidsparse.sparsity.schedule import SHAPES
from vidsparse.sparsity.scores import SCORES
from vidsparse.tasks import TASKS
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.progress import warn

Used = tuple[str, Any, str | None]  # the block of the config, a table, and the name of the row there


def plugin_digests(config: Config) -> dict[str, str]:
    """{key: digest of the source} of the plug-ins of a config, and of the modules of others whose rows it uses.

    The keys of plug-ins that the config names are plugins.NAME; those of rows BLOCK.code NAME, so that what is of the
    method alone (sparse.code NAME) does not part a run from its dense control.
    """
    found = digests_of(config.plugins)
    for block, table, name in _used(config):
        module = table.module_of(name) if isinstance(table, OpenTable) and name is not None else ""
        if module:
            found[f"{block}.code {module}"] = _digest(module, str(name))
    return found


def load_plugins_of(runs: Sequence[Path]) -> None:
    """Import the plug-ins of finished runs for their reports; one that is gone is said, its names are shown."""
    for run in runs:
        with suppress(OSError, Unfit, BadYaml):  # said where the report reads it
            names = (read((run / "config.yaml").read_text(), Config) or {}).get("plugins", [])
            try:
                load_plugins(names)
            except ConfigError as error:
                warn(f"{run}: {error}; what it registered is shown by its name alone")


def _digest(module: str, name: str) -> str:
    try:
        return outside.source_digest(module)
    except outside.PluginError as error:
        raise ConfigError(f"{name}: {error}") from error


def _used(config: Config) -> Iterator[Used]:
    """Every row that what a config computes depends on."""
    sparse, row = config.sparse, METHODS[config.sparse.method]
    yield "sparse", METHODS, sparse.method
    yield "sparse", DISTRIBUTIONS, sparse.distribution
    yield "sparse", SHAPES, sparse.decay or row.decay
    yield from (("sparse", SCORES, score.name) for score in (row.drop, row.grow) if score)
    yield "model", MODELS, config.model.name
    yield "data", SOURCES, config.data.source
    yield "data", SOURCES, config.data.eval_source
    yield "task", TASKS, config.task
    yield "evaluation", SUITE_ROWS, config.evaluation.suite
    yield from (("evaluation", CORRUPTIONS, name) for name in suite(config.evaluation.suite))
    yield "training", LOSSES, config.training.loss
    yield "training", OPTIMIZERS, config.training.optimizer.name
    yield "training", RATES, config.training.schedule.name
