"""Every DST method as a row: distribution × drop score × grow score × schedule. Adding a method is adding a row."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from vidsparse.sparsity import schedule
from vidsparse.sparsity.scores import GRADIENT, MAGNITUDE, MAGNITUDE_AND_GRADIENT, RANDOM, Score

# What a caller may set; the other fields of a row are what makes it this method.
SETTINGS = ("every", "stop", "drop_fraction", "gradient_weight", "soft_bound", "initial_density", "prune_until")


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
      "layer" takes each layer to its count in the distribution.

    A weight that is dropped and grown at once keeps its value and optimizer state; other grown ones start at 0.
    """

    name: str
    title: str
    source: str
    drop: Score | None = None
    grow: Score | None = None
    shape: schedule.Shape = schedule.constant
    pruning: Literal["none", "global", "layer"] = "none"
    drop_fraction: float = 0.0
    every: int = 0  # optimizer steps
    stop: float = 0.0  # share of the training
    gradient_weight: float = 0.0  # λ of |w| + λ|g|
    soft_bound: float = 0.0  # share of the planned non-zeros
    initial_density: float = 0.0
    prune_until: float = 0.0  # share of the training

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
            extra = self.soft_bound * self._shape_at(step, total_steps) if step < max(updates, default=0) else 0.0
            return min(1.0, target * (1 + extra))
        if self.pruning == "none":
            return target
        start = self.initial_density if self.initial_density > target else 1.0
        last = max((s for s in updates if s <= self.prune_until * total_steps), default=0)
        return target + (start - target) * schedule.cubic(step / last) if last else target

    def update_steps(self, total_steps: int) -> range:
        """The steps after which this method updates the topology."""
        return schedule.update_steps(total_steps, self.every, self.stop) if self.dynamic else range(0)

    def _shape_at(self, step: int, total_steps: int) -> float:
        return self.shape(step / max(1, schedule.end_step(total_steps, self.stop)))


_SET = Method(
    "set",
    "SET",
    source="Mocanu et al. 2018, Nature Communications 9:2383",
    drop=MAGNITUDE,
    grow=RANDOM,
    drop_fraction=0.3,
    every=100,
    stop=1.0,
)
_RIGL = Method(
    "rigl",
    "RigL",
    source="Evci et al. 2020, Rigging the Lottery, algorithm 1",
    drop=MAGNITUDE,
    grow=GRADIENT,
    shape=schedule.cosine,
    drop_fraction=0.3,
    every=100,
    stop=0.75,
)
_MEST = Method(
    "mest",
    "MEST",
    source="Yuan et al. 2021, MEST, elastic mutation",
    drop=MAGNITUDE_AND_GRADIENT,
    grow=RANDOM,
    shape=schedule.halved,
    drop_fraction=0.2,
    every=100,
    stop=0.75,
    gradient_weight=0.01,
)
_MEST_SOFT = replace(
    _MEST,
    source="Yuan et al. 2021, MEST, soft memory bound; magnitude removal as in arXiv 2410.03030, section 3.2",
    drop=MAGNITUDE,
    shape=schedule.cosine,
    drop_fraction=0.0,
    gradient_weight=0.0,
    soft_bound=0.1,
)
_GRANET = Method(
    "granet_g",
    "GraNet_g",
    source="Liu et al. 2021, GraNet; initial density as in arXiv 2410.03030 (dense where the target is above it: ours)",
    drop=MAGNITUDE,
    grow=GRADIENT,
    shape=schedule.cosine,
    pruning="global",
    drop_fraction=0.5,
    every=100,
    stop=0.75,
    initial_density=0.8,
    prune_until=0.5,
)
_ROWS = (
    Method("dense", "dense training", source="the control: no masks at all"),
    Method("static", "static sparse training", source="the control: a random sparse network that stays as it is"),
    _SET,
    _RIGL,
    _MEST,
    replace(_MEST_SOFT, name="mest_r", title="MEST_r", grow=RANDOM),
    replace(_MEST_SOFT, name="mest_g", title="MEST_g", grow=GRADIENT),
    replace(_GRANET, name="granet_r", title="GraNet_r", grow=RANDOM),
    _GRANET,
    replace(
        _GRANET,
        name="granet_dense",
        title="GraNet, dense start",
        source="Liu et al. 2021, GraNet, dense to sparse",
        initial_density=1.0,
    ),
    Method(
        "gmp",
        "gradual magnitude pruning",
        source="Zhu and Gupta 2017, To prune, or not to prune",
        drop=MAGNITUDE,
        grow=RANDOM,  # only where rounding gives a layer one weight more than before
        pruning="layer",
        every=100,
        stop=0.75,
        initial_density=1.0,
        prune_until=0.75,
    ),
)
METHODS: dict[str, Method] = {row.name: row for row in _ROWS}
assert set(SETTINGS) <= {field.name for field in fields(Method)}
