"""What a config makes of the topology, in optimizer steps: when it changes, by how much, and what growth sees."""

from dataclasses import dataclass
from typing import Any

from vidsparse.config import Config
from vidsparse.run_dir.record import UpdatesRecord
from vidsparse.sparsity import schedule
from vidsparse.sparsity.methods import METHODS, SETTINGS, Method
from vidsparse.utils.errors import ConfigError

FEW = 5  # updates below which a topology is hardly dynamic


@dataclass(frozen=True)
class TopologyPlan:
    """`method`: the row with the config's settings, in steps. `updates`: how many there are. `fractions`: the sum of
    the shares of a layer's weights that they drop. `samples`: training samples that each growth by gradient sees, 0
    for other growth.
    """

    method: Method
    updates: int
    fractions: float
    samples: int

    def record(self) -> UpdatesRecord:
        """What run.json says of it."""
        return UpdatesRecord(
            every=self.method.every,
            updates=self.updates,
            fractions=self.fractions,
            samples=self.samples,
            grow_window=min(self.method.grow_window, self.method.every),
        )


def settings_in_steps(config: Config, steps_per_epoch: int) -> dict[str, Any]:
    """The settings of the config's method as `sparsify` takes them: {name: value}, None for what the row says."""
    sparse = config.sparse
    given = {name: getattr(sparse, name) for name in SETTINGS} | sparse.settings
    every = schedule.interval(sparse.every, sparse.every_epochs, steps_per_epoch)
    if given["grow_window"] == "auto":
        assert every is not None
        given["grow_window"] = schedule.gradient_window(every, config.training.batch_size, steps_per_epoch)
    return given | {"every": every}


def topology_plan(config: Config, steps_per_epoch: int) -> TopologyPlan:
    """The plan of a training of `training.epochs` epochs of so many optimizer steps."""
    given = {name: value for name, value in settings_in_steps(config, steps_per_epoch).items() if value is not None}
    row = METHODS[config.sparse.method].having(**given)
    total = steps_per_epoch * config.training.epochs
    updates = row.update_steps(total)
    fractions = sum(row.fraction(step, total) for step in updates)
    seen = min(row.grow_window, row.every)  # a window begins behind the last update
    return TopologyPlan(row, len(updates), fractions, seen * config.training.batch_size)


def check_updates(config: Config, steps_per_epoch: int) -> str | None:
    """A warning where the topology changes fewer than five times; ConfigError where a dynamic method never would."""
    sparse, total = config.sparse, steps_per_epoch * config.training.epochs
    if not METHODS[sparse.method].dynamic or not total:
        return None
    plan = topology_plan(config, steps_per_epoch)
    name, value = ("every", sparse.every) if sparse.every_epochs is None else ("every_epochs", sparse.every_epochs)
    if plan.updates == 0:
        better = max(1, round(total * plan.method.stop / 20))
        wanted = better if name == "every" else f"{better / steps_per_epoch:.2g}"
        raise ConfigError(
            f"sparse.{name}={value}: {plan.method.name} would never change its topology in {total} optimizer steps; "
            f"set sparse.{name} to {wanted} or so"
        )
    few = f"only {plan.updates} topology updates in {total} steps; lower sparse.{name}={value} for more"
    return few if plan.updates < FEW else None
