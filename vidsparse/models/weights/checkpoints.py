"""Parameters from files. A file fits wholly and in one way, or is refused with what does not fit."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from vidsparse.models.segmentation import AUXILIARY
from vidsparse.models.weights.averages import Place, Tensors, is_averaged
from vidsparse.models.weights.state_dicts import SWAPPED, read_tensors
from vidsparse.utils.errors import ConfigError, some

_SHOWN = 6  # misfits spelled out in one message
_COUNTER = "num_batches_tracked"  # older files lack it; it matters only to a batch norm without momentum
_KINDS = ("weight", "bias", "running_mean", "running_var")  # last parts of names that tell what a tensor is
_POSITIONS = "; position embeddings belong to one data.frames and data.size: give those of the weights"


@dataclass(frozen=True)
class Fit:
    """The tensors of a file under a network's own names, what of them does not fit, and how the names were found."""

    tensors: Tensors
    misfits: tuple[str, ...] = ()  # phrases
    unknown: tuple[str, ...] = ()  # names in the file that the network has not, without the prefix of the others
    classes: tuple[int, int] | None = None  # (there, here) where the rows of the head are all that differs
    notes: tuple[str, ...] = ()
    place: str = ""  # in the file: that of the state dict, then what its names begin with
    others: tuple[str, ...] = ()  # places that fit as well and hold other numbers, where no convention chooses

    @property
    def whole(self) -> bool:
        """True when all of it fits and nothing is left."""
        return not self.misfits and not self.unknown


def load_weights(
    model: nn.Module, path: str | PathLike[str], key: str = "model.weights", part: str = ""
) -> tuple[str, ...]:
    """Load a file that has exactly `model`'s parameters, whatever prefix a wrapper put before their names.

    `part` as `read_tensors` takes it. Returns how the names were found where they are not the
    network's own: a prefix, an average, or by order.
    ConfigError naming `key` and the file where it is missing, unreadable, does not fit or fits in several ways;
    `model` is then untouched.
    """
    fit = fit_tensors(read_tensors(Path(path), key, part), model.state_dict())
    refuse_misfits(fit, Path(path), key)
    model.load_state_dict({**model.state_dict(), **fit.tensors})
    return fit.notes


def refuse_misfits(fit: Fit, path: Path, key: str = "model.weights") -> None:
    """ConfigError where a file does not fit, may mean several things, or holds values that are no numbers."""
    if fit.others:
        names = [name or "the top" for name in (fit.place, *fit.others)]
        raise ConfigError(
            f"{key}: {path} holds several sets of weights that fit the network: {some(names, 6)}; name one, as in "
            f"{key}={path}#{next(name for name in (fit.place, *fit.others) if name)}"
        )
    if not fit.whole:
        wrong = [*fit.misfits, *(f"{name} is unknown here" for name in fit.unknown)]
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        hint = _POSITIONS if any("pos" in phrase for phrase in fit.misfits) else ""
        raise ConfigError(f"{key}: {path} does not fit the network: {'; '.join(wrong[:_SHOWN])}{more}{hint}")
    narrow = [name for name, t in fit.tensors.items() if t.is_floating_point() and t.element_size() < 2]
    if narrow:
        raise ConfigError(
            f"{key}: {path} holds float8 numbers in {some(narrow)}, whose scales only their writer knows; save them as "
            "float32"
        )
    broken = [name for name, tensor in fit.tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise ConfigError(f"{key}: {path} holds values that are no finite numbers, in {some(broken)}")


def fit_tensors(candidates: list[Place], wanted: Mapping[str, Tensor]) -> Fit:
    """The candidate that fits the network's state dict, else the one that comes nearest with its misfits.

    Tried in turn: the network's own names, the same behind any prefix (module., model., backbone., averages first),
    and, where no name is known, the order of the tensors. A file without any auxiliary head fits a network with one.
    Where several fit, averages over the training stand before the weights that they are of; what else is meant nobody
    can know: then the first has the places of the `others`.
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
    least = min(_distance(fit) for fit in fits)
    return _chosen([fit for fit in fits if _distance(fit) == least])


def _distance(fit: Fit) -> int:
    return len(fit.misfits) + len(fit.unknown)


def _chosen(fits: list[Fit]) -> Fit:
    """The first of those that come equally near, and which others it might have been."""
    first, *rest = fits
    if first.misfits and not first.classes:
        return first  # none fits, and that is said
    rest = [fit for fit in rest if fit.place != first.place and not _same(fit.tensors, first.tensors)]
    if is_averaged(first.place) and first.place != SWAPPED:
        rest = [fit for fit in rest if is_averaged(fit.place)]  # the averages are meant, as timm and others read them
    return replace(first, others=tuple(dict.fromkeys(fit.place for fit in rest)))


def _same(one: Tensors, two: Tensors) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def _without_auxiliary(candidates: list[Place], wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
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
    if head := _renamed_head(found, wanted, unknown, tensors, prefix):
        found, unknown = found | head[0], []
        notes.append(head[1])
    return replace(_judged(found, wanted, unknown, notes), place="/".join(filter(None, (where, prefix.rstrip(".")))))


def _renamed_head(
    found: Tensors, wanted: Mapping[str, Tensor], unknown: Collection[str], tensors: Tensors, prefix: str
) -> tuple[Tensors, str] | None:
    """The head where it alone bears another name in the file (`linear.weight` for `fc.weight`), and a note of it."""
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTER)]
    theirs = {name.rpartition(".")[2]: tensors.get(prefix + name, tensors.get(name)) for name in unknown}
    ours = {name.rpartition(".")[2]: wanted[name] for name in missing}
    modules = {name.rpartition(".")[0] for name in missing}, {name.rpartition(".")[0] for name in unknown}
    if not missing or [len(module) for module in modules] != [1, 1] or len(theirs) != len(unknown):
        return None
    if missing != list(wanted)[-len(missing) :] or ours.keys() != theirs.keys() or "weight" not in ours:
        return None
    if any(
        t is None or t.shape[1:] != ours[kind].shape[1:] or t.dim() != ours[kind].dim() for kind, t in theirs.items()
    ):
        return None
    here, there = (next(iter(module)) for module in modules)
    return {name: theirs[name.rpartition(".")[2]] for name in missing}, f"its head {there!r} is {here!r} here"  # type: ignore[misc]


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
    notes = [*([f"from {where!r}"] if where else []), note]
    yield replace(_judged({a: tensors[b] for a, b in pairs}, wanted, (), notes), place=where)


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
    return sorted((p for p, n in counts.items() if n > enough), key=lambda p: (not is_averaged(p), -counts[p]))


def _uncompiled(tensors: Tensors) -> Tensors:
    """torch.compile puts _orig_mod. into names, at any depth."""
    return {name.replace("_orig_mod.", ""): tensor for name, tensor in tensors.items()}
