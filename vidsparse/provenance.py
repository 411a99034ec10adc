"""What a run says about itself in run.json: protocol, versions, the commands that make it and its control."""

import re
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.run_dir.record import DataRecord, RunRecord, TopologyRecord, WeightsRecord, read_record
from vidsparse.tasks import TASKS
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.own_commands import typed
from vidsparse.utils.version import VERSION

if TYPE_CHECKING:
    from vidsparse.data.clips import Clips
    from vidsparse.sparsity.topology import Topology

_PACKAGES = (
    "torch",
    "torchvision",
    "pytorchvideo",
    "decord",
    "av",
    "numpy",
    "opencv-python-headless",
    "numba",
    "albumentations",
)


def protocol(config: Config, clips: "Clips", command: str, before: RunRecord) -> RunRecord:
    """`before` with everything that is known before training: data, chance, versions, commands."""
    present = {sample.label for sample in clips.test if sample.label >= 0}
    masks = TASKS[config.task].masks
    return replace(
        before,
        name=config.name,
        started=now(),
        command=command,
        dense_command=dense_command(config, command),
        reference_wanted=config.evaluation.reference,
        chance=1 / len(clips.dataset.classes) if present and not masks else None,
        versions=versions(),
        data=data_record(clips, len(present), labelled=bool(present) or masks),
    )


def data_record(clips: "Clips", present: int, labelled: bool) -> DataRecord:
    """What there is of the data, what is missing of it and what is damaged."""
    from vidsparse.data.load import describe

    dataset, index = clips.dataset, clips.index
    return DataRecord(
        description=describe(clips),
        sample_data=clips.is_sample,
        root=str(clips.config.root),
        fingerprint=clips.fingerprint,
        classes=tuple(dataset.classes),
        classes_present=present,
        labelled=labelled,
        n_train=len(clips.train),
        n_test=len(clips.test),
        missing=len(dataset.missing),
        missing_named=tuple(dataset.missing[:5]),
        notes=tuple(dataset.notes),
        foreign=tuple(dataset.foreign),
        untrained=tuple(dataset.untrained),
        undecodable=tuple(sorted(index.unreadable)),
        damaged=tuple(sorted(index.damaged)),
        decoders=dict(Counter(row.info.decoder or "none" for row in index.rows.values())),
    )


def describe_sparse(sparse: "Topology") -> str:
    """The topology in a few words."""
    from vidsparse.sparsity.measure.layer_table import coverage

    method = sparse.method
    if not method.sparse:
        return "dense"
    zeros = f"{1 - sparse.nonzero / sparse.total:.1%} zeros"
    first = "the largest at first" if sparse.init == "magnitude" else "drawn at random"
    where = f"{first}, {describe_coverage(**coverage(sparse))}"
    share = f"{method.name}, {sparse.nonzero:,} of {sparse.total:,} weights ({zeros}), {where}"
    updates = len(method.update_steps(sparse.total_steps))
    return f"{share}, {updates} topology updates planned" if method.dynamic else share


def describe_coverage(layers: int, masked_layers: int, masked_weights: int, weights: int) -> str:
    """Where sparsity is, in a few words.

    >>> describe_coverage(layers=54, masked_layers=3, masked_weights=22, weights=100)
    'masks in 3 of 54 layers, 22 % of the weights'
    """
    return f"masks in {masked_layers} of {layers} layers, {100 * masked_weights / weights:.0f} % of the weights"


def describe_weights(weights: WeightsRecord, normalize: str) -> list[str]:
    """Where weights come from, under which normalisation they are used, how their names and classes were found."""
    said = [f"{weights.origin}, SHA-256 {weights.sha256[:12]}, normalisation {normalize}"]
    if weights.labels is not None:
        said.append(f"classes {weights.labels}; any of {weights.answers} can be answered")
    if weights.joined:
        said.append(f"classes joined: {say_joined(weights.joined)}")
    return said + list(weights.notes)


def say_joined(joined: Mapping[str, Sequence[str]]) -> str:
    """The classes of the data and what their weights call them.

    >>> say_joined({"Punch": ["punching person (boxing)"], "golf": ["golf driving", "golf putting"]})
    'Punch = punching person (boxing); golf = golf driving or golf putting'
    """
    return "; ".join(f"{name} = {' or '.join(theirs)}" for name, theirs in joined.items())


def topology_record(sparse: "Topology", trained: bool) -> TopologyRecord:
    """What the whole training did to the topology."""
    from vidsparse.sparsity.measure.layer_table import coverage

    where = coverage(sparse)
    return TopologyRecord(
        method=sparse.method.name if trained else "given",
        sparsity=sparse.sparsity,
        distribution=sparse.distribution,
        init=sparse.init if sparse.method.sparse else None,
        seed=sparse.seed,
        updates=sparse.updates,
        changed=sparse.changed,
        dropped=sparse.dropped,
        nonzero=sparse.nonzero,
        total=sparse.total,
        layers=where["layers"],
        masked_layers=where["masked_layers"],
        masked_weights=where["masked_weights"],
        weights=where["weights"],
    )


def find_reference(path: Path, record: RunRecord) -> Path | None:
    """The run that gains are measured against: the one named in the config; "auto" is the finished dense sibling.

    A sibling is a run beside the one in `path` of the same data, seed and settings, all but name and sparsity.
    """
    wanted = record.reference_wanted
    if wanted not in (None, "auto"):
        return Path(wanted)
    if wanted is None or not record.is_sparse:
        return None
    for file in sorted(path.parent.glob("*/run.json")):
        try:
            other = read_record(file.parent)
        except RunFolderError:
            continue
        if other.finished and not other.is_sparse and other.control == record.control:
            return file.parent
    return None


def dense_command(config: Config, command: str) -> str:
    """The command that makes the dense run beside the one that `command` makes.

    >>> from vidsparse.config import SparseConfig
    >>> rigl = Config(name="ucf101_rigl", sparse=SparseConfig(method="rigl"))
    >>> dense_command(rigl, "python scripts/run.py ucf101_rigl sparse.sparsity=0.3 training.seed=1")
    'python scripts/run.py ucf101_rigl training.seed=1 sparse.method=dense name=ucf101_dense'
    """
    command = command or f"{typed('run')} {config.folder / 'config.yaml'}"
    kept = [word for word in shlex.split(command) if not word.startswith(("name=", "sparse.", "--fresh"))]
    name = re.sub(rf"(?<![a-z]){config.sparse.method}(?![a-z])", "dense", config.name)
    return shlex.join([*kept, "sparse.method=dense", f"name={name if name != config.name else f'{name}_dense'}"])


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"python": sys.version.split()[0], "vidsparse": VERSION}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
