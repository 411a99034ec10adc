"""A corruption in a pipeline of albumentations: images, videos (`images`), masks and boxes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptions.condition import Condition
from corruptions.exceptions import CorruptionError
from corruptions.layouts import Pictures, unpack
from corruptions.sample import keys_of
from corruptions.targets import Moved, moved_mask
from corruptions.transforms import Corrupt, RandomCorrupt

try:
    from albumentations import DualTransform
except ModuleNotFoundError as error:
    if error.name != "albumentations":
        raise
    raise CorruptionError(
        "ForAlbumentations needs albumentations 2, which is not here: pip install albumentations"
    ) from error

Array = NDArray[Any]


class ForAlbumentations(DualTransform):  # type: ignore[misc]  # albumentations has no types
    """A `Corrupt` or `RandomCorrupt` as a transform of albumentations.

    Of the sample it takes `image` (H, W, 3) or `images` (T, H, W, 3), a clip, `mask` and `masks`, `bboxes`, and `key`:
    A.Compose([A.HorizontalFlip(), ForAlbumentations(Corrupt("fog", 3))])(image=image, key="0/mine/00017"). Where there
    is no `key`, the transform's own source of keys is asked: a KeyCounter, or a function of the dictionary. The random
    numbers of albumentations decide on `p` alone: they are the same in every worker of a DataLoader, keys are not.

    Masks and boxes move where the picture does; boxes beside `images`, and keypoints, cannot and are refused there.

    Raises CorruptionError for another kind of transform.
    """

    def __init__(self, corruption: Corrupt | RandomCorrupt, p: float = 1.0) -> None:
        super().__init__(p=p)
        if not isinstance(corruption, (Corrupt, RandomCorrupt)):
            raise CorruptionError(f"ForAlbumentations({corruption!r}): give a Corrupt or a RandomCorrupt")
        self.corruption = corruption
        self._available_keys.add("key")  # so that strict pipelines hand it on

    @property
    def targets(self) -> dict[str, Any]:
        """What each part of a sample is given to."""
        return {
            "image": self.apply,
            "images": self.apply_to_images,
            "mask": self.apply_to_mask,
            "masks": self.apply_to_masks,
            "bboxes": self.apply_to_bboxes,
            "keypoints": self.apply_to_keypoints,
        }

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """The key and the condition of this sample, and the picture that its labels belong to."""
        if ("images" in data) == ("image" in data):
            raise CorruptionError("a sample for ForAlbumentations holds image, or images, and not both")
        (key,) = keys_of(self.corruption, data, data.get("key"), 1)
        named = "image" if "image" in data else "images"
        return {"condition": self.corruption.condition(key), "key": key, "pictures": self._unpack(data[named], named)}

    def apply(self, img: Array, condition: Condition, key: str, pictures: Pictures, **params: Any) -> Array:
        """The image, or the clip, (H, W, 3) or (T, H, W, 3), corrupted."""
        if not condition.severity:
            return img
        made: Array = pictures.back([condition.corrupt(pictures.clips[0], key)])
        return made

    def apply_to_images(self, images: Array, *args: Any, **params: Any) -> Array:
        """The clip, corrupted as one."""
        return self.apply(images, *args, **params)

    def apply_to_mask(self, mask: Array, *args: Any, **params: Any) -> Array:
        """A mask (H, W), or (H, W, C), moved as the image was."""
        if mask.ndim == 3:
            return np.moveaxis(self._moved(np.moveaxis(mask, -1, 0), **params), 0, -1)
        return self._moved(mask, **params)

    def apply_to_masks(self, masks: Array, *args: Any, **params: Any) -> Array:
        """Masks (N, H, W), moved as the image was, or (T, H, W), as the clip was."""
        return self._moved(masks, **params)

    def apply_to_bboxes(self, bboxes: Array, *args: Any, **params: Any) -> Array:
        """Boxes (N, 4 + fields), corners as shares of the sides, moved as the image was, without those that left it."""
        condition, pictures = params["condition"], params["pictures"]
        frames = pictures.clips[0]
        if not _moves(condition, pictures):
            return bboxes
        if pictures.video:
            raise CorruptionError(
                f"{condition.name} moves the picture, and boxes beside images (T, H, W, 3) cannot move"
            )
        height, width = frames.shape[1:3]
        sides = np.array([width, height, width, height])
        moved = condition.sources(1, (height, width), params["key"]).boxes(bboxes[:, :4].astype(float) * sides) / sides
        made = np.concatenate([moved.astype(bboxes.dtype), bboxes[:, 4:]], axis=1)
        return np.asarray(made[moved[:, 2] > moved[:, 0]])

    def apply_to_keypoints(self, keypoints: Array, *args: Any, **params: Any) -> Array:
        """Keypoints, where the picture stays."""
        if _moves(params["condition"], params["pictures"]) and len(keypoints):
            raise CorruptionError(f"{params['condition'].name} moves the picture, and keypoints cannot move with it")
        return keypoints

    def _unpack(self, pixels: Array, named: str) -> Pictures:
        return unpack(pixels, "HWC" if named == "image" else "THWC", False)

    def _moved(self, mask: Array, condition: Condition, key: str, pictures: Pictures, **params: Any) -> Array:
        if not _moves(condition, pictures):
            return mask
        moved = Moved(condition, key, [pictures], self.corruption.fill)
        return moved_mask(mask, moved, len(pictures.clips[0]), pictures.video)


def _moves(condition: Condition, pictures: Pictures) -> bool:
    return condition.moves == "picture" or (condition.moves == "order" and len(pictures.clips[0]) > 1)
