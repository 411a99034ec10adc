"""RunRecord: what run.json holds. One frozen dataclass a stage of the run, read from and written as JSON.

The JSON has the keys that it always had, so that older files are read and tools that read it go on. What an older
version did not write is None or empty here; keys that this version does not know are kept in `more`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vidsparse.run_dir.typed_json import Section, fill, plain
from vidsparse.utils import failures, json_text
from vidsparse.utils.errors import RunFolderError

FILE = "run.json"
DRAWS = 2  # how training clips are drawn now: see `RunRecord.draws`
VERSION = 1  # of the form; files without a version are of before there was one


@dataclass(frozen=True, kw_only=True)
class DataRecord(Section):
    """The data: what was there when the run began. Numbers are clips; names are ids of clips or names of classes."""

    description: str
    sample_data: bool
    root: str = ""
    fingerprint: str
    classes: tuple[str, ...]  # in the order of their labels
    classes_present: int  # classes with a test clip or, of segmentation, a test pixel
    labelled: bool = True  # False where nobody knows the classes of the test clips
    n_train: int
    n_test: int
    missing: int  # clips of the lists that are not on disk
    missing_named: tuple[str, ...] = ()  # the first of them
    notes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()  # classes left out, not among those trained on
    untrained: tuple[str, ...] = ()  # classes of the test part without a training clip
    undecodable: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()  # clips that decode in part
    decoders: Mapping[str, int] = field(default_factory=dict)  # {decoder: clips}


@dataclass(frozen=True, kw_only=True)
class ModelRecord(Section):
    """The network: its name in the model table, all its parameters, and how many of them may be pruned; 0 where they
    cannot be counted, as those of an exported file.

    `wanted`: the parameters that its layers were narrowed for (model.narrowed); None where they were not.
    """

    name: str
    parameters: int
    prunable: int
    wanted: int | None = None


@dataclass(frozen=True, kw_only=True)
class EngineRecord(Section):
    """Where it ran."""

    device: str
    precision: str
    processes: int


@dataclass(frozen=True, kw_only=True)
class WeightsRecord(Section):
    """The weights that a run began with. `labels`, `classes`, `answers`, `class_names` and `joined` are of weights that
    are evaluated as they are: how classes were matched, logits of the head, classes that can be answered, their names,
    and {class of the data: names that the weights have for it}.
    """

    sha256: str = ""
    origin: str = "given"
    file: str = ""
    notes: tuple[str, ...] = ()
    labels: str | None = None
    classes: int | None = None
    answers: int | None = None
    class_names: tuple[str, ...] | None = None
    joined: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, kw_only=True)
class UpdatesRecord(Section):
    """The planned updates of a dynamic topology: steps between them, their number, the sum of their drop fractions,
    samples and steps whose gradients each growth sees (0 for other growth).
    """

    every: int
    updates: int
    fractions: float
    samples: int
    grow_window: int


@dataclass(frozen=True, kw_only=True)
class RearrangedRecord(Section):
    """What sparse.rearrange did: how, before which step, to how many links, of which so many began anew at 0."""

    how: str
    step: int
    links: int
    at_zero: int


@dataclass(frozen=True)
class Coverage:
    """Where masks lie: all layers that may be pruned, those with a mask, weights of these, weights of all."""

    layers: int
    masked_layers: int
    masked_weights: int
    weights: int

    @property
    def share(self) -> float:
        """Weights in masked layers over all that may be pruned."""
        return self.masked_weights / self.weights


@dataclass(frozen=True, kw_only=True)
class TopologyRecord(Section):
    """The topology after the last step. Counts are of weights that may be pruned; those of layers are None in runs of
    before they were counted.
    """

    method: str  # "given" where nothing was trained here
    sparsity: float  # asked for, 0 to 1
    distribution: str = ""
    init: str | None = None
    seed: int
    updates: int
    changed: int  # connections that are others than before an update, summed over updates
    dropped: int | None = None  # connections dropped, also those that grew again at once
    nonzero: int
    total: int
    layers: int | None = None
    masked_layers: int | None = None
    masked_weights: int | None = None
    weights: int | None = None

    @property
    def coverage(self) -> Coverage | None:
        """Where the masks lie; None in runs of before that was counted."""
        found = (self.layers, self.masked_layers, self.masked_weights, self.weights)
        return Coverage(*(each for each in found if each is not None)) if None not in found else None

    @property
    def masked(self) -> bool:
        """Whether any weight is pruned."""
        return self.nonzero != self.total


@dataclass(frozen=True, kw_only=True)
class CostRecord(Section):
    """Theoretical FLOPs: of a clip forward (dense, of it products of activations; masked at the start and at the end)
    and of the training (as planned, as it went, and dense); `batch` is the clips of a step.
    """

    dense: float
    other: float = 0
    start: float
    batch: int
    planned_training: float
    dense_training: float
    sparse: float | None = None
    training: float | None = None


@dataclass(frozen=True, kw_only=True)
class TensorBytes(Section):
    """Bytes of the same tensors: dense, as values and a bit mask, and as CSR."""

    dense: int
    bitmask: int
    csr: int


@dataclass(frozen=True, kw_only=True)
class MemoryRecord(Section):
    """Bytes of a model's weights and of its optimizer's state."""

    weights: TensorBytes
    states: TensorBytes


@dataclass(frozen=True, kw_only=True)
class LayersRecord(Section):
    """What layers.csv comes to: shares of weights explored and present from the start, memory, weights that are not
    near zero, channels and how many of them are dead.
    """

    explored: float
    overlap: float
    memory: MemoryRecord
    effective: int | None = None
    outputs: int
    dead_outputs: int
    inputs: int
    dead_inputs: int


@dataclass(frozen=True, kw_only=True)
class RunRecord(Section):
    """Everything that run.json holds, in the order in which a run finds it out."""

    version: int = 0
    removing: bool | None = None  # --fresh is emptying the folder
    identity: Mapping[str, Any] = field(default_factory=dict)  # {config key: value} of what makes the results
    name: str = ""
    started: str = ""
    command: str = field(default="", metadata={"always": True})
    dense_command: str = ""  # what makes the dense run beside this one
    reference_wanted: str | None = field(default="auto", metadata={"always": True})
    chance: float | None = field(default=None, metadata={"always": True})  # accuracy of guessing; None without labels
    versions: Mapping[str, str] = field(default_factory=dict)
    data: DataRecord | None = None
    model: ModelRecord | None = None
    engine: EngineRecord | None = None
    weights: WeightsRecord | None = None
    plan: UpdatesRecord | None = field(default=None, metadata={"key": "topology"})
    cost: CostRecord | None = field(default=None, metadata={"key": "flops"})
    rearranged: RearrangedRecord | None = None
    draws: int = (
        1  # 1: one seed for crop, mirror and colours of a training clip, which so went together; 2: a seed each
    )
    unreadable_places: tuple[int, ...] = ()  # training clips that gave way to others
    seconds: Mapping[str, float] = field(default_factory=dict)  # {stage: seconds over all sessions}
    topology: TopologyRecord | None = field(default=None, metadata={"key": "sparse"})
    layers: LayersRecord | None = field(default=None, metadata={"key": "accounts"})
    corruptions_fingerprint: str = ""
    undecidable: int | None = None  # clips, and rows of the table, that the network answered without numbers
    undecidable_rows: int | None = None
    finished: str | None = None  # when; None while something is missing
    reference: str | None = field(default=None, metadata={"always": True})  # the run that gains are measured against

    @property
    def control(self) -> dict[str, Any]:
        """What a run has in common with its dense control: its identity without name, sparsity and `plugins`, and how
        the clips that it was trained on were drawn.
        """
        items, trained = self.identity.items(), self.identity.get("training.epochs")
        own = {key: value for key, value in items if key != "name" and not key.startswith(("sparse.", "plugins."))}
        return own | ({"draws": self.draws} if trained else {})

    @property
    def is_sparse(self) -> bool:
        """Whether it was asked to be sparse."""
        return bool(self.identity.get("sparse.method") != "dense")

    def to_json(self) -> str:
        """The text of run.json."""
        return json.dumps(plain(self), indent=1) + "\n"


@dataclass(frozen=True, kw_only=True)
class WholeRecord(RunRecord):
    """The record of a run that got to the end of its evaluation, of clips with labels: what a report can show."""

    chance: float = field()  # field(): else the None of above is taken for its default
    data: DataRecord = field()
    model: ModelRecord = field()
    engine: EngineRecord = field()
    topology: TopologyRecord = field(metadata={"key": "sparse"})

    @property
    def nonzero(self) -> int | None:
        """Parameters that are not pruned, those that never may be among them; None where they cannot be counted."""
        if not self.model.parameters:
            return None
        return self.model.parameters - self.topology.total + self.topology.nonzero


R = TypeVar("R", bound=RunRecord)


def from_json(text: str, kind: type[R]) -> R:
    """The record that a run.json of any version up to this one holds.

    >>> record = from_json('{"name": "a", "finished": "2026-01-01", "mood": "good"}', RunRecord)
    >>> record.name, record.version, record.topology, record.more
    ('a', 0, None, {'mood': 'good'})

    Raises:
        ValueError: it is no JSON object, a value has another type than it must, or a later version wrote it.
    """
    said = json_text.parsed(text)
    if not isinstance(said, dict):
        raise ValueError("it holds no record of a run")
    record = fill(kind, said)
    if record.version > VERSION:
        raise ValueError(f"a later version of vidsparse wrote it (form {record.version}, this one knows {VERSION})")
    return record


def read_record(folder: Path) -> RunRecord:
    """The record of the run in a folder; an empty one where there is none. RunFolderError where it cannot be read."""
    path = folder / FILE
    try:
        return from_json(path.read_text(), RunRecord)
    except FileNotFoundError:
        return RunRecord()
    except (OSError, ValueError) as error:
        failures.check(error, path)
        raise RunFolderError(f"{path} cannot be read: {error}; put --fresh to start over") from error


def read_whole(folder: Path) -> WholeRecord:
    """The record of a run that has been evaluated.

    RunFolderError where it cannot be read, says too little, or is of clips whose labels nobody knows.
    """
    path, begun = folder / FILE, read_record(folder)
    if begun.data and not begun.data.labelled:
        raise RunFolderError(f"{folder} holds predictions of clips without labels; they are in its predictions.csv")
    try:
        return from_json(path.read_text(), WholeRecord)
    except (OSError, ValueError) as error:
        failures.check(error, path)
        raise RunFolderError(
            f"{path} is damaged, or of a run that did not finish ({error}); put back a whole copy of it, or make the "
            "run again with --fresh"
        ) from error
