"""Where units are made: in this process, in local ones, or on a Dask cluster; a worker is a `futures.Executor`.

What one worker keeps in memory another has to read again, so items come in groups and a worker stays with its group.
A worker that dies is replaced and its item done again: at the third death the item fails and the rest goes on.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

from vidsparse.config import ClusterConfig
from vidsparse.utils.errors import BenchmarkError, install

Item = TypeVar("Item")
Result = TypeVar("Result")
DEATHS = 3  # of its worker, after which a unit fails


class Here(Executor):
    """Does what is submitted at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call `fn` and return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Pool:
    """How to start each worker, how many items it is given at a time, and whether workers are of other machines."""

    start: tuple[Callable[[], Executor], ...]
    depth: int = 1
    strange: bool = False


@dataclass
class Worker:
    """An executor of one place, the group it works on, and how many items it has."""

    start: Callable[[], Executor]
    group: Hashable = None
    busy: int = 0
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = self.start()

    def submit(self, function: Callable[[Item], Result], item: Item) -> "Future[Result]":
        """Hand over an item, to a new process where the old one died with nothing to do."""
        try:
            return self.executor.submit(function, item)
        except BrokenProcessPool:
            self.replace()
            return self.executor.submit(function, item)

    def replace(self) -> None:
        """Start again after a death."""
        self.executor.shutdown(wait=True)
        self.executor = self.start()


@contextmanager
def open_pool(workers: int, cluster: ClusterConfig) -> Iterator[Pool]:
    """The pool that a config asks for: no workers is this process. BenchmarkError where a cluster cannot be reached."""
    if cluster.scheduler is not None:
        with _dask(workers, cluster.scheduler) as pool:
            yield pool
    elif not workers:
        yield Pool((Here,))
    else:
        context = multiprocessing.get_context("forkserver")
        yield Pool((lambda: ProcessPoolExecutor(1, context, prepare_worker),) * workers)


def prepare_worker() -> None:
    """Deaf to Ctrl-C, because the parent decides when to stop, and gone when the parent is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def carry_out(
    pool: Pool,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    lost: Callable[[Item, str], Result],
    wanted: Callable[[], bool] = lambda: True,
    group_of: Callable[[Item], Hashable] = lambda item: None,
) -> Iterator[Result]:
    """Results as they come, in no order; `lost` makes one for an item whose worker died too often, and why.

    A worker that has finished its group takes one that nobody has, then helps where most is left. No new item begins
    once `wanted` is false. What `function` raises is raised here.
    """
    left, deaths = dict[Hashable, deque[int]](), Counter[int]()
    for number, item in enumerate(items):
        left.setdefault(group_of(item), deque()).append(number)
    workers = [Worker(start) for start in pool.start]
    running: dict[Future[Result], tuple[Worker, int]] = {}
    try:
        while True:
            for worker in workers:
                while worker.busy < pool.depth and any(left.values()) and wanted():
                    worker.group = _group_for(worker, workers, left)
                    number = left[worker.group].popleft()
                    running[worker.submit(function, items[number])] = worker, number
                    worker.busy += 1
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, number = running.pop(future)
                worker.busy -= 1
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, BrokenProcessPool):
                    worker.replace()
                    deaths[number] += 1
                    if deaths[number] < DEATHS:
                        left[group_of(items[number])].appendleft(number)
                    else:
                        yield lost(
                            items[number], f"the process that made it died {DEATHS} times: out of memory, or killed"
                        )
                elif type(error).__name__ == "KilledWorker":  # of Dask, which has tried it several times
                    yield lost(
                        items[number], "the workers that made it died one after another: out of memory, or killed"
                    )
                else:
                    raise error
    finally:
        for future in running:
            future.cancel()
        for worker in workers:
            worker.executor.shutdown(wait=True)


def _group_for(worker: Worker, workers: Sequence[Worker], left: dict[Hashable, deque[int]]) -> Hashable:
    if left.get(worker.group):
        return worker.group
    taken = {other.group for other in workers}
    return max((group for group in left if left[group]), key=lambda group: (group not in taken, len(left[group])))


@contextmanager
def _dask(workers: int, scheduler: str) -> Iterator[Pool]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise BenchmarkError(
            f"cluster.scheduler={scheduler} needs Dask: {install('cluster', 'dask', 'distributed')}, or leave it null"
        ) from error
    local = scheduler == "local"
    try:
        cluster: Any = LocalCluster(max(1, workers), threads_per_worker=1, dashboard_address=":0") if local else None
        client = Client(cluster if local else scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"cluster.scheduler={scheduler}: no scheduler answers there ({error})") from error
    try:
        places = [address for address, threads in client.ncores().items() for _ in range(threads)]
        if not places:
            raise BenchmarkError(f"cluster.scheduler={scheduler}: it has no workers; start some, then run this again")
        kept = {"pure": False, "allow_other_workers": True}  # others take over what is left when a worker goes
        starts = [partial(client.get_executor, workers=[address], **kept) for address in places]
        yield Pool(tuple(starts), depth=2, strange=not local)  # the next item is there when one is done
    finally:
        client.close()
        if local:
            cluster.close()
