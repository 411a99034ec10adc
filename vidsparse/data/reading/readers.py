"""Every kind of file as a row of one table: how its entries are counted, and how frames of one entry are read.

A video is an entry of many frames, an image one of a single frame; nothing beyond this table tells them apart. Masks
are entries too, whose frames are class ids (H, W). Rows import what they need when they are used: images need no video
decoder.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading import archives, frame_folders, image_files, mask_files
from vidsparse.data.reading.frames import Frames, Tally, VideoInfo
from vidsparse.data.reading.spill import parts
from vidsparse.utils import failures
from vidsparse.utils.errors import ConfigError, install

Read = Callable[[Sample, VideoInfo, int | None, Any, float], Frames]


@dataclass(frozen=True)
class Reader:
    """`inspect` gives one info an entry of a file and never raises for a bad one.

    `read` takes a sample, its info, the short side (None for the file's own), frame numbers and how long a decoder that
    can hang may take, in seconds; it raises ClipDecodeError. `go_on` is `inspect` for files of many entries, which
    begins behind what is counted already. `needs` is the package of an extra, without which nothing is read.
    """

    inspect: Callable[[Path], Sequence[VideoInfo]]
    read: Read
    go_on: Callable[[Path, Tally], Sequence[VideoInfo]] | None = None
    needs: str = ""


def _inspect_video(path: Path) -> Sequence[VideoInfo]:
    from vidsparse.data.reading.decoders import inspect

    return (inspect(path),)


def _read_video(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    from vidsparse.data.reading.video_files import VideoReader
    from vidsparse.data.reading.watchdog import limited

    with limited(sample.path, timeout_s):
        return VideoReader(sample.path, short_side, info).read(indices)


def _read_image(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    return image_files.repeated(
        image_files.resized(image_files.open_picture(sample.path), short_side), indices, sample.path
    )


def _read_folder(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    return frame_folders.read(sample.path, short_side, indices)


def _read_mask(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    return mask_files.read(sample.reader, sample.path, short_side, indices)


def _read_archive(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    picture = archives.open_pictures(sample.reader, sample.path).at(sample.entry)
    return image_files.repeated(image_files.resized(picture, short_side), indices, sample.id)


def _inspect_hdf5(path: Path) -> Sequence[VideoInfo]:
    from vidsparse.data.reading.hdf5_files import inspect

    return inspect(path)


def _read_hdf5(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    from vidsparse.data.reading.hdf5_files import read
    from vidsparse.data.reading.watchdog import limited

    with limited(sample.path, timeout_s):
        return read(sample.path, short_side, indices)


def check_installed(files: Mapping[str, Path]) -> None:
    """Raise ConfigError where one of {row of READERS: a file that it reads} needs a package that is not installed."""
    for reader, path in files.items():
        needs = READERS[reader].needs if reader in READERS else ""
        if needs and find_spec(needs) is None:
            raise ConfigError(f"{path} is read by {needs}: {install('hdf5', needs)}")


def inspected(reader: str, path: Path, tally: Tally | None = None) -> Sequence[VideoInfo]:
    """One info an entry of a file that is known to be there; MachineError where the machine keeps it from being read.

    What is found broken or damaged is believed only of a file that can be read to its end. `tally` is what a count that
    was killed had found, in a file of many entries.
    """
    row = READERS[reader]
    with failures.reading(path):
        found = row.go_on(path, tally) if row.go_on and tally else row.inspect(path)
    if any(info.error or info.damage for info in found):
        failures.check_readable(path)
    return found


def read(sample: Sample, info: VideoInfo, short_side: int | None, indices: Any, timeout_s: float) -> Frames:
    """Frames of a sample whose file was counted; ClipDecodeError for what the file causes, MachineError else."""
    with failures.reading(sample.path):
        return READERS[sample.reader].read(sample, info, short_side, indices, timeout_s)


def read_parts(
    sample: Sample, info: VideoInfo, short_side: int | None, numbers: "NDArray[np.int64]", count: int, timeout_s: float
) -> Iterator[Frames]:
    """The frames of `read`, `count` at a time."""
    if sample.reader != "video":
        for part in parts(numbers, count):
            yield read(sample, info, short_side, part, timeout_s)
        return
    from vidsparse.data.reading.video_files import VideoReader
    from vidsparse.data.reading.watchdog import limited

    with failures.reading(sample.path):
        frames = VideoReader(sample.path, short_side, info).parts(numbers.tolist(), count)
        for _ in range(0, len(numbers), count):
            with limited(sample.path, timeout_s):
                part_of = next(frames)
            yield part_of


READERS: dict[str, Reader] = {
    "video": Reader(_inspect_video, _read_video),
    "image": Reader(image_files.inspect, _read_image),
    "hdf5": Reader(_inspect_hdf5, _read_hdf5, needs="h5py"),
    "frames": Reader(frame_folders.inspect, _read_folder),
    **{code: Reader(partial(mask_files.inspect, code), _read_mask) for code in mask_files.CODES},
    **{
        kind: Reader(partial(archives.inspect, kind), _read_archive, partial(archives.inspect, kind))
        for kind in archives.ARCHIVES
    },
}
