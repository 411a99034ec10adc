"""The blocks of the schema that say where a run is carried out, kept and shown: never part of what it is."""

from dataclasses import dataclass
from typing import Any, Literal

from vidsparse.config.ranges import empty, key, number, numbers

LARGEST_SEED = 2**63 - 1  # torch, NumPy and the tables of a study all hold it


@dataclass(frozen=True)
class BenchmarkConfig:
    """An offline benchmark of the test clips: `data` and `evaluation` say what is in it, this how it is kept.

    `dir`: null is benchmarks/<name>. `materialize`: whole videos, or the frames that the views of `evaluation` read.
    `unit`: videos of one unit of work, null for 16 (1,000 images). `crf` counts for h264_444 and h264_420 alone.
    `stage`, `shard` ("3/16": the third of sixteen parts) and `deep` (files that verify makes again from the source) say
    what a command does; they change no byte.
    """

    dir: str | None = key(None, "where it is written, null for benchmarks/<name>")
    format: Literal["ffv1", "h264_rgb", "h264_444", "h264_420", "webp", "npy", "cifar_npy"] = key(
        "ffv1", "how clips are stored"
    )
    crf: int = number(10, "the constant rate factor", at_least=0, at_most=51)
    allow_420: bool = key(False, "formats that keep less colour are allowed")
    materialize: Literal["videos", "clips"] = key("clips", "whole videos, or the frames that the views read")
    unit: int | None = number(None, "the clips of one unit of work", at_least=1)
    stage: Literal["plan", "write", "verify", "repair"] = key("write", "what the command does")
    shard: str | None = key(None, "the part that this machine makes, such as 3/16")
    deep: int = number(0, "files that verify makes again from the source", at_least=0)


@dataclass(frozen=True)
class ClusterConfig:
    """Dask workers in place of local processes: the address of a scheduler, "local" for one here, null for none."""

    scheduler: str | None = key(None, "the address of a Dask scheduler, local for one here, null for none")


@dataclass(frozen=True)
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

    accelerator: Literal["auto", "cpu", "cuda"] = key("auto", "the device")
    devices: int | Literal["auto"] = number("auto", "processes, each with a GPU or its share of the CPU", at_least=1)
    precision: Literal["auto", "32", "bf16", "16"] = key("auto", "the number format of forward and backward passes")
    workers: int | Literal["auto"] = number("auto", "loader processes", at_least=0, largest=10_000)
    channels_last: bool = key(True, "the memory layout of clips and weights is channels last")
    checkpoint_every: int | None = number(200, "the distance of checkpoints", "optimizer steps", at_least=1)
    cache_gb: float = number(4.0, "decoded frames kept on disk, 0 for none", "GiB", at_least=0)
    deterministic: bool = key(False, "on a GPU, operations that repeat bit by bit")
    compile: bool = key(False, "the model is compiled by torch.compile")

    @property
    def processes(self) -> int:
        """How many processes an experiment runs in."""
        return 1 if self.devices == "auto" else self.devices


@dataclass(frozen=True)
class LoggingConfig:
    """Where run folders go and how often a step is logged (optimizer steps). Never part of what a run is."""

    dir: str = key("runs", "where run folders go")
    every: int = number(10, "the distance of logged steps", "optimizer steps", at_least=1)
    tensorboard: bool = key(True, "the curves are logged for TensorBoard too")
    trackers: list[str] = empty(list, "where runs are shown too: wandb, mlflow")
    project: str = key("vidsparse", "the project (W&B) or experiment (MLflow) that runs are shown in")
    online: bool = key(False, "trackers send to their servers; else they write below logging.dir")


@dataclass(frozen=True)
class AnalysisConfig:
    """What is asked of the trained model beyond its accuracy; never part of what a run is.

    `spectral` and `saliency`: auto, true or false; auto is true where its forward passes are cheap (a fixed number of
    FLOPs, see analysis/analyse.py). `clips`: test clips that are used, spread over the test split. `radii`: of the
    attenuation filters, in pixels of the spectrum; null is eighths of the side. `fourier`: frequencies a side of the
    heat map.
    """

    spectral: bool | Literal["auto"] = key("auto", "frequency analyses, auto where they are cheap")
    saliency: bool | Literal["auto"] = key("auto", "saliency maps, auto where they are cheap")
    clips: int = number(64, "test clips that are analysed", at_least=1)
    radii: list[int] | None = numbers(None, "a radius", "of the attenuation filters", "pixels", at_least=1)
    fourier: int = number(9, "frequencies a side of the heat map", at_least=1, largest=4096)


@dataclass(frozen=True)
class ReportConfig:
    """What a report shows; never part of what a run is. `frames`: false leaves pictures of the data out of it."""

    frames: bool = key(True, "pictures of the data are shown")
    figures: Literal["both", "png", "pdf", "none"] = key("both", "what is written of each figure beside the page")
    metrics: list[str] = empty(list, "metrics of your own, for tables/own_metrics.csv")


@dataclass(frozen=True)
class StudyConfig:
    """Many runs: methods x sparsities x seeds x models x data, dense and static controls beside them.

    Not a study where `methods` is empty. `models`: names, none for the config's own. `data`: sources, at data/NAME, or
    mappings of `name` and settings such as `evaluation.suite`; none for the config's own. `distributions`: how weights
    are shared out among layers; null is the config's own, and at sparsities up to 0.3, where erk leaves nearly all
    layers dense, uniform beside it. `controls`: further arms beside these, by name: narrow (dense, of as many weights
    as at each sparsity), shuffled and reset (sparse.rearrange, for each dynamic method), augmix (dense, at the paper's
    strength); or mappings of `name` and settings, such as {name: mine, sparse.method: rigl, sparse.grow_window: 1}.
    `jobs`: runs at once.
    `cluster`: null for this machine, "local" for Dask workers here, or the address of a Dask scheduler.
    """

    methods: list[str] = empty(list, "the methods; empty for a single run")
    sparsities: list[float] = numbers([0.5], "a sparsity", "shares of zeros", above=0, below=1)
    distributions: list[str] | None = key(
        None, "the distributions, null for the config's own, and uniform where that is nearly dense"
    )
    controls: list[Any] = empty(list, "further arms: narrow, shuffled, reset, augmix, or mappings of name and settings")
    seeds: list[int] = numbers([0], "a seed", "of the runs", at_least=0, largest=LARGEST_SEED)
    models: list[str] = empty(list, "the models, none for the config's own")
    data: list[Any] = empty(list, "data sources, or mappings of name and settings, none for the config's own")
    jobs: int = number(1, "runs at once", at_least=1, largest=10_000)
    cluster: str | None = key(None, "null for this machine, local for Dask workers here, or the address of a scheduler")
