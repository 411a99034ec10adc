"""Images: sources of one frame, upright, RGB, 8 bits a channel. Reading one needs Pillow and NumPy alone."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps

from vidsparse.data.reading.frames import STILL, Frames, VideoInfo, output_size, unreadable
from vidsparse.data.reading.grey_levels import eight_bits, is_deep
from vidsparse.data.reading.png_files import SIGNATURE, checked
from vidsparse.data.reading.watchdog import got_on
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

MOST_PIXELS: Final = 100_000_000  # of one picture: a file of 20 KB may hold enough to fill any memory
_LIMIT = f"at most {MOST_PIXELS:,} are read: make it smaller, or take it out"
_ORIENTATION = 0x0112  # the EXIF tag
_LYING = (5, 6, 7, 8)  # its values for pictures on their side


@contextmanager
def opened(source: Path | io.BytesIO) -> Iterator[Any]:
    """A Pillow image that is not decoded yet; ValueError where it has more than MOST_PIXELS, or a PNG damaged ones."""
    try:
        picture = Image.open(_counted(source))
    except Image.DecompressionBombError as error:  # the limit of Pillow itself, beyond ours
        raise ValueError(f"{str(error).partition(' pixels')[0]} pixels); {_LIMIT}") from error
    with picture as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels; {_LIMIT}")
        yield image


def _counted(source: Path | io.BytesIO) -> Path | io.BytesIO:
    """The source, or that of a PNG with its pixels counted."""
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        head = file.read(len(SIGNATURE))
        content = head + file.read() if head == SIGNATURE else b""
        file.seek(0)
    return io.BytesIO(checked(content)) if content else source


def decode(content: bytes, name: object) -> Frames:
    """uint8 (H, W, 3) of an encoded image (JPEG, PNG, WebP, ...); ClipDecodeError calling it `name`."""
    try:
        with opened(io.BytesIO(content)) as image:
            return _rgb(image)
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error and its own
        failures.check(error, str(name))
        raise ClipDecodeError(f"{name}: {_said(error)}") from error


def open_picture(path: Path) -> Frames:
    """uint8 (H, W, 3) of an image file; ClipDecodeError where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        failures.check(error, path)
        raise ClipDecodeError(f"{path}: {error.strerror}") from error
    return decode(content, path)


def inspect(path: Path) -> tuple[VideoInfo]:
    """The one entry of an image file: all of it is read, so a cut-off file is found. Never raises for a bad file."""
    try:
        with opened(path) as image:
            height, width = image.height, image.width
            image.draft(image.mode, (1, 1))  # JPEG: the same bytes are parsed, an eighth of the pixels is made
            image.load()
            if image.getexif().get(_ORIENTATION) in _LYING:  # asked after loading, see upright
                height, width = width, height
            if is_deep(image):
                eight_bits(image)
        got_on()
    except Exception as error:  # see decode
        failures.check(error, path)
        return (unreadable(f"{path}: {_said(error)}"),)
    return (still(height, width, "pillow"),)


def still(height: int, width: int, decoder: str) -> VideoInfo:
    """What is known of an image of this size in pixels."""
    return VideoInfo(1, STILL, height, width, decoder)


def resized(picture: Frames, short_side: int | None) -> Frames:
    """uint8 (H, W, 3) with its short side at `short_side` pixels: bilinear, antialiased, as torchvision has it.

    A picture that has the size already is returned as it is, byte by byte.
    """
    height, width = output_size(picture.shape[0], picture.shape[1], short_side)
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))


def repeated(picture: Frames, indices: "Sequence[int] | np.ndarray[Any, np.dtype[np.int64]]", name: object) -> Frames:
    """uint8 (n, H, W, 3): frame 0 once for each of n frame numbers, which are all 0."""
    if not len(indices) or np.any(np.asarray(indices) != 0):
        raise IndexError(f"{name}: frames {list(indices)} of an image, which has frame 0 alone")
    return np.ascontiguousarray(np.repeat(picture[None], len(indices), axis=0))


def upright(image: Any) -> Any:
    """A Pillow image turned as its EXIF orientation says, once.

    Loading a TIFF turns it and takes the orientation away, but its size is the upright one before: so load, then ask.
    """
    image.load()
    return ImageOps.exif_transpose(image) if image.getexif().get(_ORIENTATION, 1) != 1 else image


def _rgb(image: Any) -> Frames:
    image.load()
    if is_deep(image):
        orientation, image = image.getexif().get(_ORIENTATION, 1), Image.fromarray(eight_bits(image))
        image.getexif()[_ORIENTATION] = orientation
    return np.array(upright(image).convert("RGB"))


def _said(error: Exception) -> str:
    return f"cannot be read as an image ({str(error).partition(' <')[0] or type(error).__name__})"
