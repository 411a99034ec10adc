"""The processes that torchrun started for one experiment, perhaps on several machines, as one of them sees them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vidsparse.utils.launch import leave_group

_PATIENCE = timedelta(days=7)  # the first one may wait for a folder, or count the frames of a large data set
_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_WORK, _LEAVE = b"work", b"leave"


@dataclass(frozen=True)
class Crew:
    """This process is number `rank` of `world`, and one of `local` on its machine; every machine has as many."""

    rank: int
    world: int
    local: int

    @property
    def machines(self) -> int:
        """On how many machines they are."""
        return self.world // self.local

    def wanted(self) -> bool:
        """Wait until the first one says that there is work to do, or that all may leave: whether there is."""
        store = _store()
        store.wait([_key()], _PATIENCE)
        return bool(store.get(_key()) == _WORK)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """As the first one: the others work while the body does."""
        _store().set(_key(), _WORK)
        try:
            yield
        finally:
            leave_group()

    @contextmanager
    def led(self) -> Iterator[None]:
        """As the first one: others that have not been set to work by the end of the body may leave."""
        store = _store()
        try:
            yield
        finally:
            if not store.check([_key()]):
                store.set(_key(), _LEAVE)


def crew() -> Crew | None:
    """What torchrun told this process; None where it started no other."""
    if any(not os.environ.get(name) for name in _VARIABLES) or int(os.environ["WORLD_SIZE"]) < 2:
        return None
    return Crew(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")))


_KEPT: dict[str, Any] = {}  # the store has to live as long as any process asks it


def _store() -> Any:
    """Where the processes leave each other words, before there is a process group."""
    if "store" not in _KEPT:
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        store, _, _ = next(rendezvous("env://", timeout=_PATIENCE))
        _KEPT["store"] = PrefixStore("vidsparse", store)
    return _KEPT["store"]


def _key() -> str:
    """A word of this start of all processes: torchrun starts them again where one fails, with the same store."""
    return f"begin-{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}"
