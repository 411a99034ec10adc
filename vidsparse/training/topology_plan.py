"""What a config makes of the topology, in optimizer steps: when it changes, by how much, and what growth sees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vidsparse.config import SparseConfig, TrainingConfig
from vidsparse.data.sampling import batches_per_epoch
from vidsparse.run_dir.record import UpdatesRecord
from vidsparse.sparsity import schedule
from vidsparse.sparsity.methods import METHODS, SETTINGS, Method
from vidsparse.utils.errors import ConfigError

FEW = 5  # updates below which a topology is hardly dynamic
LEAST = 0.1  # of the training that must be left to retrain
STATIC = 0.75  # of the training after which a topology that never changes is rearranged, as most others settle then


@dataclass(frozen=True)
class Length:
    """How long a training is: clips a step, optimizer steps an epoch, epochs."""

    batch_size: int
    per_epoch: int
    epochs: int

    @classmethod
    def of(cls, training: TrainingConfig, clips: int) -> "Length":
        """That of a training on so many clips.

        >>> Length.of(TrainingConfig(epochs=3, batch_size=8), clips=20)
        Length(batch_size=8, per_epoch=2, epochs=3)
        """
        return cls(training.batch_size, batches_per_epoch(clips, training.batch_size), training.epochs)

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.per_epoch * self.epochs


@dataclass(frozen=True)
class TopologyPlan:
    """`method`: the row with the config's settings, in steps. `settings`: those as `sparsify` takes them, None for what
    the row says. `updates`: how many there are. `fractions`: the sum of the shares of a layer's weights that they drop.
    `samples`: training samples that each growth by gradient sees, 0 for other growth. `warning`: that there are few
    updates; empty where there are not. `rearranged_at`: the steps before links are drawn anew, None for never.
    """

    method: Method
    settings: Mapping[str, Any]
    updates: int
    fractions: float
    samples: int
    warning: str = ""
    rearranged_at: int | None = None

    def record(self) -> UpdatesRecord:
        """What run.json says of it."""
        return UpdatesRecord(
            every=self.method.every,
            updates=self.updates,
            fractions=self.fractions,
            samples=self.samples,
            grow_window=min(self.method.grow_window, self.method.every),
        )


def topology_plan(sparse: SparseConfig, length: Length) -> TopologyPlan:
    """What a `sparse` block makes of a training of this length.

    Raises:
        ConfigError: a dynamic method that would never change its topology, or leaves no time to rearrange it.
    """
    settings = _settings_in_steps(sparse, length)
    row = METHODS[sparse.method].having(**{name: value for name, value in settings.items() if value is not None})
    updates = row.update_steps(length.steps)
    fractions = sum(row.fraction(step, length.steps) for step in updates)
    seen = min(row.grow_window, row.every)  # a window begins behind the last update
    at = rearrange_step(sparse, row, length.steps)
    plan = TopologyPlan(row, settings, len(updates), fractions, seen * length.batch_size, rearranged_at=at)
    return replace(plan, warning=_said_of_few(plan, sparse, length)) if row.dynamic and length.steps else plan


def rearrange_step(sparse: SparseConfig, method: Method, total_steps: int) -> int | None:
    """How many optimizer steps come before the topology is rearranged; None where it is not, or nothing is trained.

    Raises:
        ConfigError: less than a tenth of the training is left after the last update of the topology.
    """
    if sparse.rearrange is None or not total_steps:
        return None
    updates = method.update_steps(total_steps)
    step = updates[-1] if updates else round(STATIC * total_steps)
    if total_steps - step < LEAST * total_steps:
        raise ConfigError(
            f"sparse.rearrange={sparse.rearrange}: {method.name} changes its topology until step {step} of "
            f"{total_steps}, which leaves too few to train what is rearranged; set sparse.stop=0.75 or so"
        )
    return step


def _settings_in_steps(sparse: SparseConfig, length: Length) -> dict[str, Any]:
    given = {name: getattr(sparse, name) for name in SETTINGS} | sparse.settings
    every = schedule.interval(sparse.every, sparse.every_epochs, length.per_epoch)
    if given["grow_window"] == "auto":
        assert every is not None
        given["grow_window"] = schedule.gradient_window(every, length.batch_size, length.per_epoch)
    return given | {"every": every}


def _said_of_few(plan: TopologyPlan, sparse: SparseConfig, length: Length) -> str:
    """A warning where the topology changes fewer than five times; ConfigError where it never does."""
    name, value = ("every", sparse.every) if sparse.every_epochs is None else ("every_epochs", sparse.every_epochs)
    if plan.updates == 0:
        better = max(1, round(length.steps * plan.method.stop / 20))
        wanted = better if name == "every" else f"{better / length.per_epoch:.2g}"
        raise ConfigError(
            f"sparse.{name}={value}: {plan.method.name} would never change its topology in {length.steps} optimizer "
            f"steps; set sparse.{name} to {wanted} or so"
        )
    few = f"only {plan.updates} topology updates in {length.steps} steps; lower sparse.{name}={value} for more"
    return few if plan.updates < FEW else ""
