"""Square averages of absent weights are 1 while an optimizer steps, and 0 again when it has: see `Rest.lifted`.

On the CPU alone, whose roots of zeros are slow: a model that was moved to another device steps as it is.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from vidsparse.sparsity.masking import lift_, mask_
from vidsparse.sparsity.optimizer_state import Rest, states_like
from vidsparse.sparsity.sparse_weight import Layer


class LiftedStates:
    """The states of the absent weights of `layers` whose `rest` lets them be lifted; `check` comes before."""

    def __init__(
        self, optimizer: Optimizer, layers: Sequence[Layer], rest: Mapping[str, Rest], check: Callable[[], None]
    ) -> None:
        self._optimizer, self._rest, self._check = optimizer, rest, check
        self._layers = [layer for layer in layers if rest[layer.name].lifted]

    @torch.no_grad()
    def before_step(self) -> None:
        """Look at the weights, then set the states to 1."""
        self._check()
        self._each(lift_)

    @torch.no_grad()
    def after_step(self) -> None:
        """Set them to 0."""
        self._each(mask_)

    def _each(self, change: Callable[[Tensor, Tensor], None]) -> None:
        for layer in self._layers:
            for name, value in states_like(layer.weight, self._optimizer).items():
                if name in self._rest[layer.name].lifted and value.is_cpu:
                    change(value, layer.mask_like_weight())
