"""The schema of every YAML, and how a config comes together.

Precedence: schema < `base:` files < the file < its `sample:` block (only on the built-in sample data) < command line.
Every mistake is a `ConfigError` of one sentence that names the key, the value, where it was set and the nearest name.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from corruptions.registry import nearest
from vidsparse.errors import ConfigError

SAMPLE_ROOT = "built-in sample data"  # the value of data.root that stands for the clips that vidsparse makes itself
COMMAND_LINE = "on the command line"


@dataclass
class AugmentConfig:
    """One draw per training clip: random resized crop of this area range, flip, colour jitter of this strength."""

    scale: list[float] = field(default_factory=lambda: [0.5, 1.0])
    flip: bool = True
    color: float = 0.2


@dataclass
class DataConfig:
    """Which clips, which frames of them, at which size."""

    source: str = "ucf101"
    root: str = "data/ucf101"
    split: int = 1
    frames: int = 16
    stride: int = 4
    sampling: Literal["dense", "uniform"] = "dense"
    short: Literal["loop", "clamp"] = "loop"
    short_side: int = 128
    size: int = 112
    normalize: Literal["kinetics", "imagenet", "half", "pytorchvideo"] = "kinetics"
    val_fraction: float = 0.0
    missing: Literal["drop", "error"] = "drop"
    if_missing: Literal["sample", "error"] = "sample"
    on_error: Literal["substitute", "raise"] = "substitute"
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass
class ModelConfig:
    """A row of the model table, and a local .safetensors file to start from."""

    name: str = "r3d_18"
    weights: str | None = None


@dataclass
class SparseConfig:
    """How the network is sparse. What is null is taken from the method's own row."""

    method: str = "dense"
    sparsity: float = 0.0
    distribution: Literal["erk", "er", "uniform"] = "erk"
    every: int | None = None
    stop: float | None = None
    drop_fraction: float | None = None
    gradient_weight: float | None = None
    soft_bound: float | None = None
    initial_density: float | None = None
    prune_until: float | None = None


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
class TrainingConfig:
    """The training recipe. precise_bn: batches that re-estimate batch-norm statistics at the end."""

    epochs: int = 100
    batch_size: int = 16
    seed: int = 0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    accumulate: int = 1
    precise_bn: int | Literal["auto"] = "auto"


@dataclass
class EvaluationConfig:
    """Which corruptions, on which canvas, seen through how many views."""

    suite: str = "core_10"
    corruptions: list[str] | None = None
    severities: list[int] | None = None
    views: int = 1
    crops: Literal[1, 3] = 1
    canvas: Literal["crop", "frame"] = "crop"
    resolution: Literal["absolute", "relative"] = "relative"
    corruption_seed: int = 0
    batch_size: int = 16
    on_error: Literal["count_wrong", "raise"] = "count_wrong"
    reference: str | None = "auto"


@dataclass
class EngineConfig:
    """Where it runs. Never part of what a run is: another device or worker count continues the same run."""

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int | Literal["auto"] = "auto"
    precision: Literal["auto", "32", "bf16", "16"] = "auto"
    workers: int | Literal["auto"] = "auto"
    channels_last: bool = True


@dataclass
class LoggingConfig:
    """Where run folders go and how often a step is logged (optimizer steps). Never part of what a run is."""

    dir: str = "runs"
    every: int = 10
    tensorboard: bool = True


@dataclass
class Config:
    """One experiment, whole. `sample` holds what the built-in sample data changes."""

    name: str = "${data.source}_${sparse.method}"
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    sparse: SparseConfig = field(default_factory=SparseConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    sample: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The run folder, `runs/<name>`."""
        return Path(self.logging.dir) / self.name


def shipped_configs() -> Path:
    """The folder of the configs that come with vidsparse: in the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


def find_config(name: str | Path, beside: Path | None = None) -> Path:
    """The YAML that `name` means: a path (also relative to `beside`), or the name of a shipped config."""
    path = Path(name)
    shipped = shipped_configs()
    places = [*([beside / path] if beside else []), path, shipped / path, shipped / f"{path}.yaml"]
    for place in places:
        if place.is_file():
            return place
    close = nearest(path.stem, [p.stem for p in sorted(shipped.glob("*.yaml"))])
    hint = f"; did you mean {close}?" if close else ""
    raise ConfigError(f"config {name} does not exist, neither as a path nor as a shipped config{hint}")


def compose(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Config, dict[str, str]]:
    """Read a config with its bases and overrides; returns it, and where each key was set ({key: place}).

    The config is typed but its names and combinations are not checked yet: that is `checks.load_config`.
    """
    files, typed = _file_layers(find_config(path)), (COMMAND_LINE, _from_dotlist(overrides))
    blocks = [_sample_block(place, layer) for place, layer in (*files, typed) if "sample" in layer]
    _merge([*files, *blocks, typed])  # a typo inside sample: shows on every machine
    config, origin = _merge([*files, typed])
    if uses_sample(config, origin):
        config, origin = _merge([*files, *blocks, typed])
        config.data.root, config.sample = SAMPLE_ROOT, {}
    return config, origin


def uses_sample(config: Config, origin: Mapping[str, str]) -> bool:
    """True where the built-in sample data stands in: asked for, or the untouched default root is absent."""
    data, default = config.data, DataConfig()
    untouched = (data.source, data.root) == (default.source, default.root) and origin.get("data.root") != COMMAND_LINE
    absent = untouched and data.if_missing == "sample" and not Path(data.root).exists()
    return data.root == SAMPLE_ROOT or absent


def to_yaml(config: Config) -> str:
    """The resolved config as YAML text; `compose` reads it back to the same config."""
    said = "# The clips are the built-in sample data.\n" if config.data.root == SAMPLE_ROOT else ""
    return said + str(OmegaConf.to_yaml(OmegaConf.structured(config)))


def identity(config: Config) -> dict[str, Any]:
    """What a run is, as {dotted key: value}: all but where it runs, where data lie and how it is shown.

    `data.root` is left out because the data fingerprint stands for it, `evaluation.reference` because it changes
    the report alone.
    """
    tree = OmegaConf.to_container(OmegaConf.structured(config), resolve=True)
    left_out = ("engine.", "logging.", "sample", "data.root", "evaluation.reference")
    return {key: value for key, value in flatten(tree).items() if not key.startswith(left_out)}


def digest(value: Any) -> str:
    """A short stable hash of JSON-like data."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} -> {'a.b': 1}; empty mappings and lists are leaves."""
    if not isinstance(tree, Mapping) or not tree:
        return {prefix: tree}
    return {k: v for key, sub in tree.items() for k, v in flatten(sub, f"{prefix}.{key}" if prefix else key).items()}


def _file_layers(path: Path, seen: tuple[Path, ...] = ()) -> list[tuple[str, DictConfig]]:
    """The file and its bases, base first, each with the name that errors call it by."""
    if path.resolve() in seen:
        raise ConfigError(f"{path}: `base:` goes round in a circle")
    try:
        layer = OmegaConf.load(path)
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a readable YAML file: {' '.join(str(error).split())}") from error
    if not isinstance(layer, DictConfig):
        raise ConfigError(f"{path}: a config is a mapping of keys to values")
    base = layer.pop("base", None)
    below = _file_layers(find_config(base, path.parent), (*seen, path.resolve())) if base else []
    return [*below, (f"in {path}", layer)]


def _from_dotlist(overrides: Sequence[str]) -> DictConfig:
    for item in overrides:
        if "=" not in item.lstrip("="):
            raise ConfigError(f"{item!r} on the command line is not key=value")
    try:
        return OmegaConf.from_dotlist(list(overrides))
    except (YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"the command line cannot be read: {_first_line(error)}") from error


def _sample_block(place: str, layer: DictConfig) -> tuple[str, DictConfig]:
    """The `sample:` block of one layer as a layer of its own."""
    block = layer["sample"]
    if not isinstance(block, DictConfig):
        raise ConfigError(f"sample={block} {place} does not fit: it takes a mapping of keys, as the config itself has")
    return (place if place == COMMAND_LINE else place.replace("in ", "in the sample: block of ", 1), block)


def _merge(layers: Sequence[tuple[str, DictConfig]]) -> tuple[Config, dict[str, str]]:
    merged: DictConfig = OmegaConf.structured(Config)
    origin: dict[str, str] = {}
    for place, layer in layers:
        try:
            merged = OmegaConf.merge(merged, layer)  # type: ignore[assignment]
        except OmegaConfBaseException as error:
            raise ConfigError(_explain(error, place, layer)) from error
        origin |= dict.fromkeys(flatten(OmegaConf.to_container(layer)), place)
    try:
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        key = error.full_key or str(error.key)
        raise ConfigError(f"{key} {origin.get(key, 'in the schema')}: {_first_line(error)}") from error
    assert isinstance(config, Config)
    return config, origin


def _explain(error: OmegaConfBaseException, place: str, layer: DictConfig) -> str:
    """One sentence for a key that does not exist or a value that does not fit."""
    full = error.full_key or next(k for k in map(str, layer) if not isinstance(layer[k], DictConfig))
    key = re.sub(r"\[\d+\]", "", full)
    value = OmegaConf.select(layer, key)
    said = key if isinstance(value, DictConfig) else f"{key}={'null' if value is None else value}"
    if isinstance(error, ConfigKeyError):
        parent, _, leaf = key.rpartition(".")
        close = nearest(leaf, known_keys(parent))
        hint = f"did you mean {f'{parent}.{close}' if parent else close}?" if close else "there is no such key"
        return f"unknown key {said} {place}; {hint}"
    choices = [str(c) for c in _choices(key)]
    close = nearest(str(value), choices)
    wanted = f"one of {', '.join(choices)}" if choices else f"a value of type {_type_name(_type_of(key))}"
    return f"{said} {place} does not fit: it takes {wanted}" + (f"; did you mean {close}?" if close else "")


def known_keys(parent: str) -> list[str]:
    """The keys of one block of the schema; `parent` is dotted, empty for the top."""
    owner = Config if not parent else _type_of(parent)
    return [f.name for f in fields(owner)] if is_dataclass(owner) else []


def _type_of(key: str) -> Any:
    kind: Any = Config
    for part in key.split("."):
        kind = get_type_hints(kind).get(part) if is_dataclass(kind) else None
    return kind


def _choices(key: str) -> tuple[Any, ...]:
    kind = _type_of(key)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _type_name(kind: Any) -> str:
    if is_dataclass(kind):
        return "mapping"
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return " or ".join(map(str, parts))
    if get_origin(kind) in (list, None) or not parts:
        return f"list of {_type_name(parts[0])}" if parts else getattr(kind, "__name__", "mapping")
    return " or ".join("null" if p is type(None) else _type_name(p) for p in parts)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
