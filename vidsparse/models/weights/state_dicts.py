"""What a file of parameters holds: every state dict in it, by the place where it stands. No pickle runs code."""

import argparse
import codecs
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vidsparse.models.weights.averages import Place, Tensors, bare_averages, is_averaged
from vidsparse.models.weights.find import SUFFIXES, names_parameters
from vidsparse.utils.errors import ConfigError, first_line, some

_OPTIMIZER = re.compile(r"(optimi[sz]ers?|optim)(_states?|_state_dicts?)?", re.IGNORECASE)
_COUNTERS = ("total_ops", "total_params")  # thop puts them into every module that it counts
SWAPPED = "ema_state_dict"  # where mmengine's EMAHook puts the raw weights: it swaps them before it saves
_NUMPY: list[Any] = [
    (getattr(np._core.multiarray, name), f"numpy.{core}.multiarray.{name}")  # type: ignore[attr-defined]  # in no stub
    for name in ("scalar", "_reconstruct")
    for core in ("core", "_core")
]
_HEADS = {  # how files begin that are saved in the place of parameters
    b"version https://git-lfs": "it is Git LFS' pointer to a file; `git lfs pull` brings the file itself",
    b"<": "it is a page of the web, perhaps an error that was saved in place of the file; download it again",
    b"{": "it is text, as of a JSON file",
    b"\x1f\x8b": "it is compressed; gunzip it first",
    b"\x89hdf": "it is an HDF5 file, as of Keras",
}
_HARMLESS: list[Any] = [  # what settings and scores beside the weights are made of
    argparse.Namespace,  # DeiT's
    np.ndarray,
    np.dtype,
    *{type(np.dtype(kind)) for kind in (*np.typecodes["All"].replace("O", ""), "<M8[s]")},
    *_NUMPY,
    (codecs.encode, "_codecs.encode"),
]


def read_tensors(path: Path, key: str = "model.weights", part: str = "") -> list[Place]:
    """[(where in the file, {name: tensor})] of every state dict in a file, averaged ones first; ConfigError if none.

    `part` takes one: its place ("teacher", "models/net", "0" of a list), or what names begin with in a single one.
    """
    if not names_parameters(path):
        raise ConfigError(f"{key}: {path} is not a file of parameters ({', '.join(SUFFIXES)})")
    if not path.is_file():
        raise ConfigError(f"{key}: {path} does not exist")
    tree = _load_safetensors(path, key) if path.suffix.lower() == ".safetensors" else _unpickled(path, key)
    found = [(where, _without_counters(tensors)) for where, tensors in _state_dicts(tree)]
    if not found:
        raise ConfigError(f"{key}: {path} holds no named tensors")
    raw = _swapped(tree)
    found = [place for place in found if not raw or place[0].partition("/")[0] != raw]
    averages, lost = bare_averages(tree, found)
    found += averages
    if part:
        return _parts(found, part, path, key)
    if lost:
        raise ConfigError(
            f"{key}: {path} holds averages of weights without names ({some(lost)}) that fit none of its state dicts, "
            f"which hold the last weights alone; where those are meant, name them: {key}={path}#{_name_of(found[0])}"
        )
    return sorted(found, key=lambda item: not is_averaged(item[0]))


def _name_of(place: Place) -> str:
    """What `part` may be for a state dict: its place, or what its first name begins with."""
    where, tensors = place
    return where or next(iter(tensors)).partition(".")[0]


def _parts(found: Sequence[Place], part: str, path: Path, key: str) -> list[Place]:
    """The state dicts at a place, or those names of a single one that begin so."""
    chosen = [(where, tensors) for where, tensors in found if where == part or where.startswith(f"{part}/")]
    if not chosen:
        cut = [(where, {n.removeprefix(f"{part}."): t for n, t in tensors.items() if n.startswith(f"{part}.")})
               for where, tensors in found]  # fmt: skip
        chosen = [(where, tensors) for where, tensors in cut if tensors]
    if not chosen:
        places = [where for where, _ in found if where] or sorted({n.partition(".")[0] for _, t in found for n in t})
        raise ConfigError(f"{key}: {path} holds nothing called {part}; there is {some(places, 6)}")
    return chosen


def _swapped(tree: Any) -> str:
    """Where the raw weights stand if `state_dict` holds the averages, as some write it; "" where it does not.

    mmengine's EMAHook puts them into `ema_state_dict`, Lightning's WeightAveraging into `current_model_state`.
    """
    if not isinstance(tree, Mapping) or "state_dict" not in tree:
        return ""
    if {"current_model_state", "averaging_state"} <= set(tree):
        return "current_model_state"
    meta, raw = tree.get("meta"), tree.get(SWAPPED)
    marked = isinstance(meta, Mapping) and "mmengine_version" in meta
    swapped = marked or "message_hub" in tree or (isinstance(raw, Mapping) and "steps" in raw)
    return SWAPPED if raw is not None and swapped else ""


def _without_counters(tensors: Tensors) -> Tensors:
    return {name: t for name, t in tensors.items() if name.rpartition(".")[2] not in _COUNTERS or t.numel() > 1}


def _state_dicts(tree: Any, where: str = "") -> Iterator[Place]:
    """Every mapping of names to tensors in what was saved, in lists too; the states of optimizers left out."""
    if isinstance(tree, list | tuple):
        tree = {str(number): value for number, value in enumerate(tree) if isinstance(value, Mapping)}
    if not isinstance(tree, Mapping) or "param_groups" in tree or _OPTIMIZER.fullmatch(where.rpartition("/")[2]):
        return
    tensors = {name: value for name, value in tree.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if tensors:
        yield where, tensors
    for name, value in tree.items():
        if isinstance(name, str) and isinstance(value, Mapping | list | tuple):
            yield from _state_dicts(value, f"{where}/{name}" if where else name)


def _load_safetensors(path: Path, key: str) -> Tensors:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{key}: {path} cannot be read, it is cut short or no safetensors file ({error})") from error


def _unpickled(path: Path, key: str) -> Any:
    """What torch.save wrote, by a reader that knows tensors, numbers and containers and calls nothing else."""
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        _check_head(path, key)
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"a pickle that asks for {named[1]}" if named else "a pickle that asks to run code, or damaged,"
        raise ConfigError(
            f"{key}: {path} is {what} and is not opened: such a file can run any code; where you trust it, save its "
            "state_dict with safetensors"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        _check_head(path, key)
        first = first_line(error).partition("weights_only")[0]
        raise ConfigError(
            f"{key}: {path} cannot be read, it is cut short or no file of torch.save ({first})"
        ) from error


def _check_head(path: Path, key: str) -> None:
    """ConfigError for a file that could not be read and does not begin as torch.save begins one."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[:4] == b"PK\3\4" or head[:1] == b"\x80":  # an archive, as today, or a pickle of protocol 2, as before 1.6
        return
    what = next(
        (said for start, said in _HEADS.items() if head.lower().startswith(start)), "it is no file of torch.save"
    )
    raise ConfigError(f"{key}: {path} cannot be read: {what if head else 'it is empty'}")
