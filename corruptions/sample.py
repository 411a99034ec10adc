"""A sample of any form: which of its parts are pictures, masks and boxes, and what becomes of each."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from corruptions.checks import text
from corruptions.condition import Condition
from corruptions.exceptions import CorruptionError, WrongFrames
from corruptions.keys import KeyCounter
from corruptions.layouts import Pictures, fits_any, is_a, is_list_of_pictures, is_pil, is_tensor, unpack
from corruptions.targets import Moved, move, moves_along

TV = "torchvision.tv_tensors"


class Transform(Protocol):
    """What decides on the condition of each key."""

    @property
    def key(self) -> Any:
        """Where keys come from, if a call gives none."""

    @property
    def layout(self) -> str | None:
        """The layout of pictures whose shape does not say it."""

    @property
    def fill(self) -> int | None:
        """The label of what lies outside the frame."""

    @property
    def needs_key(self) -> bool:
        """Whether another key gives another result."""

    def condition(self, key: str) -> Condition:
        """What is done to a sample of this key."""


@dataclass(frozen=True)
class Part:
    """One part of a sample that is a picture: its place among the leaves, and what it holds."""

    place: int
    pictures: Pictures


def corrupt_sample(transform: Transform, inputs: tuple[Any, ...], key: Any) -> Any:
    """Return the sample, or the tuple of several inputs, with its pictures corrupted and its labels moved."""
    if not inputs:
        raise CorruptionError("nothing to corrupt: give a picture, or a sample that holds one")
    sample = inputs[0] if len(inputs) == 1 else inputs
    leaves = [*_leaves(sample)]
    said = _said(transform, sample, key)
    batch = _is_list(said)
    places = _places(leaves, transform.layout, batch)
    parts = [Part(place, unpack(leaves[place], transform.layout, batch)) for place in places]
    keys = _keys(transform, said, _samples(parts), any(part.pictures.batch for part in parts))
    conditions = [transform.condition(each) for each in keys]
    _move_labels(transform, leaves, parts, [*zip(conditions, keys, strict=True)])
    for part in parts if any(condition.severity for condition in conditions) else ():
        made = [c.corrupt(clip, k) for clip, c, k in zip(part.pictures.clips, conditions, keys, strict=True)]
        leaves[part.place] = part.pictures.back(made)
    return _rebuilt(sample, iter(leaves))


def _said(transform: Transform, sample: Any, key: Any) -> Any:
    """The key, or the list of keys, that the call or the sample says; None where there is none, or where they count."""
    if key is not None or transform.key is None or isinstance(transform.key, KeyCounter):
        return key
    try:
        return transform.key(sample)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise CorruptionError(
            f"the key of a sample could not be had by {transform.key!r} ({type(error).__name__}: {error}): it is "
            "called with the sample as the transform gets it; or give key= at the call"
        ) from error


def keys_of(transform: Transform, sample: Any, key: Any, count: int) -> list[str]:
    """The keys of a sample of `count` clips: those of the call, else those that the transform finds or counts."""
    return _keys(transform, _said(transform, sample, key), count, count > 1)


def _samples(parts: list[Part]) -> int:
    """How many samples the pictures of a call belong to."""
    counts = {len(part.pictures.clips) for part in parts}
    if len(counts) > 1:
        raise WrongFrames(f"pictures of {' and '.join(map(str, sorted(counts)))} samples in one call: give one batch")
    return counts.pop()


def _keys(transform: Transform, said: Any, count: int, batch: bool) -> list[str]:
    """A key for each clip."""
    if said is None and isinstance(transform.key, KeyCounter):
        return [transform.key() for _ in range(count)]
    if said is None and transform.needs_key:
        raise CorruptionError(
            f"{transform!r} draws, and there is no key: give the name of the sample, as in transform(frames, "
            'key="0/clip_7"), or make it with key=operator.itemgetter("id") or key=corruptions.KeyCounter("0/train")'
        )
    keys = [""] * count if said is None else [*said] if _is_list(said) else [said]
    if len(keys) != count or (batch and said is not None and not _is_list(said)):
        given = f"{len(keys)} key{'s' * (len(keys) != 1)}"
        raise CorruptionError(f"a batch of {count} with {given}: give a list, a key a sample")
    return [text(each) for each in keys]


def _is_list(said: Any) -> bool:
    return isinstance(said, (list, tuple)) or (isinstance(said, np.ndarray) and said.ndim > 0)


def _leaves(sample: Any) -> Iterator[Any]:
    """The parts of a sample that are no dictionaries, lists or tuples; a list of pictures is one part."""
    for part in _parts(sample):
        yield from (part,) if part is sample else _leaves(part)


def _parts(sample: Any) -> Any:
    """What a container holds, or the sample itself, alone."""
    if isinstance(sample, Mapping):
        return [sample[name] for name in sample]
    if isinstance(sample, (list, tuple)) and not is_list_of_pictures(sample):
        return sample
    return (sample,)


def _rebuilt(sample: Any, leaves: Iterator[Any]) -> Any:
    """The same containers around other leaves."""
    if isinstance(sample, Mapping):
        made: Any = copy.copy(sample) if isinstance(sample, dict) else {}
        for name in sample:
            made[name] = _rebuilt(sample[name], leaves)
        return made
    if isinstance(sample, (list, tuple)) and not is_list_of_pictures(sample):
        values = [_rebuilt(part, leaves) for part in sample]
        return type(sample)(*values) if hasattr(sample, "_fields") else type(sample)(values)
    return next(leaves)


def _places(leaves: list[Any], layout: str | None, batch: bool) -> list[int]:
    """Where the pictures are: what says by its type that it is one, else the one array or tensor that may be."""
    typed = [place for place, leaf in enumerate(leaves) if _is_picture(leaf)]
    if typed:
        return typed
    plain = [place for place, leaf in enumerate(leaves) if _is_plain(leaf)]
    fitting = [place for place in plain if fits_any(leaves[place], layout, batch)]
    if len(fitting) > 1:
        raise WrongFrames(
            f"{len(fitting)} arrays of the sample may be pictures: give the transform the one alone, or make each "
            "picture a tv_tensors.Image or Video"
        )
    if not plain:
        kinds = ", ".join(dict.fromkeys(map(_kind, leaves))) or "nothing"
        raise WrongFrames(
            f"no picture in the sample ({kinds}): give an array or a tensor of three sides or more, a tv_tensor or a "
            "Pillow image"
        )
    return fitting or plain[:1]


def _kind(leaf: Any) -> str:
    shape = getattr(leaf, "shape", None)
    return type(leaf).__name__ + (f" of shape {tuple(shape)}" if shape else "")


def _is_picture(leaf: Any) -> bool:
    if isinstance(leaf, list):
        return is_list_of_pictures(leaf) and is_pil(leaf[0])
    return is_pil(leaf) or is_a(leaf, TV, "Image") or is_a(leaf, TV, "Video")


def _is_plain(leaf: Any) -> bool:
    if isinstance(leaf, list):
        return is_list_of_pictures(leaf)
    tensor = is_tensor(leaf) and not is_a(leaf, TV, "TVTensor")
    return (tensor or isinstance(leaf, np.ndarray)) and leaf.ndim >= 3


def _move_labels(
    transform: Transform, leaves: list[Any], parts: list[Part], drawn: list[tuple[Condition, str]]
) -> None:
    """Move masks and boxes among the leaves, where the picture moves; CorruptionError for what cannot be moved."""
    clips = max((len(clip) for part in parts for clip in part.pictures.clips), default=0)
    moving = [(each, key) for each, key in drawn if each.moves and (each.moves == "picture" or clips > 1)]
    if not moving:
        return
    condition, key = moving[0]
    for place, leaf in enumerate(leaves):
        if place in {part.place for part in parts} or not moves_along(leaf, [part.pictures for part in parts]):
            continue
        if len(drawn) > 1:
            raise CorruptionError(
                f"{condition.name} moves the picture, and labels of a batch are not moved: corrupt each sample alone"
            )
        leaves[place] = move(leaf, Moved(condition, key, [part.pictures for part in parts], transform.fill))
