"""Keys where samples have no names: a counter that says what it counts, and never counts the same twice in silence."""

import os
import sys
from typing import Any

from corruptions.checks import text
from corruptions.exceptions import CorruptionError


class KeyCounter:
    """Keys by number, one a call: "PREFIX/0", "PREFIX/1", ... in the order in which samples come.

    For training, where each look at a sample may draw anew. Where a result is to be made again, take the key from the
    sample instead: a number says when something was drawn, not for what.

    In a worker of a torch DataLoader the key holds the seed of the worker ("PREFIX/worker-SEED/0"), which differs
    between workers and, as the DataLoader draws it, between epochs; `torch.manual_seed` and the same number of workers
    give the same keys again. In a process of a distributed run (RANK, SLURM_PROCID or LOCAL_RANK is set, or
    torch.distributed is initialised) it holds the rank ("PREFIX/rank-1/..."). A copy in any other process would count
    the same numbers as this one, and is refused: CorruptionError.

    >>> count = KeyCounter("0/train")
    >>> count(), count()
    ('0/train/0', '0/train/1')
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = text(prefix)
        self._next, self._process, self._rank = 0, os.getpid(), ""

    def __call__(self, sample: object = None) -> str:
        """Return the next key, whatever the sample."""
        place = [self.prefix, *self._place()]
        number, self._next = self._next, self._next + 1
        return "/".join([*place, str(number)])

    def _place(self) -> list[str]:
        """Which of several processes this is; nothing where there is one."""
        here = rank() or self._rank
        place = [f"rank-{here}"] if here else []
        worker = _worker()
        if worker is not None:
            return [*place, f"worker-{worker.seed}"]
        if self._process != os.getpid():
            raise CorruptionError(
                f"KeyCounter({self.prefix!r}) was copied into a process that is no worker of a DataLoader, where it "
                "would count the same numbers as others: make one in each process with another prefix, or take keys "
                'from the samples, as in key=operator.itemgetter("id")'
            )
        return place

    def __getstate__(self) -> dict[str, Any]:
        """The rank goes along: a worker that is started anew does not know it."""
        return self.__dict__ | {"_rank": rank() or self._rank}

    def __repr__(self) -> str:
        return f"KeyCounter({self.prefix!r})"


def _worker() -> Any:
    """What torch says of the DataLoader worker that this process is, or None."""
    data = sys.modules.get("torch.utils.data")
    return data.get_worker_info() if data else None


def rank() -> str:
    """The rank of this process in a distributed run, or "" in none."""
    distributed = sys.modules.get("torch.distributed")
    if distributed and distributed.is_available() and distributed.is_initialized():
        return str(distributed.get_rank())
    return next((os.environ[name] for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK") if name in os.environ), "")
