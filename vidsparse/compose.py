"""How a config comes together.

Precedence: schema < `base:` files < the file < its `sample:` block (only on the built-in sample data) < command line.
Every mistake is a `ConfigError` of one sentence that names the key, the value, where it was set and the nearest name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from corruptions.registry import nearest
from vidsparse.config import SAMPLE_ROOT, Config, flatten
from vidsparse.errors import ConfigError
from vidsparse.files import at_home
from vidsparse.tasks import TASKS

COMMAND_LINE = "on the command line"
ROOTS = {  # where the shipped configs look for each data set; the sample stands in for one that is not there
    "ucf101": "data/ucf101",
    "hmdb51": "data/hmdb51",
    "cifar10": "data/cifar10",
    "cifar100": "data/cifar100",
    "tiny_imagenet": "data/tiny-imagenet-200",
    "imagenet": "data/imagenet",
    "video_masks": "data/video_masks",
    "voc": "data/voc",
    "cityscapes": "data/cityscapes",
    "davis": "data/davis",
}


def shipped_configs() -> Path:
    """The folder of the configs that come with vidsparse: in the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


def find_config(name: str | Path, beside: Path | None = None) -> Path:
    """The YAML that `name` means: a path (also relative to `beside`), or the name of a shipped config."""
    path = at_home(name)
    shipped = shipped_configs()
    places = [*([beside / path] if beside else []), path, shipped / path, shipped / f"{path}.yaml"]
    if path.parent == Path("configs"):
        places.append(shipped / path.name)
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
    layers = [*_file_layers(find_config(path)), (COMMAND_LINE, _from_dotlist(overrides))]
    *files, typed = [(place, OmegaConf.create(_at_home(OmegaConf.to_container(layer)))) for place, layer in layers]
    blocks = [_sample_block(place, layer) for place, layer in (*files, typed) if "sample" in layer]
    _merge([*files, *blocks, typed])  # a typo inside sample: shows on every machine
    config, origin = _merge([*files, typed])
    if uses_sample(config, origin):
        config, origin = _merge([*files, *blocks, typed])
        config.data.source, config.data.root, config.data.split = TASKS[config.task].sample, SAMPLE_ROOT, 1
        config.sample = {}
    return config, origin


def uses_sample(config: Config, origin: Mapping[str, str]) -> bool:
    """True where the built-in sample data stands in: asked for, or the untouched default root is absent."""
    data = config.data
    untouched = ROOTS.get(data.source) == data.root and origin.get("data.root") != COMMAND_LINE
    absent = untouched and data.if_missing == "sample" and not Path(data.root).exists()
    return data.root == SAMPLE_ROOT or absent


def _at_home(value: Any) -> Any:
    """The content of a layer with the user's folder in place of ~ where a text begins with it: those are paths."""
    if isinstance(value, dict):
        return {key: _at_home(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_at_home(each) for each in value]
    return str(at_home(value)) if isinstance(value, str) and value.partition("/")[0].startswith("~") else value


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
            merged = OmegaConf.merge(merged, layer)  # type: ignore[assignment]  # a mapping, as both are
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
