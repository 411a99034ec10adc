"""What a run says about itself in run.json: protocol, versions, the commands that make it and its control."""

import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsparse.config import Config
from vidsparse.errors import RunFolderError
from vidsparse.runfolder import Facts, RunFolder, read_facts, write_csv

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


def protocol(config: Config, clips: "Clips", command: str) -> Facts:
    """Everything that is known before training: data, chance, versions, commands."""
    dataset, present = clips.dataset, {sample.label for sample in clips.test}
    return {
        "name": config.name,
        "started": now(),
        "command": command,
        "dense_command": dense_command(command),
        "chance": 1 / len(present),
        "versions": versions(),
        "data": {
            "description": describe(clips),
            "sample_data": clips.is_sample,
            "root": str(config.data.root),
            "fingerprint": clips.fingerprint,
            "classes": list(dataset.classes),
            "classes_present": len(present),
            "n_train": len(clips.train),
            "n_test": len(clips.test),
            "missing": len(dataset.missing),
            "missing_named": list(dataset.missing[:5]),
            "undecodable": sorted(clips.index.unreadable),
            "substituted": 0,
        },
    }


def describe(clips: "Clips") -> str:
    """The data in a few words."""
    return "built-in sample data" if clips.is_sample else f"{clips.dataset.name}, split {clips.config.split}"


def describe_sparse(sparse: "Topology") -> str:
    """The topology in a few words."""
    method = sparse.method
    if not method.sparse:
        return "dense"
    zeros = f"{1 - sparse.nonzero / sparse.total:.1%} zeros"
    share = f"{method.name}, {sparse.nonzero:,} of {sparse.total:,} weights ({zeros})"
    updates = len(method.update_steps(sparse.total_steps))
    return f"{share}, {updates} topology updates planned" if method.dynamic else share


def write_layers(sparse: "Topology", folder: RunFolder) -> None:
    """layers.csv and what the whole training did to the topology."""
    shapes, counts = sparse.shapes(), sparse.counts()
    rows: list[dict[str, Any]] = [
        {"name": n, "shape": "x".join(map(str, shapes[n])), "total": t, "nonzero": counts[n], "density": counts[n] / t}
        for n, t in sparse.sizes().items()
    ]
    write_csv(folder.path / "layers.csv", rows)
    folder.update(
        sparse={
            "method": sparse.method.name,
            "sparsity": sparse.sparsity,
            "distribution": sparse.distribution,
            "seed": sparse.seed,
            "updates": sparse.updates,
            "changed": sparse.changed,
            "nonzero": sparse.nonzero,
            "total": sparse.total,
        }
    )


def find_reference(config: Config, folder: RunFolder) -> Path | None:
    """The run that gains are measured against: as configured; auto is the finished dense sibling of this run."""
    wanted = config.evaluation.reference
    if wanted is None or config.sparse.method == "dense":
        return None
    if wanted != "auto":
        return Path(wanted)

    def without_sparse(facts: Facts) -> Facts:
        same = facts.get("identity", {}).items()
        return {key: value for key, value in same if key != "name" and not key.startswith("sparse.")}

    for path in sorted(folder.path.parent.glob("*/run.json")):
        try:
            facts = read_facts(path.parent)
        except RunFolderError:
            continue
        dense = facts.get("identity", {}).get("sparse.method") == "dense"
        if dense and facts.get("finished") and without_sparse(facts) == without_sparse(folder.facts):
            return path.parent
    return None


def dense_command(command: str) -> str:
    """The command that makes the dense run beside the one that `command` makes.

    >>> dense_command("python scripts/run.py configs/ucf101_rigl.yaml name=mine training.seed=1")
    'python scripts/run.py configs/ucf101_rigl.yaml training.seed=1 sparse.method=dense name=mine_dense'
    """
    words = [word for word in shlex.split(command) if word != "--fresh"]
    names = [word for word in words if word.startswith("name=")]
    kept = [word for word in words if not word.startswith(("name=", "sparse."))]
    return shlex.join([*kept, "sparse.method=dense", *(f"{name}_dense" for name in names[-1:])])


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"python": sys.version.split()[0], "vidsparse": version("vidsparse")}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
