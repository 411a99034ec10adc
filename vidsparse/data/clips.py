"""The clips of one experiment: its split, counted once, and the way from a sample to its frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vidsparse.config import SAMPLE_ROOT, DataConfig
from vidsparse.data.corrupted.opening import Kept, open_corrupted
from vidsparse.data.datasets.source_table import SAMPLES
from vidsparse.data.datasets.sources import (
    Dataset,
    Sample,
    evaluated_on,
    load_dataset,
    mirrored,
    part_of,
    split_validation,
)
from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.cache import FrameCache, frame_key
from vidsparse.data.indexing.index import Index, Progress, build_index
from vidsparse.data.reading import readers
from vidsparse.data.reading.frames import Frames, VideoInfo, output_size
from vidsparse.utils.errors import ClipDecodeError
from vidsparse.utils.snapshots import data_root


@dataclass(frozen=True)
class Clips:
    """Train, validation and test samples with the index of their files. Picklable: workers get a copy.

    `full_size` reads frames as large as they are in their files, whatever `data.short_side` says. `stored` are the
    clips of an offline benchmark, which are read as they are in place of being corrupted.
    """

    config: DataConfig
    dataset: Dataset
    index: Index
    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]
    kept: FrameCache | None = None
    full_size: bool = False
    stored: Kept | None = None

    @property
    def is_sample(self) -> bool:
        """True for the built-in sample data."""
        return self.config.root == SAMPLE_ROOT

    @property
    def fingerprint(self) -> str:
        """Changes when any clip of the split, its label, its bytes or its frame count does; not when it moves."""
        parts = (self.train, self.validation, self.test)
        return "-".join(self.index.fingerprint(sample.id for sample in part)[:8] for part in parts)

    @property
    def unflippable(self) -> frozenset[int]:
        """Labels of classes whose mirror image is another class."""
        return mirrored(self.dataset.classes)

    def n_frames(self, sample: Sample) -> int:
        """How many frames of this sample's file can be decoded."""
        return self.index.rows[sample.id].info.n_frames

    def size(self, sample: Sample) -> tuple[int, int]:
        """Height and width of this sample's frames as they are read, in pixels."""
        info = self.index.rows[sample.id].info
        return output_size(info.height, info.width, self._short_side)

    @property
    def widths_without_decord(self) -> list[int]:
        """Widths at which videos are read by PyAV because decord, which reads their files rightly, fails there."""
        samples = (*self.train, *self.validation, *self.test)
        widths = {self.size(each)[1] for each in samples if self.index.rows[each.id].info.decoder == "decord"}
        if not widths:
            return []
        from vidsparse.data.reading.decoders import DECORD_FAILS_AT

        return sorted(widths & set(DECORD_FAILS_AT))

    def fps(self, sample: Sample) -> float:
        """Frames a second."""
        return float(self.index.rows[sample.id].info.rate)

    def read(
        self, sample: Sample, indices: "Sequence[int] | np.ndarray[Any, np.dtype[np.int64]]", keep: bool = False
    ) -> Frames:
        """Frames uint8 (n, H, W, 3) of a sample, its short side resized to `data.short_side` pixels.

        With `keep` they are taken from the cache `kept`, if there is one, and go to it: read-only, the same bytes.
        Raises ClipDecodeError, naming the file, where no decoder can read it.
        """
        info = self.index.rows[sample.id].info
        if not info.n_frames:
            raise ClipDecodeError(info.error or f"{sample.path}: nothing in it can be decoded")
        if keep and self.kept and info.n_frames > 1:
            numbers, file = np.asarray(indices, np.int64), manifest.stamp(sample.path)
            key = frame_key(sample.id, file.size, file.mtime, info, self._short_side, numbers)
            return self.kept.get(key, (len(numbers), *self.size(sample), 3), lambda: self.read(sample, numbers))
        return readers.read(sample, info, self._short_side, indices, self.config.timeout_s)

    def read_parts(
        self, sample: Sample, numbers: "np.ndarray[Any, np.dtype[np.int64]]", count: int
    ) -> Iterator[Frames]:
        """The frames of `read` for sorted, unique numbers, `count` at a time."""
        info = self.index.rows[sample.id].info
        if not info.n_frames:
            raise ClipDecodeError(info.error or f"{sample.path}: nothing in it can be decoded")
        return readers.read_parts(sample, info, self._short_side, numbers, count, self.config.timeout_s)

    def masks(
        self, sample: Sample, indices: "Sequence[int] | np.ndarray[Any, np.dtype[np.int64]]", keep: bool = False
    ) -> Frames | None:
        """Class ids uint8 (n, H, W), 255 where nobody judges, of the frames that `read` gives; None without a mask."""
        mask, info = sample.mask, self.index.rows[sample.id].info
        if mask is None:
            return None
        if not info.n_frames:
            raise ClipDecodeError(info.error)
        if not (keep and self.kept and info.n_frames > 1):
            return self._masks(mask, info, indices)
        numbers, file = np.asarray(indices, np.int64), manifest.stamp(mask.path)
        key = frame_key("mask", sample.id, file.size, file.mtime, info, self._short_side, numbers)
        return self.kept.get(key, (len(numbers), *self.size(sample)), lambda: self._masks(mask, info, numbers))

    def _masks(self, mask: Sample, info: VideoInfo, indices: Any) -> Frames:
        return readers.read(mask, info, self._short_side, indices, self.config.timeout_s)

    @property
    def _short_side(self) -> int | None:
        return None if self.full_size else self.config.short_side


def load_corrupted(
    config: DataConfig, root: Path, cache: Path, workers: int = 0, progress: Progress | None = None
) -> Clips:
    """The clips of a corrupted set: nothing to train on, and frames that are read as they are."""
    dataset, index, stored = open_corrupted(config, root, cache, workers, progress)
    return Clips(config, dataset, index, (), (), dataset.test, stored=stored)


def load_clips(
    config: DataConfig,
    seed: int,
    cache: Path,
    workers: int = 0,
    progress: Progress | None = None,
    trains: bool = True,
) -> Clips:
    """Read the lists of `config`, count the frames of every file (cached in `cache`), split off validation groups.

    `trains` False leaves the training part out, for what is only evaluated.
    Raises DataError where the data set is not there or not laid out as its source says.
    """
    root = data_root(config.root)
    if config.source == "corrupted":
        stored = load_corrupted(config, root, cache, workers, progress)
        return replace(stored, test=part_of(stored.test, config.share))
    if config.root == SAMPLE_ROOT:
        module, function = SAMPLES[config.source].split(":")
        root = getattr(import_module(module), function)()
    dataset = load_dataset(config.source, root, config.split, config.missing, trains, config.eval_source is None)
    if config.eval_source is not None:
        assert config.eval_root is not None
        other = load_dataset(config.eval_source, Path(config.eval_root), config.eval_split, config.missing, train=False)
        dataset = evaluated_on(dataset, other)
    dataset = replace(dataset, train=part_of(dataset.train, config.share), test=part_of(dataset.test, config.share))
    prepared = {file: found for place in {root, dataset.root} for file, found in manifest.prepared(place).items()}
    index = build_index((*dataset.train, *dataset.test), cache, config.timeout_s, workers, progress, prepared)
    index.check_classes(dataset.classes)
    train, validation = split_validation(dataset.train, config.val_fraction, seed)
    return Clips(config, dataset, index, train, validation, dataset.test)
