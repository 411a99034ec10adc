"""Parameters from files. A file fits wholly or is refused with the list of what does not fit; no pickle runs code."""

import argparse
import pickle
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vidsparse.errors import ConfigError, some
from vidsparse.models.segmentation import AUXILIARY
from vidsparse.models.weights import SUFFIXES

_SHOWN = 6  # misfits spelled out in one message
_COUNTER = "num_batches_tracked"  # older files lack it; it matters only to a batch norm without momentum
_KINDS = ("weight", "bias", "running_mean", "running_var")  # last parts of names that tell what a tensor is
_POSITIONS = "; position embeddings belong to one data.frames and data.size: give those of the weights"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Fit:
    """The tensors of a file under a network's own names, what of them does not fit, and how the names were found."""

    tensors: Tensors
    misfits: tuple[str, ...] = ()  # phrases
    unknown: tuple[str, ...] = ()  # names in the file that the network has not, without the prefix of the others
    classes: tuple[int, int] | None = None  # (there, here) where the rows of the head are all that differs
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """True when all of it fits and nothing is left."""
        return not self.misfits and not self.unknown


def load_weights(model: nn.Module, path: str | PathLike[str], key: str = "model.weights") -> tuple[str, ...]:
    """Load a file that has exactly `model`'s parameters, whatever prefix a wrapper put before their names.

    Returns how the names were found where they are not the network's own: a prefix, an average, or by order.
    ConfigError naming `key` and the file where it is missing, unreadable or does not fit; `model` is then untouched.
    """
    fit = fit_tensors(read_tensors(Path(path), key), model.state_dict())
    refuse_misfits(fit, Path(path), key)
    model.load_state_dict({**model.state_dict(), **fit.tensors})
    return fit.notes


def refuse_misfits(fit: Fit, path: Path, key: str = "model.weights") -> None:
    """ConfigError that lists what of a file does not fit, or that it holds values that are no numbers."""
    if not fit.whole:
        wrong = [*fit.misfits, *(f"{name} is unknown here" for name in fit.unknown)]
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        hint = _POSITIONS if any("pos" in phrase for phrase in fit.misfits) else ""
        raise ConfigError(f"{key}: {path} does not fit the network: {'; '.join(wrong[:_SHOWN])}{more}{hint}")
    broken = [name for name, tensor in fit.tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise ConfigError(f"{key}: {path} holds values that are no finite numbers, in {some(broken)}")


def read_tensors(path: Path, key: str = "model.weights") -> list[tuple[str, Tensors]]:
    """[(where in the file, {name: tensor})] of every state dict in a file, averaged ones first; ConfigError if none."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{key}: {path} is not a file of parameters ({', '.join(SUFFIXES)})")
    if not path.is_file():
        raise ConfigError(f"{key}: {path} does not exist")
    found = list(_state_dicts(_unpickled(path, key) if path.suffix != ".safetensors" else _load_safetensors(path, key)))
    if not found:
        raise ConfigError(f"{key}: {path} holds no named tensors")
    return sorted(found, key=lambda item: not _averaged(item[0]))


def fit_tensors(candidates: list[tuple[str, Tensors]], wanted: Mapping[str, Tensor]) -> Fit:
    """The candidate that fits the network's state dict, else the one that comes nearest with its misfits.

    Tried in turn: the network's own names, the same behind any prefix (module., model., backbone., averages first),
    and, where no name is known, the order of the tensors. A file without any auxiliary head fits a network with one.
    """
    if bare := _without_auxiliary(candidates, wanted):
        fit = fit_tensors(candidates, bare)
        return replace(fit, notes=(*fit.notes, "there is no auxiliary head in it; only training needs one"))
    fits = [
        _fit(where, tensors, wanted, prefix)
        for where, tensors in ((where, _uncompiled(tensors)) for where, tensors in candidates)
        for prefix in _prefixes(tensors, wanted)
    ]
    if not fits:
        fits = [fit for where, tensors in candidates for fit in _by_order(where, tensors, wanted)]
    fits = fits or [_fit(*candidates[0], wanted, "")]
    return min(fits, key=lambda fit: len(fit.misfits) + len(fit.unknown))  # the first of those that fit wholly


def _without_auxiliary(candidates: list[tuple[str, Tensors]], wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """What is wanted less an auxiliary head, where there is one here and none there; else nothing."""
    there = any(AUXILIARY in name for _, tensors in candidates for name in tensors)
    bare = {name: tensor for name, tensor in wanted.items() if not name.startswith(AUXILIARY)}
    return {} if there or len(bare) == len(wanted) else bare


def _fit(where: str, tensors: Tensors, wanted: Mapping[str, Tensor], prefix: str) -> Fit:
    """What of one state dict is there under `prefix` + name, or under the bare name."""
    places = {name: prefix + name if prefix + name in tensors else name for name in wanted}
    found = {name: tensors[place] for name, place in places.items() if place in tensors}
    used = set(places.values())
    unknown = [name.removeprefix(prefix) for name in tensors if name.startswith(prefix) and name not in used]
    aside = len(tensors) - len(found) - len(unknown)
    notes = [f"from {where!r} in the file"] if where else []
    notes += [f"names without their prefix {prefix!r}"] if prefix else []
    notes += [f"{aside} other tensors left aside"] if aside else []
    return _judged(found, wanted, unknown, notes)


def _by_order(where: str, tensors: Tensors, wanted: Mapping[str, Tensor]) -> Iterator[Fit]:
    """The tensors under other names, one for one: as many, of the same kinds and shapes, all but the head's rows."""
    theirs = [name for name in tensors if not name.endswith(_COUNTER)]
    ours = [name for name in wanted if not name.endswith(_COUNTER)]
    kinds = [[name.rpartition(".")[2] for name in names] for names in (theirs, ours)]
    same_kind = all(a == b or not {a, b} & set(_KINDS) for a, b in zip(*kinds, strict=False))
    if len(theirs) != len(ours) or not same_kind:
        return
    pairs = list(zip(ours, theirs, strict=True))
    if sum(wanted[a].shape != tensors[b].shape for a, b in pairs) > 2:  # weight and bias of the head
        return
    note = f"BY ORDER: no name is known; {len(ours)} tensors were taken one for one, {theirs[0]} as {ours[0]} and so on"
    yield _judged({a: tensors[b] for a, b in pairs}, wanted, (), [*([f"from {where!r}"] if where else []), note])


def _judged(found: Tensors, wanted: Mapping[str, Tensor], unknown: Collection[str], notes: Collection[str]) -> Fit:
    """One phrase for every tensor that only one side has or whose shape or kind differs, class counts first."""
    both = [(name, found[name], wanted[name]) for name in wanted if name in found]
    shapes = [(name, tuple(has.shape), tuple(needs.shape)) for name, has, needs in both if has.shape != needs.shape]
    heads = {(has[0], needs[0]) for _, has, needs in shapes if has and needs and has[1:] == needs[1:]}
    kinds = [
        name
        for name, has, needs in both
        if has.is_floating_point() != needs.is_floating_point() or has.layout != torch.strided or has.is_meta
    ]
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTER)]
    classes = next(iter(heads)) if len(heads) == 1 else None
    misfits = (
        *([f"it has {classes[0]} classes, the network {classes[1]}"] if classes else []),
        *(f"{name} is {has} there, {needs} here" for name, has, needs in shapes),
        *(f"{name} holds other than the network's kind of numbers, or none" for name in kinds),
        *(f"{name} is missing there" for name in missing),
    )
    rows = all(has[1:] == needs[1:] for _, has, needs in shapes) and len(misfits) == 1 + len(shapes)
    return Fit(found, misfits, tuple(unknown), classes if rows and not unknown else None, tuple(notes))


def _prefixes(tensors: Tensors, wanted: Mapping[str, Tensor]) -> list[str]:
    """What stands before names that the network knows, averages first, then the most frequent."""
    counts: dict[str, int] = {}
    for name in tensors:
        for start in (0, *(dot.end() for dot in re.finditer(r"\.", name))):
            if name[start:] in wanted:
                counts[name[:start]] = counts.get(name[:start], 0) + 1
    enough = max(counts.values(), default=0) // 2
    return sorted((p for p, n in counts.items() if n > enough), key=lambda p: (not _averaged(p), -counts[p]))


def _uncompiled(tensors: Tensors) -> Tensors:
    """torch.compile puts _orig_mod. into names, at any depth."""
    return {name.replace("_orig_mod.", ""): tensor for name, tensor in tensors.items()}


def _averaged(name: str) -> bool:
    """Whether a name says that an average of weights over the training is meant (EMA)."""
    return bool(re.search(r"(^|[._/])(ema|averaged?|swa)([._/]|$)", name.lower()))


def _state_dicts(tree: Any, where: str = "") -> Iterator[tuple[str, Tensors]]:
    """Every mapping of names to tensors in what was saved, optimizers left out."""
    if not isinstance(tree, Mapping) or "optim" in where:
        return
    tensors = {name: value for name, value in tree.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if tensors:
        yield where, tensors
    for name, value in tree.items():
        if isinstance(name, str) and isinstance(value, Mapping):
            yield from _state_dicts(value, f"{where}/{name}" if where else name)


def _load_safetensors(path: Path, key: str) -> Tensors:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{key}: {path} cannot be read, it is cut short or no safetensors file ({error})") from error


def _unpickled(path: Path, key: str) -> Any:
    """What torch.save wrote, by a reader that knows tensors, numbers and containers and calls nothing else."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # settings beside the weights, as in DeiT's files
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"a pickle that asks for {named[1]}" if named else "a pickle that asks to run code, or damaged,"
        raise ConfigError(
            f"{key}: {path} is {what} and is not opened: such a file can run any code; where you trust it, save its "
            "state_dict with safetensors"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0].partition("weights_only")[0]
        raise ConfigError(
            f"{key}: {path} cannot be read, it is cut short or no file of torch.save ({first})"
        ) from error
