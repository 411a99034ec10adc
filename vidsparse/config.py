"""The schema of every YAML: one dataclass a block. `compose` reads files into it, `checks` refuses what cannot be."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf

Normalize = Literal["auto", "kinetics", "imagenet", "pytorchvideo", "half", "cifar10", "cifar100", "clip", "unit"]
_NOT_RESULTS = ("evaluation.reference", "evaluation.protocol", "evaluation.max_clip_mb", "evaluation.batch_size")
_UNNAMED = (("task", "classification"), ("sparse.init", "auto"), ("sparse.init", "random"))  # as before they were keys
SAMPLE_ROOT = "built-in sample data"  # the value of data.root that stands for the clips that vidsparse makes itself


@dataclass
class AugmentConfig:
    """One draw per training clip: random resized crop of this area range, flip, colour jitter of this strength.

    `pad`: instead of the resized crop, a crop of `data.size` from the clip with a black border of so many pixels.
    """

    scale: list[float] = field(default_factory=lambda: [0.5, 1.0])
    pad: int | None = None
    flip: bool = True
    color: float = 0.2


@dataclass
class DataConfig:
    """Which clips, which frames of them, at which size.

    0 as `frames`, `short_side` or `size` and auto as `normalize` stand for what weights or model were made for.
    `eval_source`, `eval_root`, `eval_split`: the test part of another data set, with classes of the same names, to
    evaluate on in place of the own one; ImageNet-A, -R and -Sketch are `class_folders`. `share`: how much of every
    class is used, in training and in test, for trials; which part is the same for every seed.
    """

    source: str = "ucf101"
    root: str = "data/ucf101"
    split: int = 1
    eval_source: str | None = None
    eval_root: str | None = None
    eval_split: int = 1
    frames: int = 16
    stride: int = 4
    sampling: Literal["dense", "uniform"] = "dense"
    short: Literal["loop", "clamp"] = "loop"
    short_side: int = 128
    size: int = 112
    normalize: Normalize = "kinetics"
    val_fraction: float = 0.0
    share: float = 1.0
    missing: Literal["drop", "error"] = "drop"
    if_missing: Literal["sample", "error"] = "sample"
    on_error: Literal["substitute", "raise"] = "substitute"
    timeout_s: float = 60.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass
class ModelConfig:
    """A row of the model table, and the weights that it has from the first step on.

    `weights`: a file, a run folder, the name of published weights, hf://ORG/NAME@REVISION. Where nothing is trained,
    their classes are matched to the data's: `labels` auto (as they say, or by number), order, imagenet, kinetics400,
    ucf101, or a file of names; `answers` all lets it answer any class of its weights, data only those of the data.
    """

    name: str = "r3d_18"
    weights: str | None = None
    labels: str = "auto"
    answers: Literal["all", "data"] = "all"


@dataclass
class SparseConfig:
    """How the network is sparse. What is null is taken from the method's own row.

    `include`, `exclude`: shell patterns of the parameters that are made sparse, or kept dense. `dense_in_budget`:
    layers kept dense count in the sparsity, so that the others get sparser.
    """

    method: str = "dense"
    sparsity: float = 0.0
    distribution: Literal["erk", "er", "uniform"] = "erk"
    init: Literal["auto", "random", "magnitude"] = "auto"  # first masks; auto keeps the largest of given weights
    every: int | None = None
    stop: float | None = None
    drop_fraction: float | None = None
    gradient_weight: float | None = None
    soft_bound: float | None = None
    initial_density: float | None = None
    prune_until: float | None = None
    smoothing: float | None = None
    min_salient: float | None = None
    include: list[str] | None = None
    exclude: list[str] | None = None
    first_layer: Literal["sparse", "dense"] = "sparse"
    last_layer: Literal["sparse", "dense"] = "sparse"
    depthwise: Literal["sparse", "dense"] = "sparse"
    dense_in_budget: bool = True


@dataclass
class OptimizerConfig:
    """SGD (momentum, nesterov) or AdamW (betas); weight decay on matrices and kernels only."""

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])
    weight_decay: float = 5e-4


@dataclass
class ScheduleConfig:
    """The learning rate after a linear warm-up: cosine to zero, or times gamma at each milestone (epochs)."""

    name: Literal["cosine", "multistep", "constant"] = "cosine"
    warmup_epochs: float = 5
    milestones: list[int] = field(default_factory=list)
    gamma: float = 0.1


@dataclass
class MixupConfig:
    """Training clips mixed in pairs, with their labels: Beta(alpha, alpha) shares, 0 for none, in `prob` of the steps.

    With both alphas above 0 every step takes one of the two, each half of the times.
    """

    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    prob: float = 1.0


@dataclass
class TrainingConfig:
    """The training recipe. precise_bn: batches that re-estimate batch-norm statistics at the end.

    `init`: weights, named as in model.weights, that all but the head begins with: fine-tuning.
    """

    init: str | None = None
    epochs: int = 100
    batch_size: int = 16
    seed: int = 0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    label_smoothing: float = 0.0
    mixup: MixupConfig = field(default_factory=MixupConfig)
    clip_norm: float | None = None
    accumulate: int = 1
    precise_bn: int | Literal["auto"] = "auto"


@dataclass
class EvaluationConfig:
    """Which corruptions, on which canvas, seen through how many views; null severities are those of the suite.

    `protocol`: a named set of views, crops, canvas and sampling, which it puts in the place of those given here;
    `sampling` null is `data.sampling`. `max_clip_mb`: above so many MiB a video's frames are not kept for all
    corruptions, but decoded again for each.
    """

    suite: str = "core_10"
    corruptions: list[str] | None = None
    severities: list[int] | None = None
    protocol: str | None = None
    views: int = 1
    crops: Literal[1, 3, 5] = 1
    sampling: Literal["dense", "uniform"] | None = None
    canvas: Literal["crop", "frame", "source"] = "crop"
    resolution: Literal["absolute", "relative"] = "relative"
    corruption_seed: int = 0
    batch_size: int = 16
    max_clip_mb: float = 256.0
    on_error: Literal["count_wrong", "raise"] = "count_wrong"
    reference: str | None = "auto"


@dataclass
class BenchmarkConfig:
    """An offline benchmark of the test clips: `data` and `evaluation` say what is in it, this how it is kept.

    `dir`: null is benchmarks/<name>. `materialize`: whole videos, or the frames that the views of `evaluation` read.
    `unit`: videos of one unit of work, null for 16 (1,000 images). `crf` counts for h264_444 and h264_420 alone.
    `stage`, `shard` ("3/16": the third of sixteen parts) and `deep` (files that verify makes again from the source) say
    what a command does; they change no byte.
    """

    dir: str | None = None
    format: Literal["ffv1", "h264_rgb", "h264_444", "h264_420", "webp", "npy", "cifar_npy"] = "ffv1"
    crf: int = 10
    allow_420: bool = False
    materialize: Literal["videos", "clips"] = "clips"
    unit: int | None = None
    stage: Literal["plan", "write", "verify", "repair"] = "write"
    shard: str | None = None
    deep: int = 0


@dataclass
class ClusterConfig:
    """Dask workers in place of local processes: the address of a scheduler, "local" for one here, null for none."""

    scheduler: str | None = None


@dataclass
class EngineConfig:
    """Where it runs. Never part of what a run is: another device or worker count continues the same run.

    `checkpoint_every`: optimizer steps after which a run that is killed has lost no more; also each epoch ends with a
    checkpoint, and null leaves it at that. One takes about a second for r3d_18 and r50 (250 MiB).
    `deterministic`: on a GPU, operations that repeat bit by bit wherever torch has them, with a warning where not;
    slower there, by how much was not measured. The CPU repeats anyway, for the same number of threads.
    `devices`: processes that train and evaluate together, auto is one. Each takes its share of every batch: gradients,
    masks and updates are those of one process, but batch norm sees the statistics of a share.
    `cache_gb`: decoded frames of test videos that are kept on disk beside the runs for the next evaluation, in GiB.
    """

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int | Literal["auto"] = "auto"
    precision: Literal["auto", "32", "bf16", "16"] = "auto"
    workers: int | Literal["auto"] = "auto"
    channels_last: bool = True
    checkpoint_every: int | None = 200
    cache_gb: float = 4.0
    deterministic: bool = False
    compile: bool = False


@dataclass
class LoggingConfig:
    """Where run folders go and how often a step is logged (optimizer steps). Never part of what a run is."""

    dir: str = "runs"
    every: int = 10
    tensorboard: bool = True


@dataclass
class AnalysisConfig:
    """What is asked of the trained model beyond its accuracy; never part of what a run is.

    `spectral` and `saliency`: auto, true or false; auto is true where its forward passes are cheap (a fixed number of
    FLOPs, see analysis/analyse.py). `clips`: test clips that are used, spread over the test split. `radii`: of the
    attenuation filters, in pixels of the spectrum; null is eighths of the side. `fourier`: frequencies a side of the
    heat map.
    """

    spectral: bool | Literal["auto"] = "auto"
    saliency: bool | Literal["auto"] = "auto"
    clips: int = 64
    radii: list[int] | None = None
    fourier: int = 9


@dataclass
class ReportConfig:
    """What a report shows; never part of what a run is. `frames`: false leaves pictures of the data out of it."""

    frames: bool = True


@dataclass
class StudyConfig:
    """Many runs: methods x sparsities x seeds x models x data, dense and static controls beside them.

    Not a study where `methods` is empty. `models`: names, none for the config's own. `data`: sources, at data/NAME, or
    mappings of `name` and settings such as `evaluation.suite`; none for the config's own. `jobs`: runs at once.
    `cluster`: null for this machine, "local" for Dask workers here, or the address of a Dask scheduler.
    """

    methods: list[str] = field(default_factory=list)
    sparsities: list[float] = field(default_factory=lambda: [0.5])
    seeds: list[int] = field(default_factory=lambda: [0])
    models: list[str] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    jobs: int = 1
    cluster: str | None = None


@dataclass
class Config:
    """One experiment, whole. `task` is a row of tasks.py; `sample` holds what the built-in sample data changes."""

    name: str = "${data.source}_${sparse.method}"
    task: Literal["classification", "segmentation"] = "classification"
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    sparse: SparseConfig = field(default_factory=SparseConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    benchmark: BenchmarkConfig = field(default_factory=BenchmarkConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    analysis: AnalysisConfig = field(default_factory=AnalysisConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    sample: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The run folder, `runs/<name>`."""
        return Path(self.logging.dir) / self.name

    @property
    def benchmark_folder(self) -> Path:
        """Where `generate` writes: `benchmark.dir`, or `benchmarks/<name>`."""
        return Path(self.benchmark.dir or Path("benchmarks") / self.name)


def to_yaml(config: Config) -> str:
    """The resolved config as YAML text; `compose` reads it back to the same config."""
    said = "# The clips are the built-in sample data.\n" if config.data.root == SAMPLE_ROOT else ""
    tree: Any = OmegaConf.to_container(OmegaConf.structured(config))
    shown = {key: value for key, value in tree.items() if key != "study" or config.study.methods}
    return said + str(OmegaConf.to_yaml(OmegaConf.create(shown)))


def identity(config: Config) -> dict[str, Any]:
    """What a run is, as {dotted key: value}: all but where it runs, where data lie and how it is shown.

    The default task and random first masks are not named. The data fingerprint stands for `data.root`; `evaluation.
    reference` changes the report alone, `_NOT_RESULTS` no result.
    """
    tree = OmegaConf.to_container(OmegaConf.structured(config), resolve=True)
    shown = ("engine.", "logging.", "analysis.", "report.", "study.", "benchmark.", "cluster.", "sample")
    left_out = (*shown, "data.root", "data.eval_root", "data.timeout_s", *_NOT_RESULTS)
    kept = {key: value for key, value in flatten(tree).items() if not key.startswith(left_out)}
    return {key: value for key, value in kept.items() if (key, value) not in _UNNAMED}


def digest(value: Any) -> str:
    """A short stable hash of JSON-like data."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} -> {'a.b': 1}; empty mappings and lists are leaves."""
    if not isinstance(tree, Mapping) or not tree:
        return {prefix: tree}
    return {k: v for key, sub in tree.items() for k, v in flatten(sub, f"{prefix}.{key}" if prefix else key).items()}
