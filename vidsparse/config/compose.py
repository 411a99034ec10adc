"""How a config comes together.

Precedence: schema < `base:` files < the file < its `sample:` block (only on the built-in sample data) < command line.
Every mistake is a `ConfigError` of one sentence that names the key, the value, where it was set and the nearest name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, get_origin

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from corruptions.exceptions import nearest, suggestion
from corruptions.open_table import OpenTable
from corruptions.outside import is_reference
from vidsparse.config import SAMPLE_ROOT, Config, DataConfig, flatten
from vidsparse.config.change import changed
from vidsparse.config.kinds import choices, kind_of, known_keys, members, named_rows, type_name
from vidsparse.config.reading import BadYaml, Unfit, read, word
from vidsparse.config.sample_block import IN_BLOCK, replaced_by_sample, say_replaced
from vidsparse.plugins.named_plugins import found_at, load_plugins
from vidsparse.tasks import TASKS
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.files import at_home
from vidsparse.utils.progress import aside

Layer = tuple[str, dict[str, Any]]  # where it stands, as errors say it, and what it says
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
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def find_config(name: str | Path, beside: Path | None = None) -> Path:
    """The YAML that `name` means: a path (also relative to `beside`), or the name of a shipped config."""
    path = at_home(name)
    shipped = shipped_configs()
    places = [*([beside / path] if beside else []), path, shipped / path, shipped / f"{path}.yaml"]
    if path.parent == Path("configs"):
        places.append(shipped / path.name)
    for place in places:
        if _is_file(place):
            return place
    hint = suggestion(path.stem, [p.stem for p in sorted(shipped.glob("*.yaml"))], str(shipped))
    raise ConfigError(f"config {name} does not exist, neither as a path nor as a shipped config; {hint}")


def compose(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Config, dict[str, str]]:
    """Read a config with its bases and overrides; returns it, and where each key was set ({key: place}).

    The config is typed but its names and combinations are not checked yet: that is `loading.load_config`.
    """
    layers = [*_file_layers(find_config(path)), (COMMAND_LINE, _from_words(overrides))]
    *files, typed = [(place, _with_plugins(place, _at_home(layer))) for place, layer in layers]
    _load_plugins([*files, typed])
    blocks = [_sample_block(place, layer) for place, layer in (*files, typed) if "sample" in layer]
    if blocks:
        _merge([*files, *blocks, typed])  # a typo inside sample: shows on every machine
    config, origin = _merge([*files, typed])
    if uses_sample(config.data, origin):
        said, origin_said = config, origin
        config, origin = _merge([*files, *blocks, typed])
        own = {"data.source": TASKS[config.task].sample, "data.root": SAMPLE_ROOT, "data.split": 1, "sample": {}}
        config = changed(config, own)
        order = [place for place, _ in files]
        if line := say_replaced(replaced_by_sample(order, (said, origin_said), (config, origin))):
            aside(line)
    return config, origin


def _with_plugins(place: str, layer: dict[str, Any]) -> dict[str, Any]:
    """The layer with the places of its plug-ins, which a file names as seen from its own folder."""
    names = layer.get("plugins")
    if not isinstance(names, list):
        return layer
    folder = None if place == COMMAND_LINE else Path(place.removeprefix("in ")).absolute().parent
    return {**layer, "plugins": found_at(names, folder)}


def _load_plugins(layers: Sequence[Layer]) -> None:
    """Import the plug-ins of the last layer that names some, before anything that they register is looked for."""
    named = [(layer["plugins"], place) for place, layer in layers if isinstance(layer.get("plugins"), list)]
    load_plugins(*(named[-1] if named else ((), "")))
    if any("plugins" in layer["sample"] for _, layer in layers if isinstance(layer.get("sample"), dict)):
        raise ConfigError("sample.plugins: plug-ins are those of the whole config; name them in `plugins`")


def uses_sample(data: DataConfig, origin: Mapping[str, str]) -> bool:
    """True where the built-in sample data stands in: asked for, or the untouched default root is absent."""
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


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long for the file system, or holds a NUL
        return False


def _file_layers(path: Path, seen: tuple[Path, ...] = ()) -> list[Layer]:
    """The file and its bases, base first, each with the name that errors call it by."""
    if path.resolve() in seen:
        raise ConfigError(f"{path}: `base:` goes round in a circle")
    layer = _read_file(path)
    base = layer.pop("base", None)
    below = _file_layers(_base_of(base, path), (*seen, path.resolve())) if base is not None else []
    return [*below, (f"in {path}", layer)]


def _read_file(path: Path) -> dict[str, Any]:
    try:
        layer = read(path.read_text(encoding="utf-8-sig"), Config)
    except Unfit as error:
        whole = f"{path}: a config is a mapping of keys to values"
        raise ConfigError(_misfit(error, f"in {path}") if error.key else whole) from error
    except BadYaml as error:
        raise ConfigError(f"{path} is not a readable YAML file: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a readable YAML file: it is not UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} is not a readable YAML file: {error.strerror}") from error
    return dict(layer or {})


def _base_of(base: Any, path: Path) -> Path:
    """The file that `base:` names; nothing but YAML is opened, so that no error shows what is in another file."""
    if not isinstance(base, str):
        raise ConfigError(f"base in {path} does not fit: it takes the path of a YAML file, or a shipped config's name")
    found = find_config(base, path.parent)
    if found.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"base={base} in {path}: it is no YAML file; the name of one ends in .yaml or .yml")
    return found


def _from_words(overrides: Sequence[str]) -> dict[str, Any]:
    """The tree that `key=value` words stand for; each value is read by the type of its field."""
    tree: dict[str, Any] = {}
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals or not all(key.split(".")):
            raise ConfigError(f"{item!r} on the command line is not key=value")
        _put(tree, key, _word(key, text))
    return tree


def _word(key: str, text: str) -> Any:
    parent = key.rpartition(".")[0]
    while parent:
        if any(get_origin(one) is list for one in members(kind_of(parent))):
            raise ConfigError(f"{key} {COMMAND_LINE}: {parent} is a list; give the whole of it, as {parent}=[...]")
        parent = parent.rpartition(".")[0]
    if key == "plugins" and text and not text.startswith("["):
        text = f"[{text}]"
    try:
        return word(text, kind_of(key), key)
    except Unfit as error:
        raise ConfigError(_misfit(error, COMMAND_LINE)) from error
    except BadYaml as error:
        raise ConfigError(f"{key} {COMMAND_LINE} cannot be read: {error}") from error


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; a mapping is added to what is there."""
    *parents, leaf = key.split(".")
    for part in parents:
        inner = tree.get(part)
        tree[part] = inner if isinstance(inner, dict) else {}
        tree = tree[part]
    if isinstance(value, dict) and isinstance(tree.get(leaf), dict):
        for name, each in value.items():
            _put(tree[leaf], name, each)
    else:
        tree[leaf] = value


def _sample_block(place: str, layer: Mapping[str, Any]) -> Layer:
    """The `sample:` block of one layer as a layer of its own."""
    block = layer["sample"]
    if not isinstance(block, dict):
        raise ConfigError(f"sample={block} {place} does not fit: it takes a mapping of keys, as the config itself has")
    return (place if place == COMMAND_LINE else place.replace("in ", IN_BLOCK, 1), block)


@cache
def _schema() -> DictConfig:
    made: DictConfig = OmegaConf.structured(Config)  # merging copies it
    _open(made)
    return made


def _open(block: DictConfig) -> None:
    """Let a block be merged into: OmegaConf takes what a frozen dataclass makes for read-only."""
    OmegaConf.set_readonly(block, None)
    for name in block:
        inner = block._get_node(name)
        if isinstance(inner, DictConfig) and not inner._is_none():
            _open(inner)


def _merge(layers: Sequence[Layer]) -> tuple[Config, dict[str, str]]:
    merged = _schema()
    origin: dict[str, str] = {}
    for place, layer in layers:
        merged = _one_interval(merged, layer, place)
        try:
            merged = OmegaConf.merge(merged, OmegaConf.create(layer))  # type: ignore[assignment]  # a mapping, as both
        except (OmegaConfBaseException, ValueError, TypeError, RecursionError) as error:
            raise ConfigError(_explain(error, place, layer)) from error
        origin |= dict.fromkeys(flatten(layer), place)
    try:
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        key = error.full_key or str(error.key)
        raise ConfigError(f"{key} {origin.get(key, 'in the schema')}: {_first_line(error)}") from error
    except RecursionError as error:
        raise ConfigError("a ${...} of the config stands for itself in the end") from error
    assert isinstance(config, Config)
    said = flatten(asdict(config))
    for key, rows in named_rows().items():
        if said[key] not in rows and not (said[key] is None and NoneType in members(kind_of(key))):
            raise ConfigError(_misfit(Unfit(key, _shown(said[key])), origin.get(key, "in the schema")))
    for key, value in said.items():
        if "${" in str(value):  # config.yaml is read again, and there it would be a reference
            raise ConfigError(f"{key} {origin.get(key, '')}: what it refers to makes another ${{...}} of it")
    return config, origin


def _one_interval(merged: DictConfig, layer: Mapping[str, Any], place: str) -> DictConfig:
    """An interval between updates in steps takes the place of one in epochs that was said before, and the reverse."""
    sparse = layer.get("sparse")
    said = [key for key in ("every", "every_epochs") if isinstance(sparse, Mapping) and sparse.get(key) is not None]
    if len(said) == 2:
        raise ConfigError(f"sparse.every and sparse.every_epochs {place}: give one of the two")
    if not said:
        return merged
    other = "every_epochs" if said == ["every"] else "every"
    silent: DictConfig = OmegaConf.merge(merged, {"sparse": {other: None}})  # type: ignore[assignment]  # a mapping
    return silent


def _explain(error: Exception, place: str, layer: Mapping[str, Any]) -> str:
    """One sentence for a key that does not exist or a value that does not fit."""
    full = getattr(error, "full_key", None) or next((k for k, v in layer.items() if not isinstance(v, dict)), "")
    key = re.sub(r"\[\d+\]", "", full)
    value = _found(layer, key)
    if isinstance(error, ConfigKeyError):
        parent, _, leaf = key.rpartition(".")
        hint = suggestion(leaf, known_keys(parent), "the output of --print-config", f"{parent}." if parent else "")
        return f"unknown key {key if isinstance(value, dict) else f'{key}={_shown(value)}'} {place}; {hint}"
    return _misfit(Unfit(key, "" if isinstance(value, dict) else _shown(value)), place)


def _found(layer: Any, key: str) -> Any:
    for part in key.split("."):
        layer = layer.get(part) if isinstance(layer, dict) else None
    return layer


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value)
    return " ".join(text.split()) if len(text) <= 200 else f"{' '.join(text[:200].split())}..."


def _misfit(error: Unfit, place: str) -> str:
    """One sentence for a value that its field does not take."""
    key, text = error.key, _shown(error.text)
    said = f"{key}={text}" if text else key
    if error.why:
        return f"{said} {place}: {error.why}"
    rows = named_rows().get(key)
    if isinstance(rows, OpenTable) and is_reference(text):
        return f"{said} {place}: {rows.hint(text)}"
    allowed = [str(choice) for choice in choices(key)]
    close = nearest(text, allowed)
    wanted = f"one of {', '.join(allowed)}" if allowed else f"a value of type {type_name(kind_of(key))}"
    return f"{said} {place} does not fit: it takes {wanted}" + (f"; did you mean {close}?" if close else "")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
