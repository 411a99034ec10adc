"""Corruptions to look at: a contact sheet of many, one over time, and one of them in motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import corruptions
from corruptions.apply import Temporal
from corruptions.registry import find
from corruptions.suites import Cell
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.files import save

Pixels = NDArray[np.uint8]

FRAMES = 48  # of a video are looked at, around its middle: what depends on neighbours sees these
TIMES = 6  # frames of a video that the sheet over time shows
_GAP, _LINE = 2, 14  # pixels: between pictures, and of a line of text
_NAMES = 190  # pixels: the column of names
_WIDEST = 16383  # pixels of a WebP


@dataclass(frozen=True)
class Clip:
    """What is corrupted: uint8 (T, H, W, 3) RGB, its frames a second, and the key of its draws."""

    frames: Pixels
    fps: float
    key: str
    temporal: Temporal = "default"

    def at(self, cell: Cell, severity: int, times: Sequence[int]) -> Pixels:
        """Return the frames at `times` under a corruption and profile: uint8 (len(times), H, W, 3)."""
        name, profile = cell
        n_frames = len(self.frames)
        needed = corruptions.frames_needed(name, severity, times, n_frames, self.key, profile, self.fps)
        return corruptions.corrupt(
            self.frames[needed],
            name,
            severity,
            self.key,
            profile=profile,
            temporal=self.temporal,
            resolution="relative",
            indices=needed,
            outputs=times,
            n_frames=n_frames,
            fps=self.fps,
        )


def cells_of(suite: str | None) -> tuple[Cell, ...]:
    """Return the cells of a suite, or every corruption with its home profile; UnknownName names the nearest suite."""
    if suite is None:
        return tuple((name, row.home) for name, row in corruptions.REGISTRY.items())
    corruptions.suite(suite)
    return corruptions.SUITES[suite].cells


@dataclass(frozen=True)
class Shown:
    """What a preview shows: the corruption in motion, the suite of the sheets (None: every corruption), at which
    severities, how draws hang together in time, and the side of a picture in pixels, cut from the middle of the frame.
    """

    corruption: str = "fog"
    suite: str | None = None
    severities: Sequence[int] = (1, 2, 3, 4, 5)
    temporal: Temporal = "default"
    size: int = 112


def write_preview(video: Path, shown: Shown | None = None, out: Path = Path("runs/preview")) -> tuple[Path, Path, Path]:
    """Write `out`/<video>_sheet.png, <video>_times.png and <video>_<corruption>.webp; return the three paths.

    The first shows every corruption at each severity, the second at the middle one of them at several times, the third
    one corruption in motion.

    Lengths are scaled to the size of a picture. Raises UnknownName for a corruption, suite or mode, ClipDecodeError for
    a file that is no video.
    """
    shown = shown or Shown()
    corruption, severities, size = shown.corruption, shown.severities, shown.size
    if size < 16:
        raise ConfigError(f"--size {size}: the smallest frame that can be corrupted has 16 pixels a side")
    if (size + _GAP) * max(1 + len(severities), TIMES) > _WIDEST:
        raise ConfigError(f"--size {size}: a WebP is at most {_WIDEST} pixels wide; use smaller pictures")
    cells = cells_of(shown.suite)
    chosen = dict(cells).get(corruption) or find(corruption).home
    clip = read_clip(video, size, shown.temporal)
    sheet, times, strip = (out / f"{video.stem}_{end}" for end in ("sheet.png", "times.png", f"{corruption}.webp"))
    severity = sorted(severities)[len(severities) // 2]
    save(strip, lambda path: write_animation(path, clip, (corruption, chosen), severities))
    save(sheet, lambda path: contact_sheet(clip, cells, severities).save(path, "PNG"))
    save(times, lambda path: time_sheet(clip, cells, severity).save(path, "PNG"))
    return sheet, times, strip


def read_clip(video: Path, size: int, temporal: Temporal = "default") -> Clip:
    """Read up to FRAMES frames around a video's middle, cut to a square of `size` pixels; ClipDecodeError."""
    reader = VideoReader(video, short_side=size + size % 2)
    first = max(0, (reader.n_frames - FRAMES) // 2)
    frames = reader.read(range(first, min(first + FRAMES, reader.n_frames)))
    top, left = (reader.height - size) // 2, (reader.width - size) // 2
    return Clip(np.ascontiguousarray(frames[:, top : top + size, left : left + size]), reader.fps, video.stem, temporal)


def contact_sheet(clip: Clip, cells: Sequence[Cell], severities: Sequence[int]) -> Image.Image:
    """Return the middle frame under every corruption (rows) and severity (columns), clean first, with names."""
    middle = len(clip.frames) // 2
    rows = [
        row_of([clip.frames[middle], *(clip.at(cell, severity, [middle])[0] for severity in severities)])
        for cell in cells
    ]
    return _sheet(rows, cells, _titles(clip, ["clean", *map(str, severities)]))


def time_sheet(clip: Clip, cells: Sequence[Cell], severity: int) -> Image.Image:
    """Return frames at TIMES times, evenly apart, clean (first row) and under every corruption at one severity."""
    times = np.unique(np.linspace(0, len(clip.frames) - 1, TIMES).astype(int)).tolist()
    rows = [row_of(list(clip.frames[times])), *(row_of(list(clip.at(cell, severity, times))) for cell in cells)]
    titles = _titles(clip, [f"{t / clip.fps:.2f} s" for t in times])
    return _sheet(rows, [("clean", f"others: severity {severity}"), *cells], titles)


def _sheet(rows: Sequence[Pixels], names: Sequence[Cell], titles: Sequence[tuple[int, str]]) -> Image.Image:
    """Return rows of pictures with two lines of text beside each, and titles above."""
    height = rows[0].shape[0] + _GAP
    sheet = Image.new("RGB", (_NAMES + rows[0].shape[1], _LINE + height * len(rows)), "white")
    _label(sheet, [(_NAMES + x, text) for x, text in titles])
    for number, (row, (name, profile)) in enumerate(zip(rows, names, strict=True)):
        top = _LINE + height * number
        sheet.paste(Image.fromarray(row), (_NAMES, top))
        _label(sheet, [(2, name)], top)
        _label(sheet, [(2, profile)], top + _LINE)
    return sheet


def write_animation(path: Path, clip: Clip, cell: Cell, severities: Sequence[int]) -> None:
    """Write the clip beside itself at each severity, in motion, as an animated WebP."""
    times, titles = range(len(clip.frames)), _titles(clip, ["clean", *map(str, severities)])
    panels = [clip.frames, *(clip.at(cell, severity, times) for severity in severities)]
    pictures = [_titled(row_of(frames), titles) for frames in zip(*panels, strict=True)]
    duration = round(1000 / clip.fps)
    first, *others = pictures
    first.save(path, "WEBP", save_all=True, append_images=others, duration=duration, loop=0, quality=90)


def row_of(pictures: Sequence[Pixels]) -> Pixels:
    """Return pictures of one size side by side on white: uint8 (H, W, 3)."""
    spaced = [np.pad(picture, ((0, 0), (0, _GAP), (0, 0)), constant_values=255) for picture in pictures]
    return np.asarray(np.concatenate(spaced, axis=1)[:, :-_GAP])


def _titles(clip: Clip, columns: Sequence[str]) -> list[tuple[int, str]]:
    """Return where each column starts and what it shows."""
    step = clip.frames.shape[2] + _GAP
    return [(number * step, text) for number, text in enumerate(columns)]


def _titled(row: Pixels, titles: Sequence[tuple[int, str]]) -> Image.Image:
    picture = Image.fromarray(np.pad(row, ((_LINE, 0), (0, 0), (0, 0)), constant_values=255))
    _label(picture, titles)
    return picture


def _label(picture: Image.Image, texts: Sequence[tuple[int, str]], top: int = 0) -> None:
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    for x, text in texts:
        pen.text((x, top), text, "black", font)
