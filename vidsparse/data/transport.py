"""How batches come from the processes of a loader: through shared memory where there is enough of it, else by pipe.

torch puts each tensor into /dev/shm, which is 64 MB in a container of Docker. What does not fit is lost in a thread of
the worker, and the loop that waits for it waits for ever.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from multiprocessing import queues
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import get_worker_info

SHM: Final = "/dev/shm"
_SPARE = 16 << 20  # bytes of it that are left to others
_AHEAD = 2  # batches that each worker makes before they are asked for, as DataLoader has it


@dataclass(frozen=True)
class _Copied:
    """A tensor that travels by pipe."""

    array: NDArray[Any]


@dataclass(frozen=True)
class Packed:
    """A collate function whose batches are sent so that they arrive (see `unpacked`)."""

    collate: Callable[[Any], Any]

    def __call__(self, items: Any) -> Any:
        """The batch, its tensors copied where shared memory could not hold those of all workers at once."""
        batch, worker = self.collate(items), get_worker_info()
        if worker is None:
            return batch
        sizes: list[int] = []
        _changed(batch, lambda each: sizes.append(each.nbytes) if isinstance(each, Tensor) else None)
        if free_shared() >= _SPARE + _AHEAD * worker.num_workers * sum(sizes):
            return batch
        return _changed(batch, lambda each: _Copied(each.numpy()) if isinstance(each, Tensor) else each)


def unpacked(batch: Any) -> Any:
    """A batch of `Packed` as it was before it travelled."""
    return _changed(batch, lambda each: torch.from_numpy(each.array) if isinstance(each, _Copied) else each)


def free_shared() -> int:
    """Free bytes of shared memory; all that can be asked for where a system does not say."""
    try:
        disk = os.statvfs(SHM)
    except (OSError, AttributeError):
        return sys.maxsize
    return disk.f_bavail * disk.f_frsize


def end_when_undelivered() -> None:
    """In a worker: end it with a sentence where a batch cannot be sent, in place of losing the batch."""
    queues.Queue._on_queue_feeder_error = staticmethod(_end)  # type: ignore[attr-defined]


def _end(error: BaseException, batch: object) -> None:
    sys.stderr.write(
        f"\na batch cannot be sent ({error}): shared memory ({SHM}) is full, {free_shared() >> 20} MiB are free: start "
        "the container with --shm-size=1g, or lower engine.workers or the size of batches\n"
    )
    sys.stderr.flush()
    os._exit(1)


def _changed(batch: Any, change: Callable[[Any], Any]) -> Any:
    """The batch with `change` of each of its tensors and what stands in their place."""
    if isinstance(batch, Tensor | _Copied):
        return change(batch)
    if isinstance(batch, list | tuple):
        return type(batch)(_changed(each, change) for each in batch)
    if is_dataclass(batch) and not isinstance(batch, type):
        return replace(batch, **{field.name: _changed(getattr(batch, field.name), change) for field in fields(batch)})
    return batch
