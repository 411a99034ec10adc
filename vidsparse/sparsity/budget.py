"""How many weights each layer may have, from the first step to the last."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from vidsparse.sparsity.distribution import Power, Shape, allocate, constant_fan_in
from vidsparse.sparsity.methods import Method
from vidsparse.sparsity.n_of_m import pattern_counts
from vidsparse.utils.errors import some


@dataclass(frozen=True)
class Budget:
    """The non-zeros of the layers with these shapes, as a method plans them; `kept_dense` are among them."""

    shapes: Mapping[str, Shape]
    kept_dense: frozenset[str]
    method: Method
    sparsity: float
    distribution: str | Power
    total_steps: int

    @cached_property
    def target(self) -> dict[str, int]:
        """Non-zeros of each layer in the end."""
        return self._at(1 - self.sparsity)

    @cached_property
    def total(self) -> int:
        """Weights of all layers, absent ones included."""
        return sum(prod(shape) for shape in self.shapes.values())

    def sparse_layers(self) -> list[str]:
        """Names of the layers that need a mask: those that will not be dense all the time."""
        free = [name for name in self.shapes if name not in self.kept_dense]
        if self.method.across_layers and self.sparsity:
            return free
        masked = [name for name in free if self.target[name] < prod(self.shapes[name])]
        if self.method.pattern and (whole := [name for name in free if name not in masked]):
            warnings.warn(
                f"{self.method.name} leaves all weights to {some(whole)}: their inputs are no multiple of "
                f"{self.method.pattern[1]}",
                stacklevel=4,
            )
        return masked

    def after(self, step: int) -> dict[str, int]:
        """Non-zeros of each layer after an update at `step`, by the distribution."""
        density = self.method.density(step, self.total_steps, 1 - self.sparsity)
        return self.target if density == 1 - self.sparsity else self._at(density)

    def total_after(self, step: int) -> int:
        """Non-zeros of all layers after an update at `step`."""
        return round(self.method.density(step, self.total_steps, 1 - self.sparsity) * self.total)

    def _at(self, density: float) -> dict[str, int]:
        if self.method.pattern:
            return pattern_counts(self.shapes, self.method.pattern, self.sparsity, self.distribution, self.kept_dense)
        counts = allocate(self.shapes, density, self.distribution, self.kept_dense)
        if not self.method.constant_fan_in:
            return counts
        return {name: fan_in * self.shapes[name][0] for name, fan_in in constant_fan_in(self.shapes, counts).items()}
