"""A finished run folder as tables, and the tables that page, figures and console share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidsparse.config import Config
from vidsparse.config.reading import BadYaml, Unfit, read
from vidsparse.evaluation import metrics
from vidsparse.evaluation.groups import with_groups
from vidsparse.run_dir.record import WholeRecord, read_whole
from vidsparse.sparsity.methods import METHODS
from vidsparse.tasks import SOURCE_NOTES, TASKS, Task, Words
from vidsparse.utils import failures, files
from vidsparse.utils.errors import DamagedFile, RunFolderError, first_line


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """RunFolderError that names the file where what is read from it is damaged, or not what was written."""
    try:
        files.check(path)
        yield
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, BadYaml, Unfit) as error:
        failures.check(error, path)
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunFolderError(
            f"{path} is damaged ({type(error).__name__}: {why}); put back a whole copy of it, or make the run again "
            "with --fresh"
        ) from error


@contextmanager
def showing(path: Path) -> Iterator[None]:
    """RunFolderError that names what is shown where it can be read and holds other things than a run writes there."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise RunFolderError(
            f"{path} holds something that no run wrote ({type(error).__name__}: {first_line(error)}); remove it, and "
            "the command of the run makes it again"
        ) from error


@dataclass(frozen=True)
class Run:
    """One run folder, read once. Optional tables are None where the file is absent or empty."""

    path: Path
    record: WholeRecord
    config_text: str
    predictions: pd.DataFrame
    training: pd.DataFrame | None
    topology: pd.DataFrame | None
    layers: pd.DataFrame | None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config as nested dicts."""
        with reading(self.path / "config.yaml"):
            return dict(read(self.config_text, Config) or {})

    @cached_property
    def frames(self) -> dict[str, NDArray[np.uint8]]:
        """One test clip, uint8 (T, H, W, 3), under "clean" and "corruption/severity".

        Empty where it was not kept, or where the config says report.frames=false.
        """
        path = self.path / "frames.npz"
        if not path.exists() or not self.shows_frames:
            return {}
        with reading(path), np.load(path) as arrays:
            return dict(arrays)

    @cached_property
    def overlays(self) -> dict[str, NDArray[np.uint8]]:
        """One test clip with truth and prediction (see `evaluation.overlays`); empty as for `frames`."""
        path = self.path / "overlays.npz"
        if not path.exists() or not self.shows_frames:
            return {}
        with reading(path), np.load(path) as arrays:
            return dict(arrays)

    @cached_property
    def floor(self) -> float:
        """What a clean score must exceed to say anything: chance; for a network trained here, one class always."""
        chance = self.record.chance
        if self.task.masks or self.method == "given":
            return chance
        labels = metrics.clean_rows(self.predictions)["label"]
        return max(chance, float(labels.value_counts(normalize=True).max())) if len(labels) else chance

    @property
    def note(self) -> str:
        """What a reader must know of this source of data, one sentence; "" for most."""
        return SOURCE_NOTES.get(str((self.config.get("data") or {}).get("source")), "")

    @property
    def sealed(self) -> bool:
        """Whether a digest stands beside the predictions, by which damage would have been noticed."""
        return files.seal_of(self.path / "predictions.parquet").exists()

    @property
    def task(self) -> Task:
        """What the network is asked; runs of before there was a choice classify."""
        name = self.config.get("task") or "classification"
        if name not in TASKS:
            raise RunFolderError(f"{self.path}: task={name} is of a plug-in that is not loaded: {TASKS.hint(name)}")
        return TASKS[name]

    @property
    def words(self) -> Words:
        """What the task calls its scores, and the data set its samples: images where a clip is one frame."""
        one_frame = (self.config.get("data") or {}).get("frames") == 1
        return self.task.words.of_images() if one_frame else self.task.words

    @property
    def figure_formats(self) -> tuple[str, ...]:
        """The formats in which each figure is written beside the page, of "png" and "pdf"."""
        wanted = (self.config.get("report") or {}).get("figures", "both")
        return {"png": ("png",), "pdf": ("pdf",), "none": ()}.get(wanted, ("png", "pdf"))

    @property
    def shows_frames(self) -> bool:
        """Whether pictures of the data may be shown: config report.frames."""
        return bool((self.config.get("report") or {}).get("frames", True))

    @property
    def name(self) -> str:
        """The run's name, that of its folder in links and commands."""
        return self.record.name

    @property
    def method(self) -> str:
        """The key of the sparse training method; "dense" for none, "given" where weights were evaluated as they are."""
        return self.record.topology.method

    @property
    def title(self) -> str:
        """The method's name as it is printed."""
        if self.method == "given":
            return f"weights of {Path(self.config['model']['weights'] or 'chance').name}"
        return METHODS[self.method].title if self.method in METHODS else self.method

    @property
    def is_dynamic(self) -> bool:
        """Whether the topology was to change in training."""
        return self.method in METHODS and METHODS[self.method].dynamic

    @property
    def label(self) -> str:
        """The method as in a sentence: "RigL at 50 % sparsity"."""
        if self.method in ("dense", "given"):
            return self.title
        return f"{self.title} at {100 * self.record.topology.sparsity:.3g} % sparsity"

    @property
    def on_sample_data(self) -> bool:
        """Whether the numbers come from the built-in sample data."""
        return self.record.data.sample_data

    @property
    def data(self) -> str:
        """The data set in words; says "built-in sample data" where it is that."""
        return "built-in sample data" if self.on_sample_data else self.record.data.description


def load_run(path: Path) -> Run:
    """Read a run folder. RunFolderError where run.json, config.yaml or predictions.parquet is absent or damaged."""
    for name in ("run.json", "config.yaml", "predictions.parquet"):
        if not (path / name).is_file():
            raise RunFolderError(f"{path} holds no {name}: let the run finish before making its report.")
    record = read_whole(path)
    with reading(path / "predictions.parquet"):
        predictions = with_groups(pd.read_parquet(path / "predictions.parquet"))
    metrics.check_decidable(predictions)
    return Run(
        path=path,
        record=record,
        config_text=(path / "config.yaml").read_text(),
        predictions=predictions,
        training=_optional_csv(path / "metrics.csv"),
        topology=_optional_csv(path / "topology.csv"),
        layers=_optional_csv(path / "layers.csv"),
    )


def load_reference(run: Run, path: Path | None) -> Run | None:
    """The dense run in `path`; without one, the sibling that run.json names, if it still exists."""
    if path is None and run.record.reference:
        path = Path(run.record.reference)
        path = path if (path / "predictions.parquet").exists() else None
    return None if path is None else load_run(path)


def _optional_csv(path: Path) -> pd.DataFrame | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    table = read_log(path)
    return None if table.empty else table


def read_log(path: Path) -> pd.DataFrame:
    """A table that a training wrote and nothing makes again; RunFolderError where it is not what was written."""
    try:
        with reading(path):
            return pd.read_csv(path)
    except DamagedFile as error:
        what = str(error).partition(";")[0]
        raise RunFolderError(f"{what}; put back a whole copy, or remove it: the page then comes without it") from error
