"""Grey pictures of more than 8 bits, scaled by the range that their format has: Pillow would clip them to white."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.reading.frames import Frames

_BITS, _PHOTOMETRIC, _LEAST, _MOST = 258, 262, (340, 280), (341, 281)  # TIFF tags; the signed ones come first
_WHITE_IS_ZERO: Final = 0


def is_deep(image: Any) -> bool:
    """Whether a Pillow image has one channel of 16-bit or 32-bit integers, or of floating-point numbers."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def eight_bits(image: Any) -> Frames:
    """uint8 (H, W) of such an image; 16 bits keep their upper half. ValueError where nothing says what is white."""
    values = np.asarray(image)
    black, white = _range(image, values)
    if not (np.isfinite(values).all() and black <= values.min() and values.max() <= white):
        raise ValueError(
            f"its grey levels go from {values.min():g} to {values.max():g}, not from {black:g} to {white:g}"
        )
    if values.dtype.kind in "iu" and black == 0 and (white + 1) % 256 == 0:
        grey = values // ((white + 1) // 256)
    else:
        grey = np.rint((values.astype(np.float64) - black) * (255 / (white - black)))
    levels: NDArray[np.uint8] = grey.astype(np.uint8)
    return 255 - levels if _tags(image).get(_PHOTOMETRIC) == _WHITE_IS_ZERO else levels


def _range(image: Any, values: NDArray[Any]) -> tuple[float, float]:
    """The values of black and white: of the format, else those that the tags of a TIFF state."""
    tags = _tags(image)
    if image.mode.startswith("I;16"):
        bits = tags.get(_BITS, (16,))[0]
        return 0, (1 << bits) - 1
    if image.mode == "I" and image.format in ("PPM", "PNG"):  # Pillow has scaled these to 16 bits
        return 0, 65535
    stated = [next((_first(tags[tag]) for tag in each if tag in tags), None) for each in (_LEAST, _MOST)]
    if stated[1] is not None and stated[1] > (stated[0] or 0):
        return stated[0] or 0, stated[1]
    if image.mode == "F":
        return 0, 1
    raise ValueError(
        f"its grey levels are 32-bit integers from {values.min()} to {values.max()}, and nothing in the file says "
        "which is white; save it with 8 or 16 bits"
    )


def _tags(image: Any) -> Any:
    return getattr(image, "tag_v2", {})


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value
