"""Where units are made: in this process, in local ones, or on a Dask cluster; each is a `concurrent.futures.Executor`.

A worker that dies takes with it what others were doing. All of that is done again, one unit at a time, so that the
one that kills its worker is found: at the third death it fails and the rest goes on.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from operator import itemgetter
from typing import Any, TypeVar

from vidsparse.config import ClusterConfig
from vidsparse.errors import BenchmarkError

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
    """How to start an executor, how many units it is given at a time, and whether its workers are of other machines."""

    start: Callable[[], Executor]
    width: int
    strange: bool = False


@contextmanager
def open_pool(workers: int, cluster: ClusterConfig) -> Iterator[Pool]:
    """The pool that a config asks for: no workers is this process. BenchmarkError where a cluster cannot be reached."""
    if cluster.scheduler is not None:
        with _dask(workers, cluster.scheduler) as pool:
            yield pool
    elif not workers:
        yield Pool(Here, 1)
    else:
        context = multiprocessing.get_context("forkserver")
        yield Pool(lambda: ProcessPoolExecutor(workers, context, prepare_worker), workers + 1)


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
) -> Iterator[Result]:
    """Results as they come, in no order; `lost` makes one for an item whose worker died too often, and why.

    No new item begins once `wanted` is false. What `function` raises is raised here.
    """
    queue, suspects, deaths = deque(enumerate(items)), deque[tuple[int, Item]](), Counter[int]()
    executor = pool.start()
    running: dict[Future[Result], tuple[int, Item]] = {}
    try:
        while running or ((queue or suspects) and wanted()):
            width, broken = 1 if suspects else pool.width, False
            while wanted() and (queue or suspects) and len(running) < width:
                source = suspects or queue
                try:
                    running[executor.submit(function, source[0][1])] = source[0]
                except BrokenProcessPool:  # a worker died while it had nothing to do
                    broken = True
                    break
                source.popleft()
            done = wait(running, return_when=FIRST_COMPLETED).done if running else set()
            hurt: list[tuple[int, Item]] = []
            for future in done:
                number, item = running.pop(future)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, BrokenProcessPool):
                    hurt.append((number, item))
                elif type(error).__name__ == "KilledWorker":  # of Dask, which has tried it several times
                    yield lost(item, "the workers that made it died one after another: out of memory, or killed")
                else:
                    raise error
            if not hurt and not broken:
                continue
            executor.shutdown(wait=True)
            executor = pool.start()
            for number, item in sorted([*hurt, *running.values()], key=itemgetter(0)):
                deaths[number] += 1
                if deaths[number] < DEATHS:
                    suspects.append((number, item))
                else:
                    yield lost(item, f"the process that made it died {DEATHS} times: out of memory, or killed")
            running.clear()
    finally:
        for future in running:
            future.cancel()
        executor.shutdown(wait=True)


@contextmanager
def _dask(workers: int, scheduler: str) -> Iterator[Pool]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise BenchmarkError(
            f"cluster.scheduler={scheduler} needs Dask: pip install 'vidsparse[cluster]', or leave it null"
        ) from error
    local = scheduler == "local"
    try:
        cluster: Any = LocalCluster(max(1, workers), threads_per_worker=1, dashboard_address=":0") if local else None
        client = Client(cluster if local else scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"cluster.scheduler={scheduler}: no scheduler answers there ({error})") from error
    try:
        width = sum(client.ncores().values())
        if not width:
            raise BenchmarkError(f"cluster.scheduler={scheduler}: it has no workers; start some, then run this again")
        yield Pool(lambda: client.get_executor(pure=False), 2 * width, strange=not local)
    finally:
        client.close()
        if local:
            cluster.close()
