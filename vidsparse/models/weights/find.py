"""Where weights come from: a file, one of our runs, what a library publishes, a repository of Hugging Face."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from corruptions.exceptions import suggestion
from vidsparse.models import exported_files
from vidsparse.models.exported_files import is_exported, said_beside
from vidsparse.models.model_rows import NORMALIZE, TIMM, ModelSpec, model_spec
from vidsparse.models.weights.labels import SPACES, Names, find_classes, names_in
from vidsparse.run_dir.record import RunRecord, read_record
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, install
from vidsparse.utils.progress import say

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".pyth", ".th", ".bin", ".tar")
_HUB = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+?))?(:(?P<file>[\w./-]+))?")
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # tried in turn where none is named
_FINAL = Path("checkpoints", "final.safetensors")
_INPUT = ("frames", "short_side", "size", "normalize")


@dataclass(frozen=True)
class Input:
    """What a network was trained on: clip length, short side and crop in pixels, a key of NORMALIZE or "" for none."""

    frames: int
    short_side: int
    size: int
    normalize: str


@dataclass(frozen=True)
class Weights:
    """A local file of parameters, where it comes from, and the classes of its head where that is known."""

    path: Path
    origin: str
    classes: tuple[Names, ...] | None = None
    part: str = ""  # which of several in the file, as `state_dicts.read_tensors` takes it

    @property
    def sha256(self) -> str:
        """Of the file, in hex; of an exported network with the weights that its format keeps beside it."""
        return exported_files.digest(self.path) if is_exported(self.path) else files.digest(self.path)


def names_parameters(path: Path) -> bool:
    """Whether a file's name ends as files of parameters do, in letters of either case."""
    return path.suffix.lower() in (*SUFFIXES, *exported_files.PACKAGES)


def split_part(reference: str) -> tuple[str, str]:
    """FILE#PART as (FILE, PART); a file whose own name holds a # is meant whole.

    >>> split_part("best.pth#teacher"), split_part("best.pth")
    (('best.pth', 'teacher'), ('best.pth', ''))
    """
    file, _, part = reference.partition("#") if not Path(reference).exists() else (reference, "", "")
    return file, part


def weights_problem(name: str, reference: str) -> str:
    """Why `reference` cannot mean any weights of model `name`, or "". Imports no torch, downloads nothing."""
    spec, (file, _) = model_spec(name), split_part(reference)
    reference, path = file, Path(file)
    if reference.startswith("hf://"):
        if not _HUB.fullmatch(reference):
            return "it is hf://ORGANISATION/NAME@REVISION, or that with :FILE at the end"
        return "" if find_spec("huggingface_hub") else f"it needs huggingface-hub: {install('hub', 'huggingface-hub')}"
    if _published(spec, reference) or path.is_file():
        return exported_files.other_network(path, name) if path.is_file() and is_exported(path) else ""
    if path.is_dir():
        return "" if (path / _FINAL).is_file() else f"this folder is not a finished run, it has no {_FINAL}"
    if names_parameters(path) or "/" in reference or not spec.weights:
        return "there is no such file"
    hint = suggestion(reference, ("pretrained", *spec.weights), "its library's page")
    return f"there is no such file, and no published weights of {name} have that name; {hint}"


def find_weights(spec: ModelSpec, reference: str | PathLike[str], key: str = "model.weights") -> Weights:
    """The file that `reference` means, downloaded into its library's own cache where it is not there yet.

    Args:
        spec: the row of the model.
        reference: a file (.safetensors .pt .pth .ckpt .pyth .bin .th); a run folder of ours; the name of published
            weights, such as KINETICS400_V1 for torchvision, or `pretrained` for the default of torchvision, timm
            or pytorchvideo; hf://ORG/NAME@REVISION, where `:FILE` may follow. #PART behind it takes one of several
            sets of weights in the file, such as best.pth#teacher.
        key: the config key that errors name.

    Raises:
        ConfigError: there is nothing of that name, or it cannot be downloaded; the message says where to put it.
    """
    reference = str(reference)
    if why := weights_problem(spec.name, reference):
        raise ConfigError(f"{key}={reference}: {why}")
    reference, part = split_part(reference)
    return replace(_find(spec, reference, key), part=part)


def _find(spec: ModelSpec, reference: str, key: str) -> Weights:
    if reference.startswith("hf://"):
        path = _from_hub(reference, key)
        _fetch_config(reference)
        return Weights(path, reference, _classes_beside(path))
    if name := _published(spec, reference):
        classes = find_classes(spec.labels) if spec.labels else None
        return _LIBRARIES[_library(spec)](spec, name, classes, key)
    path = Path(reference)
    final = path / _FINAL if path.is_dir() else path
    if final.name == _FINAL.name:
        files.check(final)
    run = path if path.is_dir() else path.absolute().parent.parent
    if path.is_dir() or (path.parent.name == _FINAL.parent.name and (run / "run.json").is_file()):
        return Weights(final, f"the run {run}", _classes_of_run(read_record(run)))
    return Weights(path, str(path), _classes_beside(path))


def _classes_of_run(record: RunRecord) -> tuple[Names, ...] | None:
    """What the logits of a run's weights are: the classes of its data, unless it evaluated weights of others."""
    given = record.weights
    if given is None or given.labels is None or given.labels.startswith("by order"):
        names = record.data.classes if record.data else ()
    else:
        names = given.class_names or ()
    return tuple((name,) for name in names) or None


def _classes_beside(path: Path) -> tuple[Names, ...] | None:
    """The classes in a config.json of Hugging Face or timm beside a file of weights; None where it names none."""
    said = said_beside(path)
    names = names_in(said.get("id2label") or said.get("label_names"))
    unnamed = names and all(re.fullmatch(r"LABEL_\d+", words[0]) for words in names)
    return None if unnamed else names


def native_input(spec: ModelSpec, reference: str | None) -> Input:
    """What weights were trained on: a run's own settings, also where they were exported, else those of the model's
    row or of timm's table; ConfigError where nobody says what an exported network takes."""
    known = known_input(spec, reference)
    if known is None:
        raise ConfigError(
            f"model.weights={reference}: no config.json beside it says what clips it takes; give data.frames, "
            "data.short_side, data.size and data.normalize"
        )
    return known


def known_input(spec: ModelSpec, reference: str | None) -> Input | None:
    """The same; None for an exported network of which nobody says it."""
    if reference and (Path(reference) / "run.json").is_file():
        identity = read_record(Path(reference)).identity
        return Input(**{key: identity[f"data.{key}"] for key in _INPUT})
    if reference and is_exported(Path(reference)):
        return _input_beside(Path(reference))
    if not spec.name.startswith(TIMM):
        return Input(spec.frames, spec.short_side, spec.size, spec.normalize)
    config = _timm_config(spec.name, "model.name")
    size = config.input_size[-1]
    short_side = round(size / config.crop_pct / 2) * 2
    known = [key for key, row in NORMALIZE.items() if _close(row.mean, config.mean) and _close(row.std, config.std)]
    return Input(spec.frames, short_side, size, known[0] if known else "")


def _input_beside(path: Path) -> Input | None:
    """The `input` that the config.json beside an exported file says; ConfigError where it says anything else by it."""
    said = said_beside(path).get("input")
    if said is None:
        return None
    wanted = f"`input` is {', '.join(_INPUT)}"
    if not isinstance(said, dict) or {*said} != {*_INPUT}:
        odd = sorted({*said} ^ {*_INPUT})[0] if isinstance(said, dict) else said
        raise ConfigError(f"{path.parent / exported_files.DESCRIPTION}: {wanted}; see {odd}")
    if not isinstance(said["normalize"], str) or said["normalize"] not in NORMALIZE:
        raise ConfigError(
            f"{path.parent / exported_files.DESCRIPTION}: input.normalize={said['normalize']!r}: "
            f"{suggestion(str(said['normalize']), tuple(NORMALIZE), 'docs/config.md')}"
        )
    if not all(type(said[key]) is int and said[key] > 0 for key in _INPUT[:3]):
        raise ConfigError(f"{path.parent / exported_files.DESCRIPTION}: {wanted}, of which three are whole numbers")
    return Input(**said)


def _published(spec: ModelSpec, reference: str) -> str:
    """The library's own name of published weights: R3D_18_Weights.KINETICS400_V1, DEFAULT and pretrained are known."""
    name = reference.rpartition("_Weights.")[2]
    if name in ("DEFAULT", "pretrained") and spec.weights:
        return spec.weights[0]
    return name if name in spec.weights else ""


def _library(spec: ModelSpec) -> str:
    return (
        "timm" if spec.name.startswith(TIMM) else "pytorchvideo" if spec.weights == ("pretrained",) else "torchvision"
    )


def _of_torchvision(spec: ModelSpec, name: str, classes: tuple[Names, ...] | None, key: str) -> Weights:
    from torchvision.models import get_model_weights

    weights = get_model_weights(spec.name)[name]
    return Weights(_from_url(weights.url, key), f"torchvision, {weights}", classes)


def _of_pytorchvideo(spec: ModelSpec, name: str, classes: tuple[Names, ...] | None, key: str) -> Weights:
    from pytorchvideo.models import hub

    url = import_module(getattr(hub, spec.name).__module__).checkpoint_paths[spec.name]
    return Weights(_from_url(url, key), f"pytorchvideo's hub, {url}", classes)


def _of_timm(spec: ModelSpec, name: str, classes: tuple[Names, ...] | None, key: str) -> Weights:
    config = _timm_config(spec.name, key)
    if config.num_classes == SPACES["imagenet"]:
        classes = find_classes("imagenet")
    if config.hf_hub_id:
        file = f":{config.hf_hub_filename}" if config.hf_hub_filename else ""
        return Weights(_from_hub(f"hf://{config.hf_hub_id}{file}", key), f"timm, {config.hf_hub_id}", classes)
    return Weights(_from_url(config.url, key), f"timm, {config.url}", classes)


_LIBRARIES: dict[str, Callable[[ModelSpec, str, tuple[Names, ...] | None, str], Weights]] = {
    "torchvision": _of_torchvision,
    "pytorchvideo": _of_pytorchvideo,
    "timm": _of_timm,
}


def _timm_config(name: str, key: str) -> Any:
    """timm's table of what it publishes for a network."""
    import timm

    try:
        config = timm.get_pretrained_cfg(name.removeprefix(TIMM))
    except RuntimeError as error:
        raise ConfigError(f"{key}: {name}: {error}") from error
    if config is None or not (config.hf_hub_id or config.url):
        raise ConfigError(f"{key}: timm publishes no weights of {name}")
    return config


def _from_url(url: str, key: str) -> Path:
    """A file in torch's hub cache, fetched if it is not there; its name carries the first digits of its SHA-256."""
    import torch

    path = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if not path.is_file():
        say(f"download   {url}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=False)
        except (OSError, RuntimeError) as error:
            raise ConfigError(f"{key}: {url} cannot be downloaded ({error}); put that file at {path}") from error
    expected = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if expected and not files.digest(path).startswith(expected[1]):
        raise ConfigError(f"{key}: {path} is not the file that was published, its SHA-256 differs; remove it")
    return path


def _from_hub(reference: str, key: str) -> Path:
    """A file in the cache of huggingface-hub, fetched if it is not there."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    said = _HUB.fullmatch(reference)
    assert said is not None
    names = [said["file"]] if said["file"] else list(_HUB_FILES)
    failures: list[str] = []
    for name in names:
        try:
            return Path(hf_hub_download(said["repository"], name, revision=said["revision"]))
        except (HfHubHTTPError, OSError, ValueError) as error:
            failures.append(f"{name}: {type(error).__name__}")
    where = f"https://huggingface.co/{said['repository']}"
    raise ConfigError(
        f"{key}={reference} is neither in the cache nor can it be downloaded ({'; '.join(failures)}); fetch the file "
        f"from {where} by other means and give its path"
    )


def _fetch_config(reference: str) -> None:
    """Bring config.json, which may name the classes, beside weights of Hugging Face; many repositories have none."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    said = _HUB.fullmatch(reference)
    assert said is not None
    with suppress(HfHubHTTPError, OSError, ValueError):
        hf_hub_download(said["repository"], "config.json", revision=said["revision"])


def _close(one: Any, two: Any) -> bool:
    return all(abs(a - b) < 1e-3 for a, b in zip(one, two, strict=True))
