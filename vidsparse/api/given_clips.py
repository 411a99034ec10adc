"""Clips out of somebody's hands: a list, a Dataset or a DataLoader of (clip, label), as the pixels they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, SequentialSampler

from corruptions.exceptions import CorruptionError
from corruptions.layouts import form_of, unpack
from vidsparse.config import DataConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.layout import resized
from vidsparse.data.datasets.sources import Dataset, Sample
from vidsparse.data.indexing.index import Index, Row
from vidsparse.data.reading.frames import Frames, VideoInfo
from vidsparse.models.model_rows import Normalization
from vidsparse.utils.errors import DataError, plural

_FORM = "an item is (clip, label), or (clip, label, id) where the clips have names"


@dataclass(frozen=True)
class Item:
    """One clip, uint8 (T, H, W, 3), the number of its class, and the name that its corruptions are drawn from."""

    frames: Frames
    label: int
    id: str


@dataclass(frozen=True)
class GivenClips(Clips):
    """Clips that are held in memory: {id: uint8 (T, H, W, 3)}. All else is as of clips in files."""

    held: Mapping[str, Frames] = field(default_factory=dict)

    def read(self, sample: Sample, indices: Any, keep: bool = False) -> Frames:
        """Frames uint8 (n, H, W, 3) of a clip, its short side resized to `data.short_side` pixels."""
        frames, side = self.held[sample.id][np.asarray(indices, np.int64)], self._short_side
        if side is None or side == min(frames.shape[1:3]):
            return np.ascontiguousarray(frames)
        return resized(frames, side)


def given_clips(items: Sequence[Item], data: DataConfig, dataset: Dataset, fps: float) -> GivenClips:
    """These clips as the evaluation takes those of a data set; their bytes stand in the fingerprint."""
    rate = Fraction(fps).limit_denominator(10_000)
    rows = {}
    for item in items:
        frames, height, width = item.frames.shape[:3]
        rows[item.id] = Row(item.label, _mark(item.frames), VideoInfo(frames, rate, height, width, "held"))
    samples = tuple(Sample(item.id, Path(item.id), item.label, item.id, "held") for item in items)
    held = {item.id: item.frames for item in items}
    return GivenClips(data, dataset, Index(rows), (), (), samples, held=held)


def _mark(frames: Frames) -> int:
    """A number that stands for the bytes of a clip, in the place of a file's size."""
    content = repr(frames.shape).encode() + frames.tobytes()
    return int.from_bytes(blake2b(content, digest_size=7).digest(), "little")


@dataclass(frozen=True)
class Given:
    """What was given as data, and how it is to be read.

    `layout`: as `corruptions.Corrupt` takes it, None to read it off the shape. `undo`: clips are normalised by this,
    which is undone. `names`: of the classes, where labels are names.
    """

    data: Any
    layout: str | None = None
    undo: Normalization | None = None
    names: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many clips there are; 0 where nobody knows before they came."""
        data: Any = self.data.dataset if isinstance(self.data, DataLoader) else self.data
        return len(data) if _sized(data) else 0

    def items(self) -> Iterator[Item]:
        """The clips one by one, in their order. DataError where they cannot be told apart or are no pixels."""
        source = self._of_loader(self.data) if isinstance(self.data, DataLoader) else self._of_sequence(self.data)
        seen = set[str]()
        for number, (clip, label, name) in enumerate(source):
            known = f"{number:06d}" if name is None else str(name)
            if known in seen:
                raise DataError(f"data: two clips have the id {known!r}; their corruptions would be drawn alike")
            seen.add(known)
            yield Item(self._pixels(clip, known), self._label(label, known), known)
        if not seen:
            raise DataError("data: there is no clip in it")

    def _of_sequence(self, data: Any) -> Iterator[tuple[Any, Any, Any]]:
        if isinstance(data, str | bytes | Mapping) or not hasattr(data, "__getitem__" if _sized(data) else "__iter__"):
            raise DataError(
                f"data is a {type(data).__name__}: give the name of a data set with root=, a list of (clip, label), or "
                "a DataLoader"
            )
        for item in _each(data):
            if not isinstance(item, tuple | list) or len(item) not in (2, 3):
                raise DataError(f"data holds a {type(item).__name__}: {_FORM}")
            yield (*item, None)[:3]  # two or three, and a None behind

    def _of_loader(self, loader: "DataLoader[Any]") -> Iterator[tuple[Any, Any, Any]]:
        if loader.batch_size is None and loader.batch_sampler is None:
            for count, item in enumerate(self._of_sequence(iter(loader))):
                _check_order(loader, item[2] is not None or count > 0)
                yield item
            return
        for batch in loader:
            if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
                raise DataError(f"the DataLoader gives a {type(batch).__name__}: {_FORM}, and a batch a list of each")
            clips, labels, *names = batch
            _check_order(loader, bool(names))
            if not len(clips) == len(labels) == len(names[0] if names else labels):
                raise DataError(f"the DataLoader gives {len(clips)} clips with {len(labels)} labels: {_FORM}")
            for place, (clip, label) in enumerate(zip(clips, labels, strict=True)):
                yield clip, label, _plain(names[0][place]) if names else None

    def _pixels(self, clip: Any, name: str) -> Frames:
        try:
            frames = unpack(self._normal(clip), self._layout_of(clip), False).clips
        except CorruptionError as error:
            raise DataError(f"data, clip {name}: {error}") from error
        if len(frames) != 1 or not len(frames[0]):
            raise DataError(f"data, clip {name}: it holds {plural(len(frames), 'clip')} with no frame or several")
        return frames[0]

    def _layout_of(self, clip: Any) -> str | None:
        """The layout that was said, of a clip out of its batch; None where it is read off the clip."""
        said = self.layout
        if said is None:
            return None
        return said[1:] if said.startswith("B") else said

    def _normal(self, clip: Any) -> Any:
        """A clip whose normalisation is undone, float in [0, 1]."""
        if self.undo is None:
            return clip
        values = torch.as_tensor(clip)
        if not values.is_floating_point():
            raise DataError(f"normalized_by: the clips are {values.dtype}, and so not normalised; leave it out")
        place = (self._layout_of(clip) or form_of(tuple(values.shape))).index("C")
        shape = [3 if side == place else 1 for side in range(values.dim())]
        mean, std = (torch.tensor(each, dtype=torch.float64).view(shape) for each in (self.undo.mean, self.undo.std))
        return (values.cpu().double() * std + mean).numpy()

    def _label(self, said: Any, name: str) -> int:
        value = _plain(said)
        if isinstance(value, str):
            if value not in self.names:
                why = "say labels=[...], the names in the order of the logits" if not self.names else "labels= has not"
                raise DataError(f"data, clip {name}: its label is the name {value!r}: {why}")
            return self.names.index(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise DataError(f"data, clip {name}: its label is {value!r}; it is the number of its class, from 0")
        return value


def _plain(value: Any) -> Any:
    """A tensor or array of one value as that value."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def _sized(data: Any) -> bool:
    return hasattr(data, "__len__")


def _each(data: Any) -> Iterable[Any]:
    return (data[place] for place in range(len(data))) if _sized(data) else data


def _check_order(loader: "DataLoader[Any]", named: bool) -> None:
    """DataError where a clip's place in the loader is not the same every time, and nothing else tells it apart."""
    if isinstance(loader.dataset, IterableDataset):
        return
    sampler = loader.sampler
    if loader.batch_sampler is not None and type(loader.batch_sampler) is not BatchSampler:
        sampler = getattr(loader.batch_sampler, "sampler", loader.batch_sampler)
    left = len(loader.dataset) % (loader.batch_size or 1) if loader.drop_last else 0  # type: ignore[arg-type]  # sized
    if left:
        raise DataError(f"the DataLoader leaves out the last {plural(left, 'clip')}: make it with drop_last=False")
    if not named and type(sampler) is not SequentialSampler:
        raise DataError(
            f"the DataLoader gives clips in the order of a {type(sampler).__name__}, so that their places do not tell "
            "them apart: make it with shuffle=False, or let the dataset give (clip, label, id)"
        )
