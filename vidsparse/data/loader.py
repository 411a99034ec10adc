"""Training batches. What a clip shows is a function of (seed, epoch, index) alone, not of who loads it or when."""

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate, default_convert

from vidsparse.config import AugmixConfig
from vidsparse.data.augment import Augment
from vidsparse.data.augmix import mixtures
from vidsparse.data.clips import Clips
from vidsparse.data.crops import center_crop
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading.frames import Frames
from vidsparse.data.sampling import batches_per_epoch, train_indices, view_indices
from vidsparse.data.transport import Packed, end_when_undelivered, unpacked
from vidsparse.models.model_rows import NORMALIZE
from vidsparse.plugins.travelling import Travelling
from vidsparse.run_dir.record import DRAWS
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, MachineError

Place = tuple[int, int]  # epoch, position in the split
_TRIES = 8  # other clips tried in place of one that cannot be read
_KEPT = 256 << 20  # bytes of decoded pictures that a process keeps at most


Target = int | Tensor


class TrainingClips(Travelling, Dataset[tuple[Tensor, Target, int]]):
    """Augmented random clips of the training split: uint8 (T, S, S, 3), target, and position in the split.

    With `augmix` clips are mixtures or, with its loss, (3, T, S, S, 3): the clip and two of them (`augmix.mixtures`).
    The target is the label; where clips have masks it is the class of every pixel, uint8 (T, S, S), 255 for none.

    A clip that cannot be read is replaced by another one (`data.on_error: substitute`); its own position comes back
    as -1 - position, so that it is counted and never silently lost.

    A picture is decoded once a process and kept where the whole split would fit into 256 MiB, were all of its size.
    """

    def __init__(self, clips: Clips, seed: int, augmix: AugmixConfig | None = None, draws: int = DRAWS) -> None:
        self._clips, self._seed, self._draws = clips, seed, draws
        self._augmix = augmix if augmix and augmix.severity else None
        self._augment: Augment | None = None
        self._kept: dict[str, tuple[Frames, Frames | None]] = {}  # by sample id

    def __getitem__(self, place: Place) -> tuple[Tensor, Target, int]:
        with failures.at_work("a training clip"):
            return self._clip(*place)

    def _clip(self, epoch: int, position: int) -> tuple[Tensor, Target, int]:
        rng = np.random.default_rng((self._seed, epoch, position))
        sample, substituted = self._clips.train[position], False
        for _ in range(_TRIES):
            try:
                return *self._read(sample, rng), -1 - position if substituted else position
            except ClipDecodeError:
                if self._clips.config.on_error == "raise":
                    raise
                sample, substituted = self._clips.train[rng.integers(len(self._clips.train))], True
        raise ClipDecodeError(f"{self._clips.dataset.root}: {_TRIES} training clips in a row cannot be read")

    def _read(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Target]:
        config = self._clips.config
        frames, masks = self._frames(sample, rng)
        if self._augment is None:  # built in the worker: it does not travel
            self._augment = Augment(config.augment, config.size, self._clips.unflippable, self._draws)
        seed = int(rng.integers(2**31))
        if masks is None:
            clip = self._augment(frames, sample.label, seed)
            return torch.from_numpy(mixtures(clip, self._augmix, seed) if self._augmix else clip), sample.label
        frames, masks = self._augment.with_masks(frames, masks, sample.label, seed)
        return torch.from_numpy(frames), torch.from_numpy(masks)

    def _frames(self, sample: Sample, rng: np.random.Generator) -> tuple[Frames, Frames | None]:
        config, n_frames = self._clips.config, self._clips.n_frames(sample)
        indices = train_indices(n_frames or 1, config.frames, config.stride, config.sampling, config.short, rng)
        if sample.id in self._kept:
            return self._kept[sample.id]
        frames, masks = self._clips.read(sample, indices), self._clips.masks(sample, indices)
        size = frames.nbytes + (0 if masks is None else masks.nbytes)
        if n_frames == 1 and size * len(self._clips.train) <= _KEPT:
            self._kept[sample.id] = frames, masks
        return frames, masks


class Steps(Sampler[list[Place]]):
    """The places of each optimizer step's clips, from `start` to `stop`: the whole training is one pass over this.

    An epoch is a permutation drawn from (seed, epoch), cut into batches; an incomplete last batch is left out. Of a
    batch each process takes its own share.
    """

    def __init__(self, n: int, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.per_epoch = batches_per_epoch(n, batch_size)
        self.start, self.stop = 0, 0
        self._n, self._batch, self._seed, self._rank, self._world = n, batch_size, seed, rank, world

    def __iter__(self) -> Iterator[list[Place]]:
        for step in range(self.start, self.stop):
            epoch, batch = divmod(step, self.per_epoch)
            order = np.random.default_rng((self._seed, epoch)).permutation(self._n)
            chosen = order[batch * self._batch : (batch + 1) * self._batch]
            yield [(epoch, int(position)) for position in chosen[self._rank :: self._world]]

    def __len__(self) -> int:
        return self.stop - self.start


def make_loader(dataset: Dataset[Any], workers: int, **settings: Any) -> DataLoader[Any]:
    """A DataLoader whose workers start clean (forkserver: decord hangs in a fork) and do not fight for threads."""
    if workers:
        settings |= {"multiprocessing_context": "forkserver", "worker_init_fn": _one_thread}
        settings["collate_fn"] = Packed(default_convert if settings.get("batch_size", 1) is None else default_collate)
    return DataLoader(dataset, num_workers=workers, **settings)


def to_input(clips: Tensor, normalize: str) -> Tensor:
    """uint8 (B, T, H, W, 3) -> float (B, 3, T, H, W) on the same device, scaled to [0, 1] and normalised."""
    preset = NORMALIZE[normalize]
    scale = 1 / (255 * torch.tensor(preset.std, device=clips.device))
    shift = torch.tensor(preset.mean, device=clips.device) / torch.tensor(preset.std, device=clips.device)
    return (clips * scale - shift).permute(0, 4, 1, 2, 3)


def center_clip(clips: Clips, sample: Sample) -> Frames:
    """The one clip (T, S, S, 3) by which a sample is judged when no corruption and no second view is asked for."""
    config = clips.config
    indices = view_indices(clips.n_frames(sample), config.frames, config.stride, config.sampling, config.short, 1)
    return center_crop(clips.read(sample, indices[0]), config.size)


def center_masks(clips: Clips, sample: Sample) -> Frames | None:
    """The masks (T, S, S) of `center_clip`; None where the sample has none."""
    config = clips.config
    indices = view_indices(clips.n_frames(sample), config.frames, config.stride, config.sampling, config.short, 1)
    masks = clips.masks(sample, indices[0])
    return None if masks is None else center_crop(masks, config.size)


def split_units(n: int, size: int) -> list[range]:
    """Positions 0 .. n - 1 in fixed runs of at most `size`: the units of evaluation."""
    return [range(start, min(n, start + size)) for start in range(0, n, size)]


def batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader; a worker that died is one sentence."""
    try:
        yield from map(unpacked, loader)
    except RuntimeError as error:
        if "DataLoader worker (pid" not in str(error):  # so torch speaks of a death, not of an error in one
            raise
        raise MachineError(
            "a loader process died, for the reason above or for lack of memory: lower engine.workers, or give a "
            "container more shared memory (--shm-size=1g); what is done is kept, and the same command continues"
        ) from error


def _one_thread(_: int) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    end_when_undelivered()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
