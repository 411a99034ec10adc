"""A corrupted set on disk, published or of ours, as a Dataset of PyTorch."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from corruptions.exceptions import suggestion
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_corrupted
from vidsparse.data.corrupted.benchmarks import StoredFrames
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.layout import Stored
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.sampling import view_indices
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, DataError
from vidsparse.utils.machine import cores
from vidsparse.utils.main_module import main_left_alone


class CorruptedClips(Dataset[tuple[Any, int]]):
    """The clips of a corrupted set under one of its conditions: (clip, label) at each place, for a DataLoader.

    A clip is a tensor uint8 (3, T, H, W), RGB, as it is stored: an image has T = 1. Sets: CIFAR-10-C, ImageNet-C and
    others as they are published (docs/benchmarks.md), and those that `generate` wrote, whose files are held against
    their digests.

    Attributes:
        classes: names, in the order of the labels.
        conditions: all that the set holds, {corruption: severities}.
        ids: the name of each clip.
    """

    def __init__(
        self,
        root: str | Path,
        corruption: str,
        severity: int,
        frames: int | None = None,
        stride: int = 1,
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        """Open a set.

        Args:
            root: its folder.
            corruption: one that it holds; "clean" with severity 0 where it holds the clean clips.
            severity: 1 to 5.
            frames: the length of a clip, from the middle of each video; None is all frames that the set keeps.
            stride: the distance of its frames.
            transform: what is done to each clip.

        Raises:
            DataError: there is no corrupted set there, or it is not whole.
            ConfigError: it does not hold this condition.
        """
        path = files.at_home(root)
        if not path.is_dir():
            raise DataError(f"{path}: there is no such folder")
        with TemporaryDirectory(prefix="vidsparse-") as cache:
            config = DataConfig(source="corrupted", root=str(path))
            with main_left_alone():
                self._clips = load_corrupted(config, path, Path(cache), cores())
        assert self._clips.stored is not None
        cells = {(cell.corruption, cell.severity): cell for cell in self._clips.stored.cells}
        self.conditions: dict[str, tuple[int, ...]] = {}
        for name, level in cells:
            self.conditions[name] = (*self.conditions.get(name, ()), level)
        self._cell = self._found(cells, corruption, severity, path)
        self.classes = self._clips.dataset.classes
        self.ids = tuple(sample.id for sample in self._clips.test)
        self._frames, self._stride, self._transform = frames, stride, transform
        self._stored = StoredFrames(self._clips.stored)

    def _found(self, cells: dict[tuple[str, int], Cell], corruption: str, severity: int, path: Path) -> Cell:
        if corruption not in self.conditions:
            raise ConfigError(f"{path} holds no {corruption}, {suggestion(corruption, self.conditions, 'conditions')}")
        if (corruption, severity) not in cells:
            levels = ", ".join(map(str, self.conditions[corruption]))
            raise ConfigError(f"{path} holds no severity {severity} of {corruption}; it holds {levels}")
        return cells[corruption, severity]

    def _wanted(self, sample: Sample) -> NDArray[np.int64]:
        """The frame numbers of a clip."""
        count, stored = self._clips.n_frames(sample), self._clips.stored
        if self._frames is not None:
            numbers: NDArray[np.int64] = view_indices(count, self._frames, self._stride, "dense", "loop", 1)[0]
            return numbers
        kept: NDArray[np.int64] = np.arange(count, dtype=np.int64)
        return stored.by_id[sample.id].kept if isinstance(stored, Stored) else kept

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        sample = self._clips.test[place]
        wanted = self._wanted(sample)
        outputs = np.unique(wanted)
        frames = self._stored.corrupt(self._stored.decode(sample, outputs), self._cell, outputs)
        clip = torch.from_numpy(np.ascontiguousarray(frames[np.searchsorted(outputs, wanted)].transpose(3, 0, 1, 2)))
        return self._transform(clip) if self._transform else clip, sample.label
