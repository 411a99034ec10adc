"""How long trained networks take on this machine, without the channels that they lost."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from vidsparse.config.compose import compose
from vidsparse.export.footprint import peak_mb, weights_mb
from vidsparse.export.trained import trained_network
from vidsparse.run_dir.record import read_record
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, RunFolderError


def measure(runs: Sequence[Path], threads: Sequence[int], clips: int, turns: int) -> pd.DataFrame:
    """Time a forward pass of each run's network, without the channels it lost, on `clips` clips of its own size.

    Returns:
        A row a number of threads and run: run, weights (SHA-256 of its checkpoint), parameters, weights_mb and peak_mb
        (of what was timed; see `footprint`), clips, threads, median_ms, p95_ms (milliseconds of wall clock), turns.

    Raises:
        RunFolderError: a folder holds no trained network.
        ConfigError: two runs have one name.
    """
    _check(runs)
    rows, calls = _networks(runs, clips)
    timed = []
    for count in dict.fromkeys(threads):
        times = in_turns(calls, count, turns)
        timed += [{**row, "threads": count, **of_turns(times[row["run"]])} for row in rows]
    return pd.DataFrame(timed)


def in_turns(calls: Mapping[str, Callable[[], object]], threads: int, turns: int) -> dict[str, list[float]]:
    """Seconds of each call in each turn, by name: {name: [turns]}.

    They take turns, so that what else the machine does hits all alike, in another order each turn; one turn before
    warms up.
    """
    order, times = list(calls), dict[str, list[float]]({name: [] for name in calls})
    with _threads(threads):
        for turn in range(turns + 1):
            for name in order if turn % 2 else reversed(order):
                start = perf_counter()
                calls[name]()
                if turn:
                    times[name].append(perf_counter() - start)
    return times


def of_turns(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile of these times in milliseconds, and their number.

    >>> of_turns([0.001, 0.003, 0.002])
    {'median_ms': 2.0, 'p95_ms': 2.9, 'turns': 3}
    """
    median, late = 1000 * np.percentile(seconds, [50, 95])
    return {"median_ms": round(float(median), 3), "p95_ms": round(float(late), 3), "turns": len(seconds)}


def _check(runs: Sequence[Path]) -> None:
    for run in runs:
        if not (run / "checkpoints" / "final.safetensors").is_file():
            raise RunFolderError(f"{run} holds no trained network: it has no checkpoints/final.safetensors")
    names = Counter(read_record(run).name for run in runs)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError(f"two of these runs are called {twice[0]}; latency.csv names each by its own name")


def _networks(runs: Sequence[Path], clips: int) -> tuple[list[dict[str, Any]], dict[str, Callable[[], object]]]:
    """A row a run: what is timed; and a forward pass of each."""
    rows, calls = list[dict[str, Any]](), dict[str, Callable[[], object]]()
    for run in runs:
        config, record = compose(run / "config.yaml", [])[0], read_record(run)  # the data need not be here
        model = trained_network(config, run, record, smaller=True)
        data = config.data
        given = torch.randn(clips, 3, data.frames, data.size, data.size, generator=torch.Generator().manual_seed(0))
        calls[record.name] = call = _forward(model, given)
        rows.append(
            {
                "run": record.name,
                "weights": files.digest(run / "checkpoints" / "final.safetensors"),
                "parameters": sum(weight.numel() for weight in model.parameters()),
                "weights_mb": weights_mb(model),
                "peak_mb": peak_mb(call),
                "clips": clips,
            }
        )
    return rows, calls


def _forward(model: nn.Module, clips: Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            return model(clips)

    return call


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
