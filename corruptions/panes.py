"""What frost is cut from: the textures of `ice`, or photographs of one's own.

The choice is that of the caller's thread; processes that are started meanwhile inherit it through the environment.
"""

import math
import os
from contextvars import ContextVar, Token
from functools import lru_cache
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions import ice
from corruptions.exceptions import CorruptionError

Pixels = NDArray[np.uint8]

VARIABLE: Final = "CORRUPTIONS_FROST_TEXTURES"  # names the folder to processes that are started later
SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
LEAST: Final = 16  # pixels a side

_chosen: ContextVar[str | None] = ContextVar("frost_textures", default=None)


class frost_textures:
    """Cut frost from the photographs of a folder instead of the grown textures, or, given None, from those again.

    The choice holds from the call on, or inside a `with` block only. Photographs are taken in the order of their names,
    each as often as the others; `corruptions.fingerprint()` names their digest. Windows are drawn as published: on the
    photograph at its own scale (x 0.2 in cifar_c, x 0.3 in tiny_c), from any place where they fit; a photograph that is
    smaller than the window is enlarged. One window a video in static, one that wanders over the same photograph in
    drift, one a frame in independent. Files are read once a process: a changed set needs a folder of another name.

    folder      a folder that holds .bmp, .jpeg, .jpg, .png, .tif, .tiff or .webp files of at least 16 x 16 pixels

    Raises CorruptionError, which names the folder or file, where there are none or one cannot be read.

    >>> with frost_textures(None):
    ...     pass
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        path = "" if folder is None else str(Path(folder).expanduser().absolute())
        if path:
            photographs(path)
        self._before = os.environ.get(VARIABLE)
        self._token: Token[str | None] = _chosen.set(path)
        os.environ[VARIABLE] = path

    def __enter__(self) -> None:
        """Nothing more: the choice holds already."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _chosen.reset(self._token)
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before


def folder_in_use() -> str:
    """Return the folder of the photographs, or "" where frost is cut from the grown textures."""
    chosen = _chosen.get()
    return os.environ.get(VARIABLE, "") if chosen is None else chosen


def digest_in_use() -> str:
    """Return the digest of the photographs in use, or "" where there are none."""
    folder = folder_in_use()
    return photographs(folder)[1] if folder else ""


@lru_cache(maxsize=4)
def photographs(folder: str) -> tuple[tuple[Pixels, ...], str]:
    """Return the photographs of a folder by name, read-only uint8 (H, W, 3) RGB, and the digest of their pixels."""
    try:
        files = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise CorruptionError(f"frost_textures: cannot list {folder}: {error.strerror}") from error
    if not files:
        raise CorruptionError(f"frost_textures: {folder} holds no picture ({', '.join(SUFFIXES)})")
    pictures = tuple(_read(file) for file in files)
    digest = blake2b(digest_size=8)
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return pictures, digest.hexdigest()


_LOSSLESS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # modes of 8 bits, of which OpenCV too drops the alpha


def _read(file: Path) -> Pixels:
    """Read a picture as the published program does, with OpenCV, but refuse one that is cut off or no picture."""
    try:
        content = file.read_bytes()
        with Image.open(BytesIO(content)) as image:
            image.load()
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            if pixels is None and image.mode in _LOSSLESS:  # OpenCV reads no PNG where decord was loaded before it
                pixels = np.asarray(image.convert("RGB"))[..., ::-1]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, cv2.error) as error:
        raise CorruptionError(f"frost_textures: cannot read {file}: {error}") from error
    if pixels is None or min(pixels.shape[:2]) < LEAST:
        what = "OpenCV cannot read" if pixels is None else f"fewer than {LEAST} pixels a side in"
        raise CorruptionError(f"frost_textures: {what} {file}")
    picture: Pixels = np.ascontiguousarray(pixels[..., ::-1], np.uint8)
    picture.flags.writeable = False
    return picture


def window(number: float, down: float, right: float, shape: tuple[int, int], scale: float) -> Pixels:
    """Return a window of `shape` from one of the panes, drawn by three numbers in [0, 1]: uint8 (H, W, 3).

    `scale` is that of the table, which shrinks the pane, times that of the frame.
    """
    folder = folder_in_use()
    if not folder:
        return _from_texture(_pick(number, ice.TEXTURES), down, right, shape, scale)
    pictures, _ = photographs(folder)
    return _from_photograph(pictures[_pick(number, len(pictures))], down, right, shape, scale)


def _pick(u: float, count: int) -> int:
    """Return one of `count` numbers from 0; 1 itself, which drift may give, belongs to the last."""
    return min(int(u * count), count - 1)


def _from_texture(number: int, down: float, right: float, shape: tuple[int, int], scale: float) -> Pixels:
    height, width = shape
    side = max(round(ice.SIDE * scale), height, width)  # a larger frame enlarges the ice
    rows, columns = (np.arange(height) + int(down * side)) % side, (np.arange(width) + int(right * side)) % side
    return np.asarray(cv2.resize(ice.texture(number), (side, side))[rows[:, None], columns], np.uint8)


def _from_photograph(picture: Pixels, down: float, right: float, shape: tuple[int, int], scale: float) -> Pixels:
    pane = picture if scale == 1 else cv2.resize(picture, None, fx=scale, fy=scale)
    short = max(wanted / there for wanted, there in zip(shape, pane.shape[:2], strict=True))
    if short > 1:
        height, width = (math.ceil(side * short - 1e-6) for side in pane.shape[:2])
        pane = cv2.resize(picture, (width, height))
    top, left = (_pick(u, max(pane.shape[axis] - shape[axis], 1)) for axis, u in enumerate((down, right)))
    return np.asarray(pane[top : top + shape[0], left : left + shape[1]], np.uint8)
