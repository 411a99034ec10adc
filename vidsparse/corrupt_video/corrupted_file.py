"""One video file under one corruption: read, corrupted and written a part at a time, with its times and its sound."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

import corruptions
from corruptions.apply import Request
from corruptions.checks import SMALLEST
from corruptions.condition import Condition
from corruptions.stream import recode
from vidsparse.corrupt_video.audio import sound_of
from vidsparse.corrupt_video.encoding import LOSSLESS, MUXERS, PLAYABLE, Target, write
from vidsparse.corrupt_video.timing import timing_of
from vidsparse.data.reading.containers import opened
from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.spill import Spilled, frames_a_part, parts
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import ConfigError, WriteError, plural
from vidsparse.utils.files import replacing
from vidsparse.utils.progress import Bar, say


def corrupt_file(
    video: Path, condition: Condition, key: str, out: Path, lossless: bool = False, fresh: bool = False
) -> Path:
    """Write `out`, the video under a corruption; returns it.

    Args:
        video: any video file.
        condition: the corruption; its `fps` is replaced by that of the file.
        key: what it is drawn from.
        out: an .mp4, .m4v, .mov or .mkv of H.264, 8 bits, 4:2:0; an .mkv of FFV1 where `lossless`.
        lossless: keep every byte of the frames that `corruptions.corrupt` gives.
        fresh: replace `out` where it is there.

    Frames are shown at the times of the file's own, and its sound is copied where `out` can hold it. Few frames are
    held; those of corruptions that change the order of frames or blend neighbours wait in a file beside `out`.

    Raises:
        ConfigError: `out` is of no such kind, is there already or is the video itself.
        ClipDecodeError: the file is no video. CorruptionError: it cannot be corrupted so. WriteError.
    """
    muxer = _muxer(video, out, lossless, fresh)
    info = inspect(video)
    reader = VideoReader(video, info=info)
    if min(reader.height, reader.width) < SMALLEST:
        raise corruptions.WrongFrames(
            f"{video}: frames of {reader.width} x {reader.height} pixels, and corruptions need {SMALLEST} x {SMALLEST}"
        )
    timing = timing_of(video, Fraction(info.rate), reader.n_frames)
    condition = replace(condition, fps=reader.fps)
    size, comment = (reader.height, reader.width), f"{condition.name} {condition.severity}, key {key!r}"
    encoding = LOSSLESS if lossless else PLAYABLE
    with sound_of(video, out, muxer) as (sound, heard), replacing(out) as temporary:
        target = Target(temporary, muxer, encoding, size, _aspect(video, size), timing, f"vidsparse corrupt: {comment}")
        try:
            write(target, _watched(reader, condition, key, out.parent), sound)
        except av.FFmpegError as error:
            raise WriteError(f"{out} cannot be written: {error.strerror}") from error
    _tell(out, target, comment, heard)
    return out


def _muxer(video: Path, out: Path, lossless: bool, fresh: bool) -> str:
    """The kind of file that `out` is to be; ConfigError where it cannot be."""
    kinds = [".mkv"] if lossless else list(MUXERS)
    if out.suffix.lower() not in kinds:
        named = "lossless video is an .mkv of FFV1" if lossless else f"name one of {', '.join(kinds)}"
        raise ConfigError(f"--out {out}: {named}")
    if out.exists() and video.exists() and out.samefile(video):
        raise ConfigError(f"--out {out}: it is the video itself; name another file")
    if out.exists() and not fresh:
        raise ConfigError(f"--out {out}: it is there already; name another file, or replace it with --fresh")
    return MUXERS[out.suffix.lower()]


def _aspect(path: Path, size: tuple[int, int]) -> Fraction:
    """Width over height of a pixel as it is shown, upright."""
    with opened(path) as (_, stream):
        said = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        lying = (stream.codec_context.width, stream.codec_context.height) == size != size[::-1]
        return 1 / said if lying else said


def _watched(reader: VideoReader, condition: Condition, key: str, folder: Path) -> Iterator[Frames]:
    with Bar("corrupting", reader.n_frames) as bar:
        for number, frame in enumerate(corrupted(reader, condition, key, folder), start=1):
            yield frame
            bar.advance(number)


def corrupted(reader: VideoReader, condition: Condition, key: str, folder: Path) -> Iterator[Frames]:
    """The frames uint8 (H, W, 3) that `corruptions.corrupt` gives for the whole video, one after the other."""
    support = corruptions.REGISTRY[condition.name].support
    numbers = np.arange(reader.n_frames)
    count = frames_a_part((reader.height, reader.width, 3))
    given = reader.parts(numbers.tolist(), count)
    if support == "video":
        request = Request(key=key, **condition.settings)
        yield from recode((frame for part in given for frame in part), reader.n_frames, request)
    elif support == "frame":
        for times, frames in zip(parts(numbers, count), given, strict=True):
            yield from corruptions.corrupt(frames, key=key, indices=times, n_frames=len(numbers), **condition.settings)
    else:
        yield from _reordered(given, reader, condition, key, folder)


def _reordered(
    given: Iterator[Frames], reader: VideoReader, condition: Condition, key: str, folder: Path
) -> Iterator[Frames]:
    """The frames under a corruption whose outputs need others than their own: all wait on disk."""
    with tempfile.TemporaryDirectory(dir=folder if folder.is_dir() else None, prefix=".frames-") as scratch:
        kept = Spilled(Path(scratch), (reader.height, reader.width, 3))
        for part in given:
            kept.append(part)
        settings, n_frames = condition.settings, reader.n_frames
        for times in parts(np.arange(n_frames), kept.per_part):
            needed = corruptions.frames_needed(
                condition.name, condition.severity, times, n_frames, key, condition.profile, condition.fps
            )
            yield from corruptions.corrupt(
                kept[needed], key=key, indices=needed, outputs=times, n_frames=n_frames, **settings
            )


def _tell(out: Path, target: Target, comment: str, heard: str) -> None:
    """What was written, and how it differs from the frames that were made."""
    (height, width), (below, beside) = target.size, target.coded
    rate = f"{float(target.timing.rate):g} frames a second{'' if target.timing.regular else ' in the mean'}"
    say(
        f"corrupted  {out}  {comment}; {beside} x {below}, {plural(len(target.timing.ticks), 'frame')}, {rate}; {heard}"
    )
    if (below, beside) != (height, width):
        say(
            f"           {width} x {height} is odd, which H.264 at 4:2:0 cannot be: the last row or column stands twice"
        )
    if target.encoding is PLAYABLE:
        say("           H.264 softens noise and colours: to look at; for measurements --lossless")
