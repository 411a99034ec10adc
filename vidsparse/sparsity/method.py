"""What a DST method is: distribution × drop score × grow score × schedule."""

import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from numbers import Integral
from typing import Any

from vidsparse.sparsity import counts as rules
from vidsparse.sparsity import schedule
from vidsparse.sparsity.channel_rule import ChannelRule
from vidsparse.sparsity.scores import SCORES, Candidates, Score
from vidsparse.sparsity.settings import Own, Setting, choice, setting
from vidsparse.sparsity.update_plan import Plan
from vidsparse.utils.errors import ConfigError

Counts = Callable[[Mapping[str, Candidates], "Method", Plan], Mapping[str, tuple[int, int]]]


@dataclass(frozen=True)
class Method:
    """A rule for the topology. Updates come after each `every` optimizer steps before T_end = `stop` · total steps.

    At an update after step t each layer keeps its weights of highest `drop` score and grows those of highest `grow`
    score among all that it did not keep. With f(t) = `drop_fraction_end` + (`drop_fraction` - `drop_fraction_end`) ·
    `decay`(t / (`decay_until` · total steps)), `decay_until` 0 standing for `stop` and f being 0 beyond it:

    * `counts(layers, method, plan)` gives for each layer how many of its weights it keeps and how many it has after
      growing; that of most rows, `counts.replaced`, drops `floor(f(t) · non-zeros)` and grows as many;
    * `density_over_time(progress, target)` is the density over all layers, from progress 0 at the start to 1 at the
      last update, from which on it is the target. Without one it is the target all the time; above it by the share
      `soft_bound` · decay(t / T_end), capped at 1, for rows with a soft bound; and for rows with an `initial_density`
      it falls from there (from 1 where the target is above it) by the cubic schedule until `prune_until` · total steps;
    * `across_layers`: weights move from one layer to another, so that each can become sparse and has a mask;
    * with `constant_fan_in` every neuron (first dimension of a weight) of a layer has the same number of weights; it
      grows until that is so. A neuron with fewer than `min_salient` of them among the layer's kept weights and highest
      grow scores loses them to the others, but never in a layer that writes class scores.

    Growth by gradient sees the mean of the dense gradients of the last `grow_window` steps. A weight that is dropped
    and grown at once keeps its value and optimizer state, unless `reset_regrown`; other grown ones start at 0.
    `signed_drop` ranks positive and negative weights apart and drops the same share of both (Mocanu et al. 2018).
    `pattern` (N, M): N of each M weights along the inputs exist (`n_of_m`); a group grows until that is so.
    `channels`: whole channels go during training, in all layers that write or read them (`channel_rule.ChannelRule`);
    how many is said by its `own` settings, those of `channel_rule.channel_settings`.
    `drop` and `grow` may be names of SCORES. `own` are settings that this row alone has, for scores and counts of its
    own.
    """

    name: str
    title: str
    source: str
    drop: Score | None = None
    grow: Score | None = None
    counts: Counts = rules.replaced
    density_over_time: Callable[[float, float], float] | None = None
    across_layers: bool = False
    constant_fan_in: bool = False
    own: tuple[Own, ...] = ()
    channels: ChannelRule | None = None
    pattern: tuple[int, int] | None = None
    every: int = setting(
        0, "the interval between updates", "optimizer steps", in_epochs=True, at_least=1, largest=10**9
    )
    stop: float = setting(0.0, "the share of the training after which the topology stays", above=0, at_most=1)
    drop_fraction: float = setting(0.0, "the share of a layer's weights dropped at first", above=0, at_most=1)
    drop_fraction_end: float = setting(0.0, "the share dropped where the decay ends", at_least=0, at_most=1)
    decay: str = choice("constant", "how the share falls in between", schedule.SHAPES)
    decay_until: float = setting(
        0.0, "the share of the training in which it falls, 0 for `stop`", at_least=0, at_most=1
    )
    gradient_weight: float = setting(
        0.0, "λ, the weight of the gradient's size in the score", at_least=0, largest=10**9
    )
    soft_bound: float = setting(0.0, "b, the share of the target that may be above it", above=0, at_most=10)
    initial_density: float = setting(0.0, "the density at the start", at_least=0, at_most=1)
    prune_until: float = setting(0.0, "the share of the training in which the density falls", at_least=0, at_most=1)
    smoothing: float = setting(0.0, "β of the averaged gradient", at_least=0, at_most=1)
    min_salient: float = setting(0.0, "γ, the share of the fan-in that is salient in a neuron", at_least=0, at_most=1)
    grow_window: int = setting(
        0, "the steps whose dense gradients are averaged for growth", auto=True, at_least=1, largest=10**9
    )
    reset_regrown: bool = setting(False, "a weight dropped and grown at once starts at 0")
    signed_drop: bool = setting(False, "positive and negative weights are dropped apart")

    def __post_init__(self) -> None:
        for name in ("drop", "grow"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, SCORES.find(given))

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
        meant = {name for name in SETTINGS if getattr(self, name)} - {"decay"}
        if self.drop_fraction:
            meant |= {"decay", "drop_fraction_end", "decay_until", "reset_regrown"}
            if not (self.constant_fan_in or self.pattern):
                meant |= {"signed_drop"}
        if self.soft_bound:
            meant |= {"decay", "reset_regrown", "signed_drop"}
        return {name: value for name, value in self.values.items() if name in meant or name not in SETTINGS}

    @property
    def values(self) -> dict[str, Any]:
        """Every setting with the value that it has here; 0 and false for what the rule does without."""
        return {**{name: getattr(self, name) for name in SETTINGS}, **{each.name: each.value for each in self.own}}

    @property
    def declared(self) -> dict[str, Setting]:
        """What callers may set: {name: its declaration}, those of this row alone included."""
        return {**SETTINGS, **{each.name: each.declared for each in self.own}}

    def having(self, **settings: Any) -> "Method":
        """This method with other values of some settings, which are not checked."""
        own = tuple(replace(each, value=settings.pop(each.name, each.value)) for each in self.own)
        return replace(self, own=own, **settings)

    def fraction(self, step: int, total_steps: int) -> float:
        """Share of a layer's non-zeros replaced by the update after `step`."""
        progress = step / max(1, schedule.end_step(total_steps, self.decay_until or self.stop))
        if not self.drop_fraction or progress > 1:
            return 0.0
        least = self.drop_fraction_end / self.drop_fraction
        return self.drop_fraction * (least + (1 - least) * schedule.SHAPES.find(self.decay)(progress))

    def density(self, step: int, total_steps: int, target: float) -> float:
        """Density over all layers after `step`: above the target at first, exactly the target in the end."""
        updates = self.update_steps(total_steps)
        if self.density_over_time is not None:
            return self._own_density(step, updates[-1] if updates else 0, target)
        if self.soft_bound:
            progress = step / max(1, schedule.end_step(total_steps, self.stop))
            shape = schedule.SHAPES.find(self.decay)
            extra = self.soft_bound * shape(progress) if updates and step < updates[-1] else 0.0
            return min(1.0, target * (1 + extra))
        if not self.initial_density:
            return target
        start = self.initial_density if self.initial_density > target else 1.0
        pruning = updates[: bisect_right(updates, self.prune_until * total_steps)]
        return target + (start - target) * schedule.cubic(step / pruning[-1]) if pruning else target

    def _own_density(self, step: int, last: int, target: float) -> float:
        if self.density_over_time is None or step >= last:
            return target
        density = self.density_over_time(step / last, target)
        if not (isfinite(density) and 0 < density <= 1):
            raise ConfigError(
                f"{self.name}: its density_over_time({step / last:g}, {target:g}) is {density}; a density is above 0 "
                "and at most 1"
            )
        return float(density)

    def update_steps(self, total_steps: int) -> range:
        """The steps after which this method updates the topology."""
        return schedule.update_steps(total_steps, self.every, self.stop) if self.dynamic else range(0)

    def dense_gradient_steps(self, total_steps: int) -> "schedule.Windows":
        """The steps in which this method looks at gradients of absent weights."""
        updates = self.update_steps(total_steps) if self.dense_gradient else range(0)
        every_step = bool(self.smoothing) and len(updates) > 0
        return schedule.Windows(updates, updates[-1] if every_step else max(1, self.grow_window))

    def check_training(self, total_steps: int, seed: int) -> None:
        """ConfigError for numbers that cannot be; a warning where a dynamic method would never change anything."""
        if not total_steps >= 0:
            raise ConfigError(f"total_steps={total_steps}: it is how many optimizer steps there will be, 0 or more")
        if not isinstance(seed, Integral) or not -(2**63) <= seed < 2**63:
            raise ConfigError(f"seed={seed}: it is a whole number of at most 63 bits")
        if total_steps and self.dynamic and not self.update_steps(total_steps):
            warnings.warn(
                f"{self.name} never changes its topology in {total_steps} steps (every={self.every}, "
                f"stop={self.stop:g}): it is static; lower every, or say how many steps there are",
                stacklevel=3,
            )


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in fields(Method) if "setting" in f.metadata}
