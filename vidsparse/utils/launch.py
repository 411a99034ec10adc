"""Several processes on this machine that do the same work together, each knowing its number."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import sleep
from typing import Any

from vidsparse.utils.errors import VidsparseError

_LAUNCHERS = (  # and where each tells a process its number, and how many there are
    ("torchrun or another launcher", "RANK", "WORLD_SIZE"),
    ("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("mpiexec", "PMI_RANK", "PMI_SIZE"),
)
_GRACE = 60.0  # seconds in which process 0 should notice by itself that another one is gone


@contextmanager
def together(world: int, work: Callable[..., object], *arguments: Any) -> Iterator[None]:
    """Run `work(*arguments)` in world - 1 new processes while the body does the same as process 0.

    Each finds its number in the environment, as torch's own launcher leaves it. The others end with the body, with
    this process, or when one of them fails: then the body's error gives way to theirs. `work` can be imported.

    Raises:
        VidsparseError: that of another process; or one of them was killed.
    """
    if world == 1:
        yield
        return
    context = multiprocessing.get_context("spawn")
    reports, ended = context.SimpleQueue(), threading.Event()
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    others: list[BaseProcess] = []
    with _environment({**meeting, "LOCAL_RANK": "0"}):
        try:
            for rank in range(1, world):
                os.environ["LOCAL_RANK"] = str(rank)
                others.append(
                    context.Process(target=_take_part, args=(work, arguments, reports), name=f"process {rank}")
                )
                others[-1].start()
            os.environ["LOCAL_RANK"] = "0"
            threading.Thread(target=_watch, args=(others, ended), daemon=True).start()
            yield
            _join(others, _GRACE)
        except (VidsparseError, KeyboardInterrupt):
            raise
        except Exception as error:
            _join(others, 5)
            if not reports.empty():
                raise reports.get() from error
            if dead := [other for other in others if other.exitcode]:
                raise VidsparseError(_died(dead[0])) from error
            raise
        finally:
            ended.set()
            _stop(others)
            leave_group()


def check_alone(instead: str) -> None:
    """Refuse to be one of several processes that another launcher, such as torchrun, started.

    Processes that know nothing of each other would do the same work in one folder. `instead`: what to say in its place.
    """
    for launcher, number, count in _LAUNCHERS:
        world, rank = os.environ.get(count, "1"), os.environ.get(number)
        if rank is not None and world.isdigit() and int(world) > 1:
            raise VidsparseError(
                f"this is process {rank} of {world} that {launcher} started; vidsparse starts its processes itself: "
                f"give the command once, without the launcher, and {instead}"
            )


def alone(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what a launcher told this process of its number: for a process that does its own work.

    >>> alone({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8", "HOME": "/home/me"})
    {'SLURM_STEP_NUM_TASKS': '8', 'HOME': '/home/me'}
    """
    numbers = {number for _, number, _ in _LAUNCHERS} | {"LOCAL_RANK"}
    return {name: value for name, value in environment.items() if name not in numbers}


def _take_part(work: Callable[..., object], arguments: Sequence[Any], reports: Any) -> None:
    """The life of another process: silent, unless something goes wrong."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        work(*arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except VidsparseError as error:
        reports.put(error)
        sys.exit(2)
    except Exception:
        sys.stderr.write(traceback.format_exc())
        sys.exit(1)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(0.5)
    os._exit(1)


def _watch(others: Sequence[BaseProcess], ended: threading.Event) -> None:
    """End this process where one that was killed leaves it waiting for ever, as a collective of NCCL may."""
    alive = {other.sentinel: other for other in others}
    while alive:
        for sentinel in wait([*alive]):
            other = alive.pop(sentinel)  # type: ignore[arg-type]  # a sentinel is an int, also on return
            other.join()
            if other.exitcode and not ended.wait(_GRACE):
                sys.stderr.write(f"{_died(other)}\n")
                os._exit(2)


def _died(other: BaseProcess) -> str:
    code = other.exitcode or 0
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"{other.name} {how}, perhaps for lack of memory; the same command continues"


def _join(others: Sequence[BaseProcess], seconds: float) -> None:
    for other in others:
        other.join(seconds)


def _stop(others: Sequence[BaseProcess]) -> None:
    for end in (BaseProcess.terminate, BaseProcess.kill):
        for other in others:
            if other.is_alive():
                end(other)
        _join(others, 10)


def leave_group() -> None:
    """End the process group of this process, if it is in one."""
    torch = sys.modules.get("torch")
    if torch and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
