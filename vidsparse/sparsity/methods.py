"""Every DST method as a row: distribution × drop score × grow score × schedule. Adding a method is adding a row."""

from dataclasses import dataclass

from vidsparse.sparsity import schedule
from vidsparse.sparsity.scores import GRADIENT, MAGNITUDE, RANDOM, Score


@dataclass(frozen=True)
class Method:
    """A rule for the topology.

    At an update after step t each layer drops the `floor(fraction · non-zeros)` active weights of lowest `drop`
    score and grows as many of highest `grow` score among all that were not kept; fraction is
    `drop_fraction · shape(t / T_end)` with T_end = `stop` · total steps, and updates come each `every` steps before
    T_end. A weight that is dropped and grown at once keeps its value and optimizer state; other grown ones start at 0.
    """

    name: str
    source: str
    drop: Score | None = None
    grow: Score | None = None
    shape: schedule.Shape = schedule.constant
    drop_fraction: float = 0.0
    every: int = 0
    stop: float = 0.0

    @property
    def sparse(self) -> bool:
        """False for dense training alone."""
        return self.name != "dense"

    @property
    def dynamic(self) -> bool:
        """True where the topology changes during training."""
        return self.drop is not None

    @property
    def dense_gradient(self) -> bool:
        """True where updates need the gradient of weights that do not exist."""
        return any(score.dense_gradient for score in (self.drop, self.grow) if score)

    def fraction(self, step: int, total_steps: int) -> float:
        """Share of a layer's non-zeros replaced by the update after `step`."""
        return self.drop_fraction * self.shape(step / max(1, schedule.end_step(total_steps, self.stop)))

    def update_steps(self, total_steps: int) -> range:
        """The steps after which this method updates the topology."""
        return schedule.update_steps(total_steps, self.every, self.stop) if self.dynamic else range(0)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("dense", source="the control: no masks at all"),
        Method("static", source="the control: a random sparse network that stays as it is"),
        Method(
            "set",
            source="Mocanu et al. 2018, Nature Communications 9:2383",
            drop=MAGNITUDE,
            grow=RANDOM,
            shape=schedule.constant,
            drop_fraction=0.3,
            every=100,
            stop=1.0,
        ),
        Method(
            "rigl",
            source="Evci et al. 2020, Rigging the Lottery, algorithm 1",
            drop=MAGNITUDE,
            grow=GRADIENT,
            shape=schedule.cosine,
            drop_fraction=0.3,
            every=100,
            stop=0.75,
        ),
    )
}
