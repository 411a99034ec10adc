"""Carrying runs out: each a process of its own, several at once, here or on a Dask cluster, never two in one folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidsparse.config import StudyConfig
from vidsparse.utils.errors import ConfigError, install
from vidsparse.utils.launch import alone

_MAIN = "import sys; from vidsparse.cli import main; sys.exit(main())"
STOPPED = 130  # exit code of a run that was asked to stop


@dataclass(frozen=True)
class Job:
    """One run as a command: `config` is its YAML as seen from `folder`, where it starts.

    `log`, absolute, takes what it says.
    """

    name: str
    config: str
    log: str
    folder: str
    threads: int
    fresh: bool


class Stopping:
    """Asked to stop: no process is started any more, those that run are told."""

    def __init__(self) -> None:
        self._wanted = False
        self._running: set[subprocess.Popen[bytes]] = set()

    @property
    def wanted(self) -> bool:
        """Whether somebody asked."""
        return self._wanted

    def ask(self) -> None:
        """Tell every running process to stop after its step."""
        self._wanted = True
        for process in list(self._running):
            process.send_signal(signal.SIGTERM)

    @contextmanager
    def watching(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """While it runs, `ask` reaches this process."""
        self._running.add(process)
        if self._wanted:
            process.send_signal(signal.SIGTERM)
        try:
            yield
        finally:
            self._running.discard(process)


def carry_out(job: Job, stopping: Stopping | None = None) -> int:
    """Do one run, or what is missing of it, in a process; returns its exit code.

    The process itself owns the run folder: where a study was killed and its runs live on, those of the next study wait
    for them.
    """
    stopping = stopping or Stopping()
    if stopping.wanted:
        return STOPPED
    command = [sys.executable, "-c", _MAIN, "run", job.config, "--wait", *(["--fresh"] if job.fresh else [])]
    environment = {"OMP_NUM_THREADS": str(job.threads)} | alone(os.environ)
    with Path(job.log).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=job.folder,
        )
        with stopping.watching(process):
            code = process.wait()
    return STOPPED if stopping.wanted and code == -signal.SIGTERM else code  # one that had not begun has no say yet


@contextmanager
def executor(study: StudyConfig) -> Iterator[Executor]:
    """Where the runs go: threads that wait for processes here, or Dask workers. Raises ConfigError without Dask."""
    if study.cluster is None:
        with ThreadPoolExecutor(study.jobs) as pool:
            yield pool
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ConfigError(
            f"study.cluster={study.cluster} needs Dask: {install('cluster', 'dask', 'distributed')}"
        ) from error
    if study.cluster == "local":
        address: Any = LocalCluster(n_workers=study.jobs, threads_per_worker=1, dashboard_address=None)
    else:
        address = study.cluster
    try:
        client = Client(address, timeout=30)
    except OSError as error:
        raise ConfigError(f"study.cluster={study.cluster}: no Dask scheduler answers there") from error
    with client:
        yield client.get_executor(retries=2)
    if study.cluster == "local":
        address.close()


def submit(pool: Executor, jobs: Sequence[Job], stopping: Stopping) -> Mapping[str, "Future[int]"]:
    """The jobs' exit codes to come, by name. Only threads here can be told to stop; Dask's futures are cancelled."""
    here = isinstance(pool, ThreadPoolExecutor)
    return {job.name: pool.submit(carry_out, job, *([stopping] if here else [])) for job in jobs}


def last_words(log: Path) -> str:
    """The last line of a run's log that says something, for the person who asks why it failed."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
