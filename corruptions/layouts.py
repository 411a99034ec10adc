"""Pictures as other libraries hold them, turned to uint8 (T, H, W, 3) and back: NumPy, torch, torchvision, Pillow.

Letters name a layout: B samples, T frames, C the three colours, H rows, W columns. A layout is read off the shape:
the colours are the side of 3, rows and columns have 16 pixels or more; a shape that two layouts fit is refused.
Neither torch nor Pillow is imported: who gives a tensor has imported torch.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corruptions.checks import SMALLEST, Frames
from corruptions.exceptions import WrongFrames, known_name

ONE: Final = {3: ("HWC", "CHW"), 4: ("THWC", "TCHW", "CTHW")}  # by the number of sides
MANY: Final = {4: ("BHWC", "BCHW"), 5: ("BTHWC", "BTCHW", "BCTHW")}
LAYOUTS: Final = tuple(name for row in (ONE, MANY) for names in row.values() for name in names)
TAKEN: Final = "give uint8, or floats from 0 to 1 (before they are normalised)"

Clips = list[Frames]


@dataclass(frozen=True)
class Pictures:
    """One picture or clip, or a batch of them, as uint8 arrays, and what puts them back into the form they had."""

    clips: Clips  # each uint8 (T, H, W, 3)
    batch: bool
    video: bool  # whether the form has a side of time
    back: Callable[[Clips], Any]


def is_a(value: object, module: str, name: str) -> bool:
    """Whether a value is of a class of another library, which is not imported for the question."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def is_tensor(value: object) -> bool:
    """Whether a value is a torch tensor, a tv_tensor included."""
    return is_a(value, "torch", "Tensor")


def is_pil(value: object) -> bool:
    """Whether a value is a Pillow image."""
    return is_a(value, "PIL.Image", "Image")


def is_list_of_pictures(value: object) -> bool:
    """Whether a value is a list (no tuple) of Pillow images, or of arrays and tensors with three sides."""
    if type(value) is not list or not value:
        return False
    arrays = all((isinstance(each, np.ndarray) or is_tensor(each)) and each.ndim == 3 for each in value)
    return arrays or all(map(is_pil, value))


def unpack(picture: Any, layout: str | None, batch: bool) -> Pictures:
    """Return the pictures that a value holds.

    Args:
        picture: a Pillow image, an array, a tensor, a tv_tensors.Image or Video, or a list of images or arrays.
        layout: one of LAYOUTS, or None to read it off the type and the shape.
        batch: whether there is a key a sample: four sides are then images, and so is a list.

    Raises:
        WrongFrames: the values are no pixels, or no layout fits, or more than one does.
    """
    if is_pil(picture):
        return Pictures([_from_pil(picture)[None]], False, False, lambda clips: _to_pil(clips[0][0]))
    if isinstance(picture, list):
        return _unpack_list(picture, batch)
    form = layout_of(picture, layout, batch)
    pixels, back = _from_tensor(picture) if is_tensor(picture) else _from_array(picture)
    order = [form.index(letter) for letter in "BTHWC" if letter in form]
    canonical = pixels.transpose(order)
    shape = canonical.shape
    clips = list(canonical if "B" in form else canonical[None])
    video = "T" in form
    clips = [np.ascontiguousarray(clip if video else clip[None]) for clip in clips]

    def rebuild(made: Clips) -> Any:
        stacked = np.stack(made).reshape(shape) if made else canonical
        return back(np.ascontiguousarray(stacked.transpose(np.argsort(order))))

    return Pictures(clips, "B" in form, video, rebuild)


def form_of(shape: Sequence[int], batch: bool = False) -> str:
    """Return the one layout that fits a shape, or raise WrongFrames.

    >>> form_of((8, 3, 112, 112)), form_of((3, 8, 112, 112)), form_of((8, 3, 112, 112), batch=True)
    ('TCHW', 'CTHW', 'BCHW')
    """
    known = MANY if batch and len(shape) == 4 else ONE | {5: MANY[5]}
    fitting = [name for name in known.get(len(shape), ()) if _fits(shape, name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise WrongFrames(
            f"a picture of shape {tuple(shape)} may be {' or '.join(fitting)} (T frames, C colours): say which by "
            "layout="
        )
    raise WrongFrames(
        f"a picture of shape {tuple(shape)}: give RGB in one of the layouts {', '.join(LAYOUTS)}, with 3 colours (C) "
        f"and at least {SMALLEST} rows (H) and columns (W){_hint(shape)}"
    )


def _hint(shape: Sequence[int]) -> str:
    """What to do about other channels than three, or nothing where there are three."""
    if 3 in shape:
        return ""
    return (
        f"; {'leave transparency out, its fourth channel' if 4 in shape[-3:] else 'repeat a grey channel three times'}"
    )


def fits_any(picture: Any, layout: str | None, batch: bool) -> bool:
    """Whether an array, a tensor or a list of them can be a picture: in this layout, or in any."""
    if isinstance(picture, list):
        return all(fits_any(each, None, False) for each in picture)
    shape = tuple(picture.shape)
    known = (
        ((MANY if batch and len(shape) == 4 else ONE | {5: MANY[5]}).get(len(shape), ()))
        if layout is None
        else (layout,)
    )
    return any(len(shape) == len(name) and _fits(shape, name) for name in known)


def _fits(shape: Sequence[int], form: str) -> bool:
    side = dict(zip(form, shape, strict=True))
    return side["C"] == 3 and min(side["H"], side["W"]) >= SMALLEST


def layout_of(picture: Any, layout: str | None, batch: bool) -> str:
    """Return the layout of an array or a tensor: the one named, said by its type, or the one that fits its shape."""
    if not isinstance(picture, np.ndarray) and not is_tensor(picture):
        raise WrongFrames(f"a picture is a {type(picture).__name__}: give a NumPy array, a tensor or a Pillow image")
    shape = tuple(picture.shape)
    said = layout if layout is not None else _form_of_type(picture, len(shape))
    if said is None:
        return form_of(shape, batch)
    known_name("layout", said, LAYOUTS)
    if len(shape) != len(said) or not _fits(shape, said):
        raise WrongFrames(
            f"a picture of shape {shape} is not {said}: C is 3 colours, H and W are {SMALLEST} pixels or more"
        )
    return said


def _form_of_type(picture: Any, sides: int) -> str | None:
    """What torchvision's types say of the layout."""
    if is_a(picture, "torchvision.tv_tensors", "Video"):
        return "BTCHW" if sides == 5 else "TCHW"
    if is_a(picture, "torchvision.tv_tensors", "Image"):
        return "BCHW" if sides == 4 else "CHW"
    return None


def _unpack_list(pictures: list[Any], batch: bool) -> Pictures:
    """A list of images: the frames of one clip, or a batch where there is a key for each."""
    each = [unpack(picture, None, False) for picture in pictures]
    if any(one.video or one.batch for one in each):
        raise WrongFrames("a list of clips: give the images of one clip, or an array of clips with a key for each")

    def rebuild(made: Clips) -> list[Any]:
        frames = made if batch else [frame[None] for frame in made[0]]
        return [one.back([frame]) for one, frame in zip(each, frames, strict=True)]

    if batch:
        return Pictures([one.clips[0] for one in each], True, False, rebuild)
    sizes = dict.fromkeys(one.clips[0].shape[1:3] for one in each)
    if len(sizes) > 1:
        some = ", ".join(f"{height} x {width}" for height, width in [*sizes][:3])
        raise WrongFrames(f"a list of images of several sizes ({some}) is no clip: give each image with its own key")
    return Pictures([np.concatenate([one.clips[0] for one in each])], False, True, rebuild)


def _from_pil(image: Any) -> Frames:
    if image.mode != "RGB":
        raise WrongFrames(
            f'a Pillow image of mode {image.mode}: give image.convert("RGB"), and a mask as a tv_tensors.Mask'
        )
    pixels = np.asarray(image)
    if min(pixels.shape[:2]) < SMALLEST:
        raise WrongFrames(f"an image of {image.width} x {image.height} pixels: the smallest has {SMALLEST} a side")
    return pixels


def _to_pil(pixels: Frames) -> Any:
    return sys.modules["PIL.Image"].fromarray(pixels)


def _from_array(array: NDArray[Any]) -> tuple[Frames, Callable[[Frames], Any]]:
    if array.dtype == np.uint8:
        return np.asarray(array), lambda pixels: pixels
    kind = array.dtype
    if kind.kind != "f":
        raise WrongFrames(f"a picture of {kind} values: {TAKEN}")
    wide = kind.type if kind.itemsize > 2 else np.float32
    return _bytes(np.asarray(array, wide)), lambda pixels: (pixels / wide(255)).astype(kind)


def _from_tensor(tensor: Any) -> tuple[Frames, Callable[[Frames], Any]]:
    """The pixels of a tensor on any device; what comes back has its dtype, device and torchvision type."""
    torch = sys.modules["torch"]
    if tensor.requires_grad:
        raise WrongFrames("a picture that requires gradients: corruptions have none; give picture.detach()")
    if tensor.layout != torch.strided or tensor.is_meta:
        raise WrongFrames("a picture that is sparse or has no values: give a dense tensor")
    plain = tensor.detach().as_subclass(torch.Tensor)
    floats = plain.is_floating_point()
    if not floats and plain.dtype != torch.uint8:
        raise WrongFrames(f"a picture of {plain.dtype} values: {TAKEN}")
    pixels = _bytes(plain.cpu().double().numpy()) if floats else plain.cpu().numpy()

    def back(made: Frames) -> Any:
        shown = torch.from_numpy(made)
        shown = (shown.double() / 255).to(plain.dtype) if floats else shown
        return like(shown.to(plain.device), tensor)

    return pixels, back


def like(made: Any, tensor: Any) -> Any:
    """Return a tensor as the tv_tensor that another one is, if it is one."""
    if is_a(tensor, "torchvision.tv_tensors", "TVTensor"):
        return sys.modules["torchvision.tv_tensors"].wrap(made, like=tensor)
    return made


def _bytes(values: NDArray[Any]) -> Frames:
    """The nearest of the 256 levels of floats in [0, 1]; what would round to another number is refused."""
    scaled = values * 255
    if scaled.size and not (scaled.min() >= -0.5 and scaled.max() <= 255.5):  # NaN is neither
        least, most = float(np.min(values)), float(np.max(values))
        raise WrongFrames(f"a picture of floats from {least:.3g} to {most:.3g}: {TAKEN}")
    return np.asarray(np.rint(scaled).clip(0, 255), np.uint8)
