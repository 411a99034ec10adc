"""`Result`: the predictions of one network, and all that is computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from vidsparse.api.paired_gain import Comparison, compare_tables
from vidsparse.config import Config, to_yaml
from vidsparse.evaluation import metrics, predictions
from vidsparse.evaluation.groups import with_groups
from vidsparse.evaluation.summary import summary, undecided_words
from vidsparse.provenance import now
from vidsparse.run_dir.record import FILE, RunRecord, read_record
from vidsparse.utils import files
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.progress import warn

_TABLE, _CONFIG = "predictions.parquet", "config.yaml"
_PICTURES = ("frames.npz", "gallery.parquet", "overlays.npz")
_LOGS = ("metrics.csv", "topology.csv", "layers.csv", "structure.csv")  # of a run that was trained here


@dataclass(frozen=True)
class Result:
    """What one network answered under one protocol; from `evaluate`, or from the folder of a run (`load_run`).

    Attributes:
        rows: the predictions as they are kept, an Arrow table.
        record: what run.json says: data, network, versions, chance.
        config_text: the protocol, as YAML.
        files: further files of a run folder, {name: bytes}: pictures, and the logs of a training.
    """

    rows: pa.Table
    record: RunRecord
    config_text: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, parts: Sequence[pa.Table], record: RunRecord, config: Config, pictures: Mapping[str, bytes]
    ) -> "Result":
        """The result of an evaluation that came to its end; UndecidableAnswers where the network gave no numbers."""
        rows = predictions.joined(parts)
        table = with_groups(rows.to_pandas())
        metrics.check_decidable(table)
        lost = metrics.undecided(table)
        if lost["undecidable_rows"]:
            warn(undecided_words(lost))
        clips, answers = lost["undecidable"], lost["undecidable_rows"]
        record = replace(record, finished=now(), undecidable=clips, undecidable_rows=answers)
        return cls(rows, record, to_yaml(config), pictures)

    @property
    def name(self) -> str:
        """What it is called in tables: the network's name, or the run's."""
        return self.record.name

    @property
    def labelled(self) -> bool:
        """Whether the classes of the clips are known; where not there is no accuracy."""
        return self.record.data is None or self.record.data.labelled

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a (clip, view, corruption, profile, severity): label, prediction, top5, confidence, loss."""
        return with_groups(self.rows.to_pandas())

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The headline numbers with their 95 % intervals over recordings (`vidsparse.metrics.summary`)."""
        return summary(self._judged)

    @property
    def clean(self) -> float:
        """Accuracy without corruption, 0 to 1; NaN where no clean clip was asked for."""
        return self.numbers["clean"]

    @property
    def robust(self) -> float:
        """Robustness accuracy, 0 to 1: the mean over corruptions and severities; NaN for suite="clean"."""
        return self.numbers["robust"]

    @property
    def retention(self) -> float:
        """Robustness accuracy over clean accuracy."""
        return self.numbers["retention"]

    @cached_property
    def probes(self) -> "pd.Series[float]":
        """Accuracy 0 to 1 of the clip backwards, shuffled and as one frame, of suite="motion_probe"; else empty."""
        return metrics.probe_accuracy(self._judged).rename("accuracy")

    @cached_property
    def per_corruption(self) -> "pd.Series[float]":
        """Accuracy 0 to 1 of each corruption, the mean over its severities, in the order of the suite."""
        return metrics.per_corruption(self._judged).rename("accuracy")

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """Accuracy 0 to 1: corruptions x severities."""
        return metrics.accuracy_matrix(self._judged)

    def compare(self, other: "Result", common: bool = False) -> Comparison:
        """The gain of this network over another, paired clip by clip, with 95 % intervals over recordings.

        `common` compares on the clips and conditions that both have, and says how many. MismatchedTables where they
        differ and `common` is not said.
        """
        return compare_tables(self._judged, other._judged, common, self._differs(other))

    def save(self, folder: str | Path, replace: bool = False) -> Path:
        """Write the folder of a run, whole or not at all: `load_run` and scripts/report.py read it.

        `replace` takes the place of a run that is there. RunFolderError where something else is.
        """
        path = files.at_home(folder)
        there = path.exists() and (not path.is_dir() or any(path.iterdir()))
        if there and not (replace and (path / FILE).is_file()):
            way = "say replace=True, or another folder" if (path / FILE).is_file() else "name another folder"
            raise RunFolderError(f"{path} is there already and would be lost: {way}")
        with files.replacing(path) as temporary:
            temporary.mkdir()
            self._write(temporary, path.name)
        return path

    def report(self, path: str | Path, reference: "Result | None" = None) -> Path:
        """Write the page of this result: one HTML file that needs no network, or with figures and tables in a folder.

        Args:
            path: FILE.html, or a folder, which is written as `save` does.
            reference: what gains are measured against, of the same clips and conditions.
        """
        from vidsparse.report.page import write_report

        path = files.at_home(path)
        single = path.suffix.lower() in (".html", ".htm")
        with TemporaryDirectory(prefix="vidsparse-") as scratch:
            beside = reference.save(Path(scratch) / "reference") if reference else None
            run = self.save(Path(scratch) / (self.name or "run") if single else path)
            page = write_report(run, beside)
            if single:
                files.write(path, page.read_bytes())
        return path if single else page

    def _write(self, folder: Path, name: str) -> None:
        """The files of a run; digests stand beside those that a damage would change unseen."""
        predictions.save(folder / _TABLE, [self.rows])
        for file, content in self.files.items():
            with files.replacing(folder / file, sealed=True) as temporary:
                temporary.write_bytes(content)
        files.write(folder / _CONFIG, self.config_text)
        files.write(folder / FILE, replace(self.record, name=name).to_json())

    @property
    def _judged(self) -> pd.DataFrame:
        if not self.labelled:
            raise RunFolderError(f"{self.name} answered clips whose classes nobody knows: there are predictions alone")
        return self.table

    def _differs(self, other: "Result") -> dict[str, tuple[object, object]]:
        """Keys of the protocol in which two results differ: {key: (ours, theirs)}."""
        ours, theirs = self.record.identity, other.record.identity
        keys = [key for key in {**ours, **theirs} if key.startswith(("data.", "evaluation."))]
        return {key: (ours.get(key), theirs.get(key)) for key in keys if ours.get(key) != theirs.get(key)}

    def __repr__(self) -> str:
        data = self.record.data
        where = "built-in sample data" if data and data.sample_data else data.description if data else "?"
        if not self.labelled:
            return f"Result({self.name} on {where}: {len(self.rows):,} predictions, no labels)"
        numbers = self.numbers
        return (
            f"Result({self.name} on {where}: clean {numbers['clean']:.1%}, robust {numbers['robust']:.1%}, "
            f"{numbers['clips']:,.0f} clips, {numbers['corruptions']:.0f} corruptions)"
        )


def load_run(folder: str | Path) -> Result:
    """The result in the folder of a run: one of scripts/run.py, evaluate.py, a study, or `Result.save`.

    RunFolderError where there is none, it did not finish, or it is damaged.
    """
    path = files.at_home(folder)
    for name in (FILE, _CONFIG, _TABLE):
        if not (path / name).is_file():
            raise RunFolderError(f"{path} holds no {name}: it is no run, or one that did not finish")
    record = read_record(path)
    kept = {name: (path / name).read_bytes() for name in (*_PICTURES, *_LOGS) if (path / name).is_file()}
    for name in (*_PICTURES, *_LOGS):
        files.check(path / name)
    rows = predictions.read_part(path / _TABLE)
    predictions.load(path / _TABLE)
    return Result(rows, record, (path / _CONFIG).read_text("utf-8"), kept)
