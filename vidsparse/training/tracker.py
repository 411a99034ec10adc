"""What a training says while it goes: a progress line, metrics.csv, topology.csv, dashboards where asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from torch import Tensor

from vidsparse.config import LoggingConfig
from vidsparse.run_dir.csv_log import CsvLog
from vidsparse.run_dir.dashboards import Dashboards
from vidsparse.run_dir.folder import RunFolder
from vidsparse.sparsity.measure import layer_table
from vidsparse.sparsity.measure.dispersion import describe
from vidsparse.sparsity.measure.flops import Flops
from vidsparse.sparsity.topology import Topology
from vidsparse.sparsity.update import Update
from vidsparse.utils.progress import Bar

METRICS = ("step", "epoch", "loss", "accuracy", "learning_rate", "clips_per_second", "data_wait", "sparsity")
TOPOLOGY = ("step", "fraction", "changed", "nonzero", "explored", "overlap", "flops")
STRUCTURE = ("step", "layer", "nonzero", "empty_outputs", "empty_inputs", "output_dispersion", "input_dispersion")
LOGS = ("metrics.csv", "topology.csv", "structure.csv")
T = TypeVar("T")


class Tracker:
    """Averages over the steps since the last line; the device is asked for numbers only when a line is due."""

    def __init__(self, folder: RunFolder, config: LoggingConfig, total: int, start: int) -> None:
        path = folder.path
        self._every = config.every
        self._metrics = CsvLog(path / "metrics.csv", (*METRICS, "val_accuracy"), start)
        self._topology = CsvLog(path / "topology.csv", TOPOLOGY, start)
        self._structure = CsvLog(path / "structure.csv", STRUCTURE, start)
        self._boards = Dashboards(folder, config, start)
        self._bar = Bar("training", total, start)
        self._clips = 0
        self._loss: Tensor | float = 0.0
        self._right: Tensor | float = 0
        self._closing = ExitStack()
        self._noted: Update | None = None
        self._restart()

    def __enter__(self) -> Self:
        for log in (self._metrics, self._topology, self._structure):
            self._closing.callback(log.close)
        self._closing.enter_context(self._bar)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.__exit__(kind, error, at)
        self._boards.close(stopped=kind is not None)

    def timed(self, batches: Iterable[T]) -> Iterator[T]:
        """The same batches; the time until each is there counts as waiting for data."""
        iterator = iter(batches)
        while True:
            asked = monotonic()
            batch = next(iterator, None)
            self._waited += monotonic() - asked
            if batch is None:
                return
            yield batch

    def add(self, loss: Tensor, right: Tensor, clips: int) -> None:
        """Count one (micro-)batch of `clips`: mean loss (), and how many of the clips were answered right."""
        self._clips += clips
        self._loss = self._loss + loss.detach() * clips  # on the device, which is not asked for the number
        self._right = self._right + right

    def due(self, step: int, last_of_epoch: bool) -> bool:
        """Whether a line is to be written after this step."""
        return last_of_epoch or step % self._every == 0

    def mean_loss(self) -> float:
        """Mean loss since the last line."""
        return float(self._loss) / max(1, self._clips)

    def pool(self, total: Callable[..., list[float]]) -> None:
        """Count what all processes saw; `total` sums numbers over them. To be called before a line is written."""
        self._loss, self._right, clips = total(float(self._loss), float(self._right), float(self._clips))
        self._clips = int(clips)

    def write(self, step: int, epoch: int, rate: float, sparsity: float, val_accuracy: float | None) -> None:
        """One line everywhere, then start averaging anew."""
        seconds = max(1e-9, monotonic() - self._since)
        row = {
            "step": step,
            "epoch": epoch,
            "loss": self.mean_loss(),
            "accuracy": float(self._right) / max(1, self._clips),
            "learning_rate": rate,
            "clips_per_second": self._clips / seconds,
            "data_wait": self._waited / seconds,
            "sparsity": sparsity,
        }
        self._metrics.add(**row, val_accuracy="" if val_accuracy is None else val_accuracy)
        self._boards.log(row if val_accuracy is None else row | {"val_accuracy": val_accuracy}, step)
        self._bar.advance(step, **_in_words(row))
        self._restart()

    def note_update(self, step: int, sparse: Topology, flops: Flops | None) -> None:
        """One line of topology.csv, if the newest update of the topology is a new one; `flops` of a forward pass."""
        update = sparse.last_update
        if update is not None and update is not self._noted:
            self._noted = update
            cost = flops.sparse(sparse.densities()) if flops else ""
            seen = {"explored": layer_table.explored(sparse), "overlap": layer_table.overlap(sparse), "flops": cost}
            self._topology.add(**vars(update) | {"step": step} | seen)
            shown = {"fraction": update.fraction, "changed": update.changed, **seen}
            numbers = {f"topology/{name}": float(value) for name, value in shown.items() if value != ""}
            self._boards.log(numbers, step)

    def note_structure(self, step: int, masks: Mapping[str, Tensor]) -> None:
        """Lines of structure.csv: how each layer's non-zeros lie now."""
        for name, mask in masks.items():
            self._structure.add(step=step, layer=name, **describe(mask))

    def _restart(self) -> None:
        self._since, self._waited, self._clips = monotonic(), 0.0, 0
        self._loss, self._right = 0.0, 0


def _in_words(row: dict[str, Any]) -> dict[str, str]:
    return {
        "loss": f"{row['loss']:.3f}",
        "accuracy": f"{row['accuracy']:.0%}",
        "clips/s": f"{row['clips_per_second']:.1f}",
        "waiting for data": f"{row['data_wait']:.0%}",
        "sparsity": f"{row['sparsity']:.3f}",
    }
