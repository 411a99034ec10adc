"""What the processes of one training tell each other, so that all of them have the same masks."""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from vidsparse.sparsity.masks import pack, unpack
from vidsparse.sparsity.selection import in_memory_order


def together() -> bool:
    """Whether this process trains with others."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def mean_(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its mean over the processes; all of them must call this with the same shapes.

    Signed: the mean gradient is what one process on the whole batch would see, the mean of |gradients| is not.
    """
    if together():
        for work in [distributed.all_reduce(in_memory_order(tensor), async_op=True) for tensor in tensors]:
            assert work is not None
            work.wait()
        for tensor in tensors:
            tensor.div_(distributed.get_world_size())


def seed_of_first(seed: int, device: torch.device) -> int:
    """The seed that process 0 was given."""
    return int(_of_first(torch.tensor(seed, dtype=torch.int64, device=device)))


def mask_of_first(mask: Tensor) -> Tensor:
    """The bool mask of process 0, one bit a weight on the way."""
    return unpack(_of_first(pack(mask).to(mask.device)), mask) if together() else mask


def _of_first(tensor: Tensor) -> Tensor:
    if together():
        distributed.broadcast(tensor, 0)
    return tensor
