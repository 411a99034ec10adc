"""What a DST method is: distribution × drop score × grow score × schedule."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from vidsparse.sparsity import schedule
from vidsparse.sparsity.scores import Score

# What a caller may set, and the least and the most that it can be: optimizer steps for `every`, else shares.
# The other fields of a row are what makes it this method.
SETTINGS: dict[str, tuple[float, float]] = {
    "every": (1, 10**9),
    "stop": (0, 1),
    "drop_fraction": (0, 1),
    "gradient_weight": (0, 10**9),
    "soft_bound": (0, 10),
    "initial_density": (0, 1),
    "prune_until": (0, 1),
    "smoothing": (0, 1),
    "min_salient": (0, 1),
}


@dataclass(frozen=True)
class Method:
    """A rule for the topology. Updates come after each `every` optimizer steps before T_end = `stop` · total steps.

    At an update after step t each layer keeps its weights of highest `drop` score and grows those of highest `grow`
    score among all that it did not keep. How many:

    * usually it drops `floor(drop_fraction · shape(t / T_end) · non-zeros)` and grows as many;
    * with a `soft_bound` b it drops to its count at the target density and grows to that at (1 + b · shape(t / T_end))
      times the target, capped at 1; the last update leaves the target;
    * with `pruning` the density first falls from `initial_density` (from 1 where the target is above it) to the target,
      by the cubic schedule until `prune_until` · total steps: "global" ranks the weights of all layers together,
      "layer" takes each layer to its count in the distribution;
    * with `redistribute` all that was dropped is shared out anew: a layer grows in proportion to the mean |momentum| of
      its weights, momentum being the average of its dense gradients, those of each step before weighted by `smoothing`;
    * with `constant_fan_in` every neuron (first dimension of a weight) of a layer has the same number of weights; it
      grows until that is so. A neuron with fewer than `min_salient` of them among the layer's kept weights and highest
      grow scores loses them to the others, but never in the last layer.

    A weight that is dropped and grown at once keeps its value and optimizer state; other grown ones start at 0.
    """

    name: str
    title: str
    source: str
    drop: Score | None = None
    grow: Score | None = None
    shape: schedule.Shape = schedule.constant
    pruning: Literal["none", "global", "layer"] = "none"
    redistribute: bool = False
    constant_fan_in: bool = False
    drop_fraction: float = 0.0
    every: int = 0  # optimizer steps
    stop: float = 0.0  # share of the training
    gradient_weight: float = 0.0  # λ of |w| + λ|g|
    soft_bound: float = 0.0  # share of the planned non-zeros
    initial_density: float = 0.0
    prune_until: float = 0.0  # share of the training
    smoothing: float = 0.0  # of the momentum, a step
    min_salient: float = 0.0  # γ_sal, share of the fan-in

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

    @property
    def across_layers(self) -> bool:
        """True where weights move from one layer to another, so that each can become sparse."""
        return self.pruning == "global" or self.redistribute

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that mean something for this method, with its own values."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name)}

    def fraction(self, step: int, total_steps: int) -> float:
        """Share of a layer's non-zeros replaced by the update after `step`."""
        return self.drop_fraction * self._shape_at(step, total_steps)

    def density(self, step: int, total_steps: int, target: float) -> float:
        """Density over all layers after `step`: above the target at first, exactly the target in the end."""
        updates = self.update_steps(total_steps)
        if self.soft_bound:
            extra = self.soft_bound * self._shape_at(step, total_steps) if updates and step < updates[-1] else 0.0
            return min(1.0, target * (1 + extra))
        if self.pruning == "none":
            return target
        start = self.initial_density if self.initial_density > target else 1.0
        pruning = updates[: bisect_right(updates, self.prune_until * total_steps)]
        return target + (start - target) * schedule.cubic(step / pruning[-1]) if pruning else target

    def update_steps(self, total_steps: int) -> range:
        """The steps after which this method updates the topology."""
        return schedule.update_steps(total_steps, self.every, self.stop) if self.dynamic else range(0)

    def dense_gradient_steps(self, total_steps: int) -> range:
        """The steps in which this method looks at gradients of absent weights."""
        if not self.dense_gradient:
            return range(0)
        updates = self.update_steps(total_steps)
        return range(1, updates[-1] + 1) if self.smoothing and updates else updates

    def _shape_at(self, step: int, total_steps: int) -> float:
        return self.shape(step / max(1, schedule.end_step(total_steps, self.stop)))
