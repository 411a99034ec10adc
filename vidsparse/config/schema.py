"""The schema of every YAML: one dataclass a block. `compose` reads files into it.

These are the blocks that make a run what it is; `operation` holds those that say where it is carried out and shown.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vidsparse.config.method_settings import with_method_settings
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
from vidsparse.config.ranges import empty, key, number, numbers
from vidsparse.recipe_rows import LOSSES, OPTIMIZERS, RATES
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.tasks import TASKS

Normalize = Literal["auto", "kinetics", "imagenet", "pytorchvideo", "half", "cifar10", "cifar100", "clip", "unit"]
SAMPLE_ROOT = "built-in sample data"  # the value of data.root that stands for the clips that vidsparse makes itself


@dataclass(frozen=True)
class AugmentConfig:
    """One draw per training clip: random resized crop of this area range, flip, colour jitter of this strength.

    `pad`: instead of the resized crop, a crop of `data.size` from the clip with a black border of so many pixels.
    """

    scale: list[float] = numbers([0.5, 1.0], "a share of the area", "how much is cropped", above=0, at_most=1)
    pad: int | None = number(None, "the black border around the clip", "pixels", at_least=0, largest=4096)
    flip: bool = key(True, "half of the training clips are mirrored")
    color: float = number(0.2, "the strength of colour jitter", at_least=0, at_most=1)


@dataclass(frozen=True)
class DataConfig:
    """Which clips, which frames of them, at which size.

    0 as `frames`, `short_side` or `size` and auto as `normalize` stand for what weights or model were made for.
    `eval_source`, `eval_root`, `eval_split`: the test part of another data set, with classes of the same names, to
    evaluate on in place of the own one; ImageNet-A, -R and -Sketch are `class_folders`. `share`: how much of every
    class is used, in training and in test, for trials; which part is the same for every seed.
    """

    source: str = key("ucf101", "the kind of data set, a row of the sources in docs/data.md")
    root: str = key("data/ucf101", "the folder that holds it")
    split: int = number(1, "the number of the official split", at_least=1)
    eval_source: str | None = key(None, "the kind of the data set to evaluate on in place of the own test part")
    eval_root: str | None = key(None, "the folder of that data set")
    eval_split: int = number(1, "the number of the split of eval_source", at_least=1)
    frames: int = number(16, "the length of a clip", "frames", at_least=0, largest=100_000)
    stride: int = number(4, "the distance of a clip's frames", "frames of the video", at_least=1, largest=1_000_000)
    sampling: Literal["dense", "uniform"] = key(
        "dense", "where training clips lie: in one stretch of a video, or over all of it"
    )
    short: Literal["loop", "clamp"] = key(
        "loop", "what follows the end of a shorter video: its start, or its last frame"
    )
    short_side: int = number(128, "the short side that frames are resized to", "pixels", at_least=0, largest=65_536)
    size: int = number(112, "the side of the crop", "pixels", at_least=0, largest=65_536)
    normalize: Normalize = key("kinetics", "the mean and deviation that pixels are normalised by")
    val_fraction: float = number(0.0, "the share of the training groups kept for validation", at_least=0, below=1)
    share: float = number(1.0, "the share of each class's samples that is used, 0 < share <= 1", above=0, at_most=1)
    missing: Literal["drop", "error"] = key("drop", "what becomes of files that the list names and the disk lacks")
    if_missing: Literal["sample", "error"] = key("sample", "what stands in where the untouched default root is absent")
    on_error: Literal["substitute", "raise"] = key("substitute", "what a training file that cannot be decoded does")
    timeout_s: float = number(60.0, "how long a file may take to decode", "seconds", above=0)
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass(frozen=True)
class ModelConfig:
    """A row of the model table, and the weights that it has from the first step on.

    `weights`: a file, a run folder, the name of published weights, hf://ORG/NAME@REVISION. Where nothing is trained,
    their classes are matched to the data's: `labels` auto (as they say, or by number), order, imagenet, kinetics400,
    ucf101, or a file of names; `answers` all lets it answer any class of its weights, data only those of the data.
    `narrowed`: narrower layers, until there are as many weights as at this sparsity: the dense control of its size.
    """

    name: str = key("r3d_18", "a row of the model table, timm/NAME or hf/NAME")
    weights: str | None = key(
        None, "the weights that it has from the first step on: file, run folder, published name, hf://"
    )
    labels: str = key("auto", "how the classes of given weights are matched to the data's")
    answers: Literal["all", "data"] = key("all", "the classes that given weights may answer")
    narrowed: float = number(
        0.0, "the share of the weights that narrower layers do without, 0 for none", at_least=0, below=1
    )


@dataclass(frozen=True)
@with_method_settings(after="rescale_init")
class SparseConfig:
    """How the network is sparse. What is null is taken from the method's own row.

    `every`: optimizer steps between updates, or `every_epochs`: epochs between them. `grow_window`: steps whose dense
    gradients growth by gradient sees; auto (null for such a method) is as many as show about 4,096 samples.
    `rescale_init`: random weights are scaled by the fan-in that their first masks leave (Evci et al. 2022).
    `include`, `exclude`: shell patterns of the parameters that are made sparse, or kept dense. `dense_in_budget`:
    layers kept dense count in the sparsity, so that the others get sparser. `settings`: {name: value} of those that the
    method alone has. `rearrange`: a control of the topology, see training/rearranging.py.
    """

    method: str = key("dense", "a row of the methods in docs/methods")
    sparsity: float = number(0.0, "the share of zeros", at_least=0, below=1)
    distribution: str = key("erk", "how weights are shared out among layers", rows=DISTRIBUTIONS)
    init: Literal["auto", "random", "magnitude"] = key("auto", "the first masks; auto: the largest of given weights")
    rescale_init: bool = key(False, "random weights are scaled by the fan-in that their first masks leave")
    include: list[str] | None = key(None, "shell patterns of the parameters that alone are made sparse")
    exclude: list[str] | None = key(None, "shell patterns of the parameters that are kept dense")
    first_layer: Literal["sparse", "dense"] = key("sparse", "the first prunable layer")
    last_layer: Literal["sparse", "dense"] = key("sparse", "the layers that write class scores")
    depthwise: Literal["sparse", "dense"] = key("sparse", "depthwise convolutions")
    dense_in_budget: bool = key(True, "layers kept dense count in the sparsity, so that the others get sparser")
    settings: dict[str, Any] = empty(dict, "settings that the method alone has: {name: value}")
    rearrange: Literal["shuffled", "reset"] | None = key(
        None, "after the last update links are drawn anew in each layer, or as many of its own set to 0"
    )

    if TYPE_CHECKING:  # the settings of methods, see `with_method_settings`

        def __getattr__(self, name: str) -> Any: ...


@dataclass(frozen=True)
class OptimizerConfig:
    """SGD (momentum, nesterov), AdamW (betas), a registered one or module:attribute, such as torch.optim:RAdam.

    Weight decay is on matrices and kernels only.
    """

    name: str = key("sgd", "the optimizer", rows=OPTIMIZERS)
    lr: float = number(0.05, "the peak learning rate", above=0, largest=10**6)
    momentum: float = number(0.9, "the momentum of SGD", at_least=0, below=1)
    nesterov: bool = key(True, "Nesterov's momentum, of SGD")
    betas: list[float] = numbers([0.9, 0.999], "a decay rate", "the decay rates of AdamW", at_least=0, below=1)
    weight_decay: float = number(5e-4, "the weight decay", at_least=0, largest=10**6)
    settings: dict[str, Any] = empty(dict, "parameters that the optimizer alone has: {name: value}")


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate after a linear warm-up: cosine to zero, or times gamma at each milestone (epochs)."""

    name: str = key("cosine", "the learning rate after the warm-up", rows=RATES)
    warmup_epochs: float = number(5, "the length of the linear warm-up", "epochs", at_least=0)
    milestones: list[int] = numbers([], "an epoch to step at", "where the rate is lowered", "epochs", at_least=0)
    gamma: float = number(0.1, "the factor at a milestone", above=0, largest=10**6)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class AugmixConfig:
    """AugMix (Hendrycks et al. 2020) of each training clip, after crop and flip; severity 0 is none, the paper's is 3.

    `operations` null: those of the paper that do nothing that the corruptions of the evaluation do. `jsd`: λ of its
    Jensen-Shannon loss over the clip and two mixtures (the paper's is 12), which makes a step three times as dear.
    """

    severity: float = number(0.0, "the strength of operations, 0 for no AugMix", at_least=0, at_most=10)
    width: int = number(3, "the chains that are mixed", at_least=1, largest=100)
    depth: int = number(0, "the operations of a chain, 0 for 1 to 3 at random", at_least=0, largest=100)
    alpha: float = number(1.0, "the parameter of the Dirichlet and Beta distributions", above=0, largest=10**6)
    jsd: float = number(0.0, "the weight of the Jensen-Shannon loss, 0 for none", at_least=0, largest=10**6)
    operations: list[str] | None = key(None, "the operations, null for all that no corruption of the evaluation does")


@dataclass(frozen=True)
class TrainingConfig:
    """The training recipe. precise_bn: batches that re-estimate batch-norm statistics at the end.

    `init`: weights, named as in model.weights, that all but the head begins with: fine-tuning.
    """

    init: str | None = key(None, "the weights that all but the head begins with: fine-tuning")
    epochs: int = number(100, "passes over the training clips, 0 to evaluate only", at_least=0, largest=10**7)
    batch_size: int = number(16, "clips of an optimizer step", at_least=1, largest=10**7)
    seed: int = number(0, "the seed of initialisation, order and augmentation", at_least=0, largest=LARGEST_SEED)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: str | None = key(None, "a loss of your own, null for that of the task", rows=LOSSES)
    label_smoothing: float = number(0.0, "the share of a label spread over all classes", at_least=0, below=1)
    mixup: MixupConfig = field(default_factory=MixupConfig)
    augmix: AugmixConfig = field(default_factory=AugmixConfig)
    clip_norm: float | None = number(None, "the largest gradient norm, null for no clipping", above=0, largest=10**9)
    accumulate: int = number(1, "the micro-batches of an optimizer step", at_least=1)
    precise_bn: int | Literal["auto"] = number("auto", "batches that re-estimate batch-norm statistics", at_least=0)


@dataclass(frozen=True)
class EvaluationConfig:
    """Which corruptions, on which canvas, seen through how many views; null severities are those of the suite.

    `protocol`: a named set of views, crops, canvas and sampling, which it puts in the place of those given here;
    `sampling` null is `data.sampling`. `max_clip_mb`: above so many MiB a video's frames are not kept for all
    corruptions, but decoded again for each. `frost_textures`: a folder of photographs that frost is cut from.
    `temporal`: a corruption that has no such mode, as a blur without draws, moves as it always does.
    """

    suite: str = key("core_10", "the corruptions of a published or own set")
    corruptions: list[str] | None = key(None, "those of the suite that are used, null for all")
    severities: list[int] | None = numbers(None, "a severity", "they go from 1 to 5", at_least=1, at_most=5)
    protocol: str | None = key(None, "a named set of views, crops, canvas and sampling, in the place of those given")
    views: int = number(1, "the clips of a video whose answers are averaged", at_least=1, largest=100_000)
    crops: Literal[1, 3, 5] = key(1, "the crops of a clip whose answers are averaged")
    sampling: Literal["dense", "uniform"] | None = key(None, "where test clips lie in a video, null for data.sampling")
    canvas: Literal["crop", "frame", "source"] = key("crop", "the picture that a corruption sees")
    resolution: Literal["absolute", "relative"] = key("relative", "pixels as published, or scaled by the short side")
    temporal: Literal["default", "static", "drift", "independent"] | None = key(
        None, "how corruptions move from frame to frame, null as the suite says"
    )
    corruption_seed: int = number(0, "the seed of all corruptions", at_least=0, largest=LARGEST_SEED)
    frost_textures: str | None = key(None, "a folder of photographs that frost is cut from")
    batch_size: int = number(16, "clips of a forward pass", at_least=1, largest=10**7)
    max_clip_mb: float = number(256.0, "frames of a video kept for all corruptions", "MiB", above=0)
    on_error: Literal["count_wrong", "raise"] = key("count_wrong", "what becomes of a test clip that cannot be decoded")
    reference: str | None = key("auto", "the run that gains are measured against: auto, null or a run folder")


@dataclass(frozen=True)
class Config:
    """One experiment, whole. `task` is a row of tasks.py; `sample` holds what the built-in sample data changes."""

    name: str = key("${data.source}_${sparse.method}", "the name of the run and of its folder")
    task: str = key("classification", "what the network is asked", rows=TASKS)
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
    plugins: list[str] = empty(list, "modules and files of your own that are imported first, in every process")
    sample: dict[str, Any] = empty(dict, "what the built-in sample data changes, where it stands in")

    @property
    def folder(self) -> Path:
        """The run folder, `runs/<name>`."""
        return Path(self.logging.dir) / self.name

    @property
    def benchmark_folder(self) -> Path:
        """Where `generate` writes: `benchmark.dir`, or `benchmarks/<name>`."""
        return Path(self.benchmark.dir or Path("benchmarks") / self.name)
