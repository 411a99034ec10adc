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
