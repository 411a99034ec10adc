"""The schema of every YAML: one dataclass a block. `compose` reads files into it, `checks` refuses what cannot be.

These are the blocks that make a run what it is; `operation` holds those that say where it is carried out and shown.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vidsparse.config.operation import (
    LARGEST_SEED,
    AnalysisConfig,
    BenchmarkConfig,
    ClusterConfig,
    EngineConfig,
    LoggingConfig,
    ReportConfig,
    StudyConfig,
)
from vidsparse.config.ranges import number, numbers
from vidsparse.config.settings import with_method_settings

Normalize = Literal["auto", "kinetics", "imagenet", "pytorchvideo", "half", "cifar10", "cifar100", "clip", "unit"]
SAMPLE_ROOT = "built-in sample data"  # the value of data.root that stands for the clips that vidsparse makes itself


@dataclass
class AugmentConfig:
    """One draw per training clip: random resized crop of this area range, flip, colour jitter of this strength.

    `pad`: instead of the resized crop, a crop of `data.size` from the clip with a black border of so many pixels.
    """

    scale: list[float] = numbers([0.5, 1.0], "a share of the area", "how much is cropped", above=0, at_most=1)
    pad: int | None = number(None, "the black border around the clip", "pixels", at_least=0, largest=4096)
    flip: bool = True
    color: float = number(0.2, "the strength of colour jitter", at_least=0, at_most=1)


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
    split: int = number(1, "the number of the official split", at_least=1)
    eval_source: str | None = None
    eval_root: str | None = None
    eval_split: int = number(1, "the number of the split of eval_source", at_least=1)
    frames: int = number(16, "the length of a clip", "frames", at_least=0, largest=100_000)
    stride: int = number(4, "the distance of a clip's frames", "frames of the video", at_least=1, largest=1_000_000)
    sampling: Literal["dense", "uniform"] = "dense"
    short: Literal["loop", "clamp"] = "loop"
    short_side: int = number(128, "the short side that frames are resized to", "pixels", at_least=0, largest=65_536)
    size: int = number(112, "the side of the crop", "pixels", at_least=0, largest=65_536)
    normalize: Normalize = "kinetics"
    val_fraction: float = number(0.0, "the share of the training groups kept for validation", at_least=0, below=1)
    share: float = number(1.0, "the share of each class's samples that is used, 0 < share <= 1", above=0, at_most=1)
    missing: Literal["drop", "error"] = "drop"
    if_missing: Literal["sample", "error"] = "sample"
    on_error: Literal["substitute", "raise"] = "substitute"
    timeout_s: float = number(60.0, "how long a file may take to decode", "seconds", above=0)
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
@with_method_settings(after="rescale_init")
class SparseConfig:
    """How the network is sparse. What is null is taken from the method's own row.

    `every`: optimizer steps between updates, or `every_epochs`: epochs between them. `grow_window`: steps whose dense
    gradients growth by gradient sees; auto (null for such a method) is as many as show about 4,096 samples.
    `rescale_init`: random weights are scaled by the fan-in that their first masks leave (Evci et al. 2022).
    `include`, `exclude`: shell patterns of the parameters that are made sparse, or kept dense. `dense_in_budget`:
    layers kept dense count in the sparsity, so that the others get sparser. `settings`: {name: value} of those that the
    method alone has.
    """

    method: str = "dense"
    sparsity: float = number(0.0, "the share of zeros", at_least=0, below=1)
    distribution: Literal["erk", "er", "uniform"] = "erk"
    init: Literal["auto", "random", "magnitude"] = "auto"  # first masks; auto keeps the largest of given weights
    rescale_init: bool = False
    include: list[str] | None = None
    exclude: list[str] | None = None
    first_layer: Literal["sparse", "dense"] = "sparse"
    last_layer: Literal["sparse", "dense"] = "sparse"
    depthwise: Literal["sparse", "dense"] = "sparse"
    dense_in_budget: bool = True
    settings: dict[str, Any] = field(default_factory=dict)

    if TYPE_CHECKING:  # the settings of methods, see `with_method_settings`

        def __getattr__(self, name: str) -> Any: ...


@dataclass
class OptimizerConfig:
    """SGD (momentum, nesterov) or AdamW (betas); weight decay on matrices and kernels only."""

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = number(0.05, "the peak learning rate", above=0, largest=10**6)
    momentum: float = number(0.9, "the momentum of SGD", at_least=0, below=1)
    nesterov: bool = True
    betas: list[float] = numbers([0.9, 0.999], "a decay rate", "the decay rates of AdamW", at_least=0, below=1)
    weight_decay: float = number(5e-4, "the weight decay", at_least=0, largest=10**6)


@dataclass
class ScheduleConfig:
    """The learning rate after a linear warm-up: cosine to zero, or times gamma at each milestone (epochs)."""

    name: Literal["cosine", "multistep", "constant"] = "cosine"
    warmup_epochs: float = number(5, "the length of the linear warm-up", "epochs", at_least=0)
    milestones: list[int] = numbers([], "an epoch to step at", "where the rate is lowered", "epochs", at_least=0)
    gamma: float = number(0.1, "the factor at a milestone", above=0, largest=10**6)


@dataclass
class MixupConfig:
    """Training clips mixed in pairs, with their labels: Beta(alpha, alpha) shares, 0 for none, in `prob` of the steps.

    With both alphas above 0 every step takes one of the two, each half of the times.
    """

    mixup_alpha: float = number(
        0.0, "the parameter of mixup's Beta distribution, 0 for none", at_least=0, largest=10**6
    )
    cutmix_alpha: float = number(
        0.0, "the parameter of CutMix's Beta distribution, 0 for none", at_least=0, largest=10**6
    )
    prob: float = number(1.0, "the share of the steps that mix", at_least=0, at_most=1)


@dataclass
class TrainingConfig:
    """The training recipe. precise_bn: batches that re-estimate batch-norm statistics at the end.

    `init`: weights, named as in model.weights, that all but the head begins with: fine-tuning.
    """

    init: str | None = None
    epochs: int = number(100, "passes over the training clips, 0 to evaluate only", at_least=0, largest=10**7)
    batch_size: int = number(16, "clips of an optimizer step", at_least=1, largest=10**7)
    seed: int = number(0, "the seed of initialisation, order and augmentation", at_least=0, largest=LARGEST_SEED)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    label_smoothing: float = number(0.0, "the share of a label spread over all classes", at_least=0, below=1)
    mixup: MixupConfig = field(default_factory=MixupConfig)
    clip_norm: float | None = number(None, "the largest gradient norm, null for no clipping", above=0, largest=10**9)
    accumulate: int = number(1, "the micro-batches of an optimizer step", at_least=1)
    precise_bn: int | Literal["auto"] = number("auto", "batches that re-estimate batch-norm statistics", at_least=0)


@dataclass
class EvaluationConfig:
    """Which corruptions, on which canvas, seen through how many views; null severities are those of the suite.

    `protocol`: a named set of views, crops, canvas and sampling, which it puts in the place of those given here;
    `sampling` null is `data.sampling`. `max_clip_mb`: above so many MiB a video's frames are not kept for all
    corruptions, but decoded again for each. `frost_textures`: a folder of photographs that frost is cut from.
    """

    suite: str = "core_10"
    corruptions: list[str] | None = None
    severities: list[int] | None = numbers(None, "a severity", "they go from 1 to 5", at_least=1, at_most=5)
    protocol: str | None = None
    views: int = number(1, "the clips of a video whose answers are averaged", at_least=1, largest=100_000)
    crops: Literal[1, 3, 5] = 1
    sampling: Literal["dense", "uniform"] | None = None
    canvas: Literal["crop", "frame", "source"] = "crop"
    resolution: Literal["absolute", "relative"] = "relative"
    corruption_seed: int = number(0, "the seed of all corruptions", at_least=0, largest=LARGEST_SEED)
    frost_textures: str | None = None
    batch_size: int = number(16, "clips of a forward pass", at_least=1, largest=10**7)
    max_clip_mb: float = number(256.0, "frames of a video kept for all corruptions", "MiB", above=0)
    on_error: Literal["count_wrong", "raise"] = "count_wrong"
    reference: str | None = "auto"


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
