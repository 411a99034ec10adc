"""Fuzzed videos and pictures through the readers, held against the undamaged ones."""

import io
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from helpers.damaged_videos import FAR, KINDS, MADE, damaged, make
from helpers.fuzzing import changed
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading import image_files, mask_files, readers
from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.frames import VideoInfo
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import ClipDecodeError

CHECKED = ("ffv1", "ffv1_avi", "hevc")  # videos whose frames carry checksums
CHECKED_PICTURES = ("png", "png_p", "png16", "png_grey", "png_alpha", "png_interlaced")
SUFFIXES = (".mp4", ".mkv", ".avi", ".webm", ".ts", ".mov", ".mpg", ".flv", ".gif", ".h264", "", ".MP4")
NAMES = (
    "a b",
    "12:30",
    "é",
    "e\u0301",
    "日本",
    "-x",
    "#1",
    "%d",
    "a'b",
    'a"b',
    "x" * 200,
    "pipe:1",
    "concat:a|b",
    "*",
    "[1]",
)


def videos_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a damaged, renamed or cut video: same, said, or silent where nothing in the file could tell."""
    folder.mkdir(parents=True, exist_ok=True)
    made = make(folder)
    whole = {}
    for name, path in made.items():
        info = inspect(path)
        whole[name] = VideoReader(path, info=info).read(range(info.n_frames))

    def trial(rng: random.Random) -> str:
        name = rng.choice(list(made))
        content, odd = made[name].read_bytes(), rng.random()
        suffix = rng.choice(SUFFIXES) if odd < 0.15 else MADE[name][0]
        copy = folder / f"{rng.choice(NAMES) if odd < 0.3 else 'copy'}{suffix}"
        sound = 0.15 < odd < 0.3
        if not sound:
            content = changed(content, rng) if odd < 0.6 else damaged(content, rng.choice(KINDS), rng.randrange(10**6))
        if rng.random() < 0.05:
            content = content[: rng.randrange(200)]
        copy.write_bytes(content)
        try:
            outcome = _outcome(copy, whole[name], rng)
        finally:
            copy.unlink()
        assert not (outcome == "silent" and name in CHECKED), f"{name}: frames are wrong and nothing is said"
        assert not (sound and content == made[name].read_bytes() and outcome != "same"), f"{copy.name}: {outcome}"
        return f"{outcome}, no checksum" if outcome == "silent" else outcome

    return trial


def _outcome(path: Path, whole: np.ndarray, rng: random.Random) -> str:
    """What the reader makes of a file, all its frames or some of them."""
    info = readers.inspected("video", path)[0]
    assert bool(info.n_frames) != bool(info.error), info
    if info.error:
        return "refused"
    numbers = list(range(info.n_frames)) if rng.random() < 0.7 else sorted(rng.choices(range(info.n_frames), k=3))
    try:
        frames = readers.read(Sample("a", path, 0, "a"), info, None, numbers, 30.0)
    except ClipDecodeError:
        return "refused"
    assert frames.shape == (len(numbers), info.height, info.width, 3), f"{frames.shape}, {info}"
    if info.damage:
        return "said"
    if info.n_frames != len(whole) or frames.shape[1:] != whole.shape[1:]:
        return "silent"
    return "silent" if np.abs(frames.astype(int) - whole[numbers]).mean((1, 2, 3)).max() > FAR else "same"


def _pictures() -> dict[str, bytes]:
    """{name: encoded picture} of many formats and modes, 40 x 24 pixels."""
    rng = np.random.default_rng(0)
    smooth = np.clip(
        np.add.outer(np.arange(24) * 5, np.arange(40) * 3)[..., None] + rng.integers(0, 40, (24, 40, 3)), 0, 255
    )
    rgb = Image.fromarray(smooth.astype(np.uint8))
    grey16 = Image.fromarray((smooth[..., 0] * 257).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6

    def saved(image: Any, kind: str, **how: Any) -> bytes:
        output = io.BytesIO()
        image.save(output, kind, **how)
        return output.getvalue()

    return {
        "png": saved(rgb, "PNG"),
        "png_p": saved(rgb.quantize(16), "PNG"),
        "png16": saved(grey16, "PNG"),
        "png_grey": saved(rgb.convert("L"), "PNG"),
        "png_alpha": saved(rgb.convert("RGBA"), "PNG"),
        "png_exif": saved(rgb, "PNG", exif=exif),
        "jpeg": saved(rgb, "JPEG"),
        "jpeg_progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg_cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "jpeg_exif": saved(rgb, "JPEG", exif=exif),
        "tiff": saved(rgb, "TIFF"),
        "tiff16": saved(grey16, "TIFF"),
        "tiff_lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff_deflate": saved(rgb, "TIFF", compression="tiff_deflate"),
        "tiff_exif": saved(rgb, "TIFF", exif=exif),
        "tiff_f": saved(Image.fromarray((smooth[..., 0] / 255).astype(np.float32)), "TIFF"),
        "webp": saved(rgb, "WebP"),
        "webp_lossless": saved(rgb, "WebP", lossless=True),
        "gif": saved(rgb.quantize(64), "GIF"),
        "bmp": saved(rgb, "BMP"),
        "ppm": saved(rgb, "PPM"),
        "pgm16": saved(grey16, "PPM"),
        "pgm": saved(rgb.convert("L"), "PPM"),
    }


def pictures_trial(folder: Path) -> Callable[[random.Random], str]:
    """A trial of a changed picture, as a picture and as a mask: what is counted of it and what is read must agree."""
    folder.mkdir(parents=True, exist_ok=True)
    made = _pictures()
    whole = {name: image_files.decode(content, name) for name, content in made.items()}

    def trial(rng: random.Random) -> str:
        name = rng.choice(list(made))
        path = folder / f"a.{rng.choice(('png', 'jpg', name.partition('_')[0]))}"
        content = _odd_header(name, rng) if rng.random() < 0.15 else changed(made[name], rng)
        path.write_bytes(content)
        try:
            if name.startswith("png") and rng.random() < 0.2:
                return _mask(path)
            return _picture(name, path, whole[shown(content, name)])
        finally:
            path.unlink()

    def shown(content: bytes, name: str) -> str:
        """Whose picture it is: another's where the changed bytes are its own, as with a short head."""
        return next((other for other in made if content == made[other]), name)

    def _odd_header(name: str, rng: random.Random) -> bytes:
        """Numbers of a text header that no picture has; of others the head of one picture on the rest of another."""
        if name.startswith("p") and not name.startswith("png"):
            sides = [rng.choice((b"0", b"-1", b"40", b"24", b"9" * 30, b"100000", b"65535", b"1e3")) for _ in range(3)]
            return rng.choice((b"P2", b"P5", b"P6", b"P7", b"Pf")) + b"\n" + b" ".join(sides) + b"\n" + made[name][15:]
        other, cut = made[rng.choice(list(made))], rng.randrange(4, 64)
        return made[name][:cut] + other[cut:]

    return trial


def _picture(name: str, path: Path, whole: np.ndarray) -> str:
    info: VideoInfo = readers.inspected("image", path)[0]
    try:
        picture = readers.read(Sample("a", path, 0, "a", "image"), info, None, [0], 30.0)[0]
    except ClipDecodeError:
        assert info.error, "counted as whole, and cannot be read"
        return "refused"
    assert not info.error, f"read, and counted as unreadable: {info.error}"
    assert info.rate == Fraction(1) or info.n_frames == 1
    assert picture.shape == (info.height, info.width, 3), f"{picture.shape}, {info}"
    same = picture.shape == whole.shape and np.abs(picture.astype(int) - whole).mean() <= FAR
    assert same or name not in CHECKED_PICTURES, f"{name}: the picture is wrong and nothing is said"
    return "same" if same else "silent, no checksum"


def _mask(path: Path) -> str:
    info = mask_files.inspect("class_ids", path)[0]
    if info.error:
        return "refused"
    labels = mask_files.read("class_ids", path, None, [0])[0]
    assert labels.shape == (info.height, info.width)
    return "mask read"
