"""Labels beside a picture: masks and boxes of torchvision that move along, and what has to be refused."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptions.condition import Condition
from corruptions.exceptions import CorruptionError, WrongFrames
from corruptions.layouts import Pictures, is_a, is_tensor, like

TV = "torchvision.tv_tensors"
VOID, NOTHING = 255, 0  # labels of what lies outside: in a map of labels, and in the mask of an object


@dataclass(frozen=True)
class Moved:
    """How the pictures of a sample were moved."""

    condition: Condition
    key: str
    pictures: list[Pictures]
    fill: int | None

    def beside(self, size: tuple[int, ...]) -> Pictures:
        """The picture of this height and width."""
        for each in self.pictures:
            if each.clips[0].shape[1:3] == size:
                return each
        sizes = ", ".join(str(each.clips[0].shape[1:3]) for each in self.pictures)
        raise WrongFrames(
            f"labels of a picture of {size} beside pictures of {sizes} pixels: {self.condition.name} moves both"
        )


def moves_along(leaf: Any, pictures: list[Pictures]) -> bool:
    """Whether a part of a sample that is no picture belongs to the pixels of one."""
    if is_a(leaf, TV, "TVTensor"):
        return True
    if not (is_tensor(leaf) or isinstance(leaf, np.ndarray)) or leaf.ndim < 2:
        return False
    sizes = {picture.clips[0].shape[1:3] for picture in pictures}
    return tuple(leaf.shape[-2:]) in sizes or tuple(leaf.shape[-3:-1]) in sizes


def move(leaf: Any, moved: Moved) -> Any:
    """Return a mask or boxes moved as the picture beside them was."""
    if is_a(leaf, TV, "Mask"):
        return _mask(leaf, moved)
    if is_a(leaf, TV, "BoundingBoxes"):
        return _boxes(leaf, moved)
    name = type(leaf).__name__
    raise CorruptionError(
        f"{moved.condition.name} moves the picture, and a {name} of shape {tuple(leaf.shape)} beside it would stay: "
        "make masks a tv_tensors.Mask and boxes BoundingBoxes, or move masks by corruptions.corrupt_labels"
    )


def _mask(leaf: Any, moved: Moved) -> Any:
    torch, mask = sys.modules["torch"], leaf.detach().cpu()
    picture = moved.beside(tuple(leaf.shape[-2:]))
    frames = picture.clips[0]
    values = mask.as_subclass(torch.Tensor).numpy()
    made = moved_mask(values, moved, len(frames), picture.video)
    return like(torch.from_numpy(made).to(leaf.device), leaf)


def moved_mask(values: NDArray[Any], moved: Moved, n_frames: int, video: bool) -> NDArray[Any]:
    """Return a mask (..., H, W), or (T, ..., H, W) beside a video, moved as the picture was."""
    condition = moved.condition
    fill = NOTHING
    if condition.moves == "picture":
        fill = label_outside(values, moved.fill, video, condition.name)
    size = (values.shape[-2], values.shape[-1])
    return condition.sources(n_frames, size, moved.key).mask(values, video, fill)


def label_outside(values: NDArray[Any], fill: int | None, video: bool, name: str) -> int:
    """Return the label of what lies outside the frame: the one asked for, or that of the form of the mask.

    >>> label_outside(np.zeros((16, 16), np.uint8), None, False, "rotate")
    255
    """
    if values.dtype == np.bool_:
        return bool(fill)
    if fill is None:
        sides = values.ndim - video
        if sides == 3 and values.shape[-3] == 1:
            raise CorruptionError(
                f"a mask of shape {values.shape} beside {name}: say what lies outside the frame, fill=255 where it is "
                "a map of labels, fill=0 where it is the mask of one object"
            )
        fill = VOID if sides == 2 else NOTHING
    if values.dtype.kind in "iu" and not np.iinfo(values.dtype).min <= fill <= np.iinfo(values.dtype).max:
        raise CorruptionError(f"a mask of {values.dtype} cannot hold the label {fill} of what lies outside: give fill=")
    return fill


def _boxes(leaf: Any, moved: Moved) -> Any:
    torch, condition = sys.modules["torch"], moved.condition
    picture = moved.beside(tuple(leaf.canvas_size))
    frames = picture.clips[0]
    if picture.video and len(frames) > 1:
        raise CorruptionError(
            f"{condition.name} moves the picture, and which of {len(frames)} frames the boxes belong to is not said: "
            "give masks (T, N, H, W) of the objects instead"
        )
    form = leaf.format.value
    if form not in _CORNERS:
        raise CorruptionError(f"boxes of format {form} are not moved by {condition.name}: give XYXY, XYWH or CXCYWH")
    to_corners, from_corners = _CORNERS[form]
    values = leaf.detach().cpu().as_subclass(torch.Tensor).double().numpy()
    size = (int(leaf.canvas_size[0]), int(leaf.canvas_size[1]))
    corners = condition.sources(1, size, moved.key).boxes(to_corners(values))
    made = torch.from_numpy(from_corners(corners)).to(leaf.dtype).to(leaf.device)
    return like(made, leaf)


def _same(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return boxes


def _from_xywh(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _to_xywh(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def _from_cxcywh(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def _to_cxcywh(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


_CORNERS = {"XYXY": (_same, _same), "XYWH": (_from_xywh, _to_xywh), "CXCYWH": (_from_cxcywh, _to_cxcywh)}
