"""What a run says about itself in run.json: protocol, versions, the commands that make it and its control."""

import re
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.runfolder import Facts, RunFolder, read_facts
from vidsparse.tasks import SOURCE_NOTES, TASKS
from vidsparse.utils.errors import DataError, RunFolderError, plural, some
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import Bar, say, warn

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
    dataset, present = clips.dataset, {sample.label for sample in clips.test if sample.label >= 0}
    return {
        "name": config.name,
        "started": now(),
        "command": command,
        "dense_command": dense_command(config, command),
        "reference_wanted": config.evaluation.reference,
        "chance": 1 / len(dataset.classes) if present and not TASKS[config.task].masks else None,
        "versions": versions(),
        "data": {
            "description": describe(clips),
            "sample_data": clips.is_sample,
            "root": str(config.data.root),
            "fingerprint": clips.fingerprint,
            "classes": list(dataset.classes),
            "classes_present": len(present),
            "labelled": bool(present) or TASKS[config.task].masks,
            "n_train": len(clips.train),
            "n_test": len(clips.test),
            "missing": len(dataset.missing),
            "missing_named": list(dataset.missing[:5]),
            "notes": list(dataset.notes),
            "foreign": list(dataset.foreign),
            "untrained": list(dataset.untrained),
            "undecodable": sorted(clips.index.unreadable),
            "damaged": sorted(clips.index.damaged),
            "decoders": dict(Counter(row.info.decoder or "none" for row in clips.index.rows.values())),
        },
    }


def load_and_tell(config: Config, trains: bool) -> "Clips":
    """The clips of a config, their frames counted; says what there is, what is missing and what is damaged."""
    from vidsparse.data.clips import load_clips

    with Bar("counting frames", 0) as bar:
        cache = config.folder.parent / ".index"
        clips = load_clips(config.data, config.training.seed, cache, cores(), bar.count, trains)
    dataset, wanted = clips.dataset, TASKS[config.task].masks
    if any((sample.mask is not None) != wanted for sample in clips.test[:1]):
        has, needs = ("a clip", "a pixel") if wanted else ("a pixel", "a clip")
        raise DataError(
            f"data.source={config.data.source} has one label {has}, and task={config.task} needs one {needs}"
        )
    training = f"{len(clips.train)} training and " if trains else ""
    say(f"data       {describe(clips)}: {training}{len(clips.test)} test clips")
    if note := SOURCE_NOTES.get(config.data.source):
        say(f"data       {note}")
    if dataset.missing:
        missing = plural(len(dataset.missing), "clip")
        warn(f"{missing} of the lists not in {dataset.root}, left out: {some(dataset.missing)}")
    if dataset.foreign:
        left = plural(len(dataset.foreign), "class name")
        warn(f"{left} not among those trained on, left out: {some(dataset.foreign)}")
    for note in dataset.notes:
        warn(note)
    if untrained := dataset.untrained:
        warn(f"{say_untrained(untrained)}: {some(untrained, 6)}")
    if unreadable := clips.index.unreadable:
        warn(f"{plural(len(unreadable), 'clip')} cannot be decoded: {some(list(unreadable.values()))}")
    if damaged := [f"{name}: {what}" for name, what in clips.index.damaged.items()]:
        warn(f"{plural(len(damaged), 'clip')} damaged, used as far as it decodes: {some(damaged)}")
    if widths := clips.widths_without_decord:
        widths_said = some([str(width) for width in widths])
        say(f"           decord cannot give frames {widths_said} pixels wide: PyAV reads those videos, more slowly")
    return clips


def say_untrained(classes: Sequence[str]) -> str:
    """That some classes of the test part were never trained on.

    >>> say_untrained(["jump"])
    'the test part has 1 class without any training clip; its clips can only be answered wrong'
    """
    one = len(classes) == 1
    number, whose = ("1 class", "its") if one else (f"{len(classes)} classes", "their")
    return f"the test part has {number} without any training clip; {whose} clips can only be answered wrong"


def describe(clips: "Clips") -> str:
    """The data in a few words."""
    if clips.is_sample:
        return "built-in sample data"
    if clips.config.eval_source is not None:
        return f"{clips.dataset.name}, with the classes of {clips.config.source}"
    return f"{clips.dataset.name}, split {clips.config.split}"


def describe_sparse(sparse: "Topology") -> str:
    """The topology in a few words."""
    from vidsparse.sparsity.measure.layer_table import coverage

    method = sparse.method
    if not method.sparse:
        return "dense"
    zeros = f"{1 - sparse.nonzero / sparse.total:.1%} zeros"
    first = "the largest at first" if sparse.init == "magnitude" else "drawn at random"
    where = f"{first}, {describe_coverage(coverage(sparse))}"
    share = f"{method.name}, {sparse.nonzero:,} of {sparse.total:,} weights ({zeros}), {where}"
    updates = len(method.update_steps(sparse.total_steps))
    return f"{share}, {updates} topology updates planned" if method.dynamic else share


def describe_coverage(facts: Facts) -> str:
    """Where sparsity is, in a few words.

    >>> describe_coverage({"layers": 54, "masked_layers": 3, "masked_weights": 22, "weights": 100})
    'masks in 3 of 54 layers, 22 % of the weights'
    """
    share = 100 * facts["masked_weights"] / facts["weights"]
    return f"masks in {facts['masked_layers']} of {facts['layers']} layers, {share:.0f} % of the weights"


def describe_weights(facts: Facts, normalize: str) -> list[str]:
    """Where weights come from, under which normalisation they are used, how their names and classes were found."""
    said = [f"{facts.get('origin', 'given')}, SHA-256 {facts['sha256'][:12]}, normalisation {normalize}"]
    if "labels" in facts:
        said.append(f"classes {facts['labels']}; any of {facts['answers']} can be answered")
    if joined := facts.get("joined"):
        said.append(f"classes joined: {say_joined(joined)}")
    return said + list(facts.get("notes", ()))


def say_joined(joined: Mapping[str, Sequence[str]]) -> str:
    """The classes of the data and what their weights call them.

    >>> say_joined({"Punch": ["punching person (boxing)"], "golf": ["golf driving", "golf putting"]})
    'Punch = punching person (boxing); golf = golf driving or golf putting'
    """
    return "; ".join(f"{name} = {' or '.join(theirs)}" for name, theirs in joined.items())


def write_topology(sparse: "Topology", folder: RunFolder, trained: bool) -> None:
    """What the whole training did to the topology."""
    from vidsparse.sparsity.measure.layer_table import coverage

    folder.update(
        sparse={
            "method": sparse.method.name if trained else "given",
            "sparsity": sparse.sparsity,
            "distribution": sparse.distribution,
            **({"init": sparse.init} if sparse.method.sparse else {}),
            "seed": sparse.seed,
            "updates": sparse.updates,
            "changed": sparse.changed,
            "dropped": sparse.dropped,
            "nonzero": sparse.nonzero,
            "total": sparse.total,
            **coverage(sparse),
        }
    )


def find_reference(folder: RunFolder) -> Path | None:
    """The run that gains are measured against: the one named in the config; "auto" is the finished dense sibling.

    A sibling is a run beside this one of the same data, seed and settings, all but name and sparsity.
    """
    wanted = folder.facts.get("reference_wanted", "auto")
    if wanted not in (None, "auto"):
        return Path(wanted)
    if wanted is None or not _is_sparse(folder.facts):
        return None
    for path in sorted(folder.path.parent.glob("*/run.json")):
        try:
            facts = read_facts(path.parent)
        except RunFolderError:
            continue
        if facts.get("finished") and not _is_sparse(facts) and _control(facts) == _control(folder.facts):
            return path.parent
    return None


def _is_sparse(facts: Facts) -> bool:
    return bool(facts.get("identity", {}).get("sparse.method") != "dense")


def _control(facts: Facts) -> Facts:
    """What a run has in common with its dense control."""
    items = facts.get("identity", {}).items()
    return {key: value for key, value in items if key != "name" and not key.startswith("sparse.")}


def dense_command(config: Config, command: str) -> str:
    """The command that makes the dense run beside the one that `command` makes.

    >>> from vidsparse.config import SparseConfig
    >>> rigl = Config(name="ucf101_rigl", sparse=SparseConfig(method="rigl"))
    >>> dense_command(rigl, "python scripts/run.py ucf101_rigl sparse.sparsity=0.3 training.seed=1")
    'python scripts/run.py ucf101_rigl training.seed=1 sparse.method=dense name=ucf101_dense'
    """
    command = command or f"python scripts/run.py {config.folder / 'config.yaml'}"
    kept = [word for word in shlex.split(command) if not word.startswith(("name=", "sparse.", "--fresh"))]
    name = re.sub(rf"(?<![a-z]){config.sparse.method}(?![a-z])", "dense", config.name)
    return shlex.join([*kept, "sparse.method=dense", f"name={name if name != config.name else f'{name}_dense'}"])


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
