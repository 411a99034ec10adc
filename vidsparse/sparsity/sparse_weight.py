"""One sparse weight: its mask, and its gradients as they come in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.sparsity.masking import mask_
from vidsparse.sparsity.masks import bits, unpack
from vidsparse.sparsity.selection import count


@dataclass(eq=False)
class Layer:
    """A weight and what is known of each of its entries.

    `mask` (bool) lies in memory as the weight does. `first` is the mask before the first update, as bits on the CPU;
    `ever` the entries that existed at some time, as bits where the mask is: 1.25 bytes a weight in all.
    `dense_gradient` the sum of the gradients of all entries in this accumulation window, while an update wants them;
    `earlier` that of the steps before, for an update that sees several; `momentum` their moving average, for a method
    that grows by it.
    """

    name: str
    weight: nn.Parameter
    mask: Tensor
    nonzero: int
    first: Tensor
    ever: Tensor
    dense_gradient: Tensor | None = None
    earlier: Tensor | None = None
    momentum: Tensor | None = None
    spare: Tensor | None = None  # memory for the next window's dense gradient
    masked_version: int | None = None  # of `weight.grad` after it was masked last
    version: int = -1  # of `weight` after the last write that is known: by us, or by the optimizer

    @classmethod
    def new(cls, name: str, weight: nn.Parameter, mask: Tensor) -> "Layer":
        """A layer that begins with a bool mask."""
        kept = torch.empty_like(weight, dtype=torch.bool, requires_grad=False).copy_(mask)
        packed = bits(kept)
        return cls(name, weight, kept, count(kept), packed.cpu().clone(), packed)

    def watch(self, began: Callable[["Layer"], None], wanted: Callable[[], bool] | None) -> list[Any]:
        """Hooks that mask each gradient once it is accumulated and, while `wanted()`, keep the dense one.

        `began(layer)` is called with the first gradient of a window, or when somebody changed or took it.
        """
        weight: Any = self.weight

        def mask_gradient(weight: Tensor) -> None:
            if self._mask_gradient(weight):
                began(self)

        handles = [weight.register_post_accumulate_grad_hook(mask_gradient)]
        if wanted is not None:
            handles.append(weight.register_hook(lambda gradient: self._keep(gradient) if wanted() else None))
        return handles

    def adopt(self, mask: Tensor) -> int:
        """Take a new bool mask, in place; returns how many connections are gone."""
        gone = self.nonzero - count(self.mask & mask)
        self.mask.copy_(mask)
        self.ever |= bits(mask)
        self.nonzero = count(mask)
        return gone

    def explored(self) -> float:
        """Share of the entries that existed at some time."""
        return count(unpack(self.ever, self.mask)) / self.mask.numel()

    def overlap(self) -> float:
        """Share of the entries that exist now that existed before the first update."""
        return count(unpack(self.first, self.mask) & self.mask) / max(1, self.nonzero)

    def state(self) -> dict[str, Tensor]:
        """What is to be saved beside the mask."""
        kept = {"dense_gradient": self.dense_gradient, "earlier": self.earlier, "momentum": self.momentum}
        packed = {"first": self.first, "ever": self.ever.cpu()}
        return packed | {name: value for name, value in kept.items() if value is not None}

    def restore(self, mask: Tensor, state: Mapping[str, Tensor]) -> None:
        """Take a saved mask (bits) and `state()`, in place."""
        self.mask.copy_(unpack(mask, self.mask))
        self.nonzero = count(self.mask)
        self.first = state["first"].clone()
        self.ever.copy_(state["ever"])
        self.dense_gradient = self._like_weight(state.get("dense_gradient"))
        self.earlier = self._like_weight(state.get("earlier"))
        self.momentum = self._like_weight(state.get("momentum"))
        self.masked_version = None

    def mean_gradient(self, steps: int) -> Tensor:
        """The dense gradient of the last `steps` steps on average, zero where the weight was not used."""
        total = self.new_like_weight().zero_() if self.dense_gradient is None else self.dense_gradient
        if self.earlier is not None:
            total.add_(self.earlier)
        return total.div_(steps) if steps > 1 else total

    def end_step(self, add: bool, soon_again: bool) -> None:
        """Put the dense gradient to those of `earlier` steps (`add`) or forget it.

        Memory is held for the next one if that is to come `soon_again`; else the earlier ones are forgotten too.
        """
        gradient, self.dense_gradient = self.dense_gradient, None
        if add and gradient is not None:
            if self.earlier is None:
                self.earlier, gradient = gradient, None
            else:
                self.earlier.add_(gradient)
        if gradient is not None:
            self.spare = gradient if soon_again else None
        if not soon_again:
            self.earlier = None

    def new_like_weight(self) -> Tensor:
        """Memory for a gradient, in at least 32 bit and in the layout of the weight."""
        precise = torch.promote_types(self.weight.dtype, torch.float32)
        return torch.empty_like(self.weight, dtype=precise, requires_grad=False)

    def _like_weight(self, value: Tensor | None) -> Tensor | None:
        """A copy on the device and in the memory layout of the weight."""
        return None if value is None else torch.empty_like(self.weight, dtype=value.dtype).detach().copy_(value)

    def _mask_gradient(self, weight: Tensor) -> bool:
        """Mask what was accumulated; whether it is more than the gradient masked last and a sum to it."""
        gradient = weight.grad
        if gradient is None:  # somebody used it at once
            return True
        began = self.masked_version is None or gradient._version != self.masked_version + 1
        mask_(gradient, self.mask_like_weight())
        self.masked_version = gradient._version
        return began

    def _keep(self, gradient: Tensor) -> None:
        """Sum the gradients of one accumulation window; absent or zeroed ones mean that a new window begins."""
        if self.dense_gradient is None or self._begins_anew():
            memory, self.spare = self.dense_gradient if self.spare is None else self.spare, None
            self.dense_gradient = self.new_like_weight() if memory is None else memory
            self.dense_gradient.copy_(gradient)
        else:
            self.dense_gradient.add_(gradient)

    def _begins_anew(self) -> bool:
        present = self.weight.grad
        if present is None:
            return True
        touched = self.masked_version is not None and present._version != self.masked_version
        return touched and not present.any()

    def mask_like_weight(self) -> Tensor:
        """The mask, where the weight is: the model may have been moved."""
        if self.mask.device != self.weight.device:
            self._follow()
        return self.mask

    def _follow(self) -> None:
        self.mask = torch.empty_like(self.weight, dtype=torch.bool, requires_grad=False).copy_(self.mask)
        self.ever = self.ever.to(self.mask.device)
        self.spare = None
        if self.momentum is not None:
            self.momentum = self.momentum.to(self.mask.device)
        if self.earlier is not None:
            self.earlier = self.earlier.to(self.mask.device)
