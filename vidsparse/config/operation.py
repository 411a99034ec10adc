"""The blocks of the schema that say where a run is carried out, kept and shown: never part of what it is."""

from dataclasses import dataclass, field
from typing import Any, Literal

from vidsparse.config.ranges import number, numbers

LARGEST_SEED = 2**63 - 1  # torch, NumPy and the tables of a study all hold it


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
    crf: int = number(10, "the constant rate factor", at_least=0, at_most=51)
    allow_420: bool = False
    materialize: Literal["videos", "clips"] = "clips"
    unit: int | None = number(None, "the clips of one unit of work", at_least=1)
    stage: Literal["plan", "write", "verify", "repair"] = "write"
    shard: str | None = None
    deep: int = number(0, "files that verify makes again from the source", at_least=0)


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
    devices: int | Literal["auto"] = number("auto", "processes, each with a GPU or its share of the CPU", at_least=1)
    precision: Literal["auto", "32", "bf16", "16"] = "auto"
    workers: int | Literal["auto"] = number("auto", "loader processes", at_least=0, largest=10_000)
    channels_last: bool = True
    checkpoint_every: int | None = number(200, "the distance of checkpoints", "optimizer steps", at_least=1)
    cache_gb: float = number(4.0, "decoded frames kept on disk, 0 for none", "GiB", at_least=0)
    deterministic: bool = False
    compile: bool = False


@dataclass
class LoggingConfig:
    """Where run folders go and how often a step is logged (optimizer steps). Never part of what a run is."""

    dir: str = "runs"
    every: int = number(10, "the distance of logged steps", "optimizer steps", at_least=1)
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
    clips: int = number(64, "test clips that are analysed", at_least=1)
    radii: list[int] | None = numbers(None, "a radius", "of the attenuation filters", "pixels", at_least=1)
    fourier: int = number(9, "frequencies a side of the heat map", at_least=1, largest=4096)


@dataclass
class ReportConfig:
    """What a report shows; never part of what a run is. `frames`: false leaves pictures of the data out of it."""

    frames: bool = True


@dataclass
class StudyConfig:
    """Many runs: methods x sparsities x seeds x models x data, dense and static controls beside them.

    Not a study where `methods` is empty. `models`: names, none for the config's own. `data`: sources, at data/NAME, or
    mappings of `name` and settings such as `evaluation.suite`; none for the config's own. `distributions`: how weights
    are shared out among layers; null is the config's own, and at sparsities up to 0.3, where erk leaves nearly all
    layers dense, uniform beside it. `jobs`: runs at once.
    `cluster`: null for this machine, "local" for Dask workers here, or the address of a Dask scheduler.
    """

    methods: list[str] = field(default_factory=list)
    sparsities: list[float] = numbers([0.5], "a sparsity", "shares of zeros", above=0, below=1)
    distributions: list[str] | None = None
    seeds: list[int] = numbers([0], "a seed", "of the runs", at_least=0, largest=LARGEST_SEED)
    models: list[str] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    jobs: int = number(1, "runs at once", at_least=1, largest=10_000)
    cluster: str | None = None
