"""Pictures whose colours say which class each pixel has: what the tests of masks share."""

from pathlib import Path

import numpy as np
from PIL import Image

VOID = 255
COLOURS = np.zeros((256, 3), np.uint8)
COLOURS[:4] = [(20, 60, 200), (200, 60, 20), (60, 200, 90), (220, 220, 60)]


def regions(height: int, width: int, shift: int = 0) -> np.ndarray:
    """uint8 (height, width): four classes in large regions that have no symmetry."""
    labels = np.zeros((height, width), np.uint8)
    labels[: height // 3, : width // 2] = 1
    labels[height // 2 :, width // 3 :] = 2
    labels[height // 4 : 3 * height // 4, 2 * width // 3 :] = 3
    return np.roll(labels, shift, axis=1)


def inner(labels: np.ndarray, reach: int = 2) -> np.ndarray:
    """Where a pixel of (..., H, W) and all within `reach` of it have one class, and the frame does not end."""
    same = np.zeros(labels.shape, bool)
    middle = labels[..., reach:-reach, reach:-reach]
    height, width = middle.shape[-2:]
    windows = [
        labels[..., y : y + height, x : x + width] == middle for y in range(2 * reach + 1) for x in range(2 * reach + 1)
    ]
    same[..., reach:-reach, reach:-reach] = np.logical_and.reduce(windows)
    return same


def agree(frames: np.ndarray, labels: np.ndarray, tolerance: int = 1, reach: int = 2) -> float:
    """The share of pixels that lie within regions; AssertionError where a colour there is not that of its label."""
    within = inner(labels, reach) & (labels != VOID)
    off = np.abs(frames.astype(int) - COLOURS[labels]).max(axis=-1)
    assert (off[within] <= tolerance).all(), f"{(off[within] > tolerance).mean():.1%} of the pixels"
    return float(within.mean())


def save(folder: Path, name: str, labels: np.ndarray, mask: str = "") -> None:
    """Write the picture and the mask of labels: images/<name>.png and masks/<name>.png."""
    for kind, pixels in (("images", COLOURS[labels]), ("masks", labels)):
        path = folder / kind / f"{mask if mask and kind == 'masks' else name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def image_set(root: Path, count: int = 3) -> Path:
    """A data set of the source "image_masks", with pictures of odd sizes."""
    (root / "classes.txt").write_text("sky\nroof\ngrass\nwall\n")
    for part in ("train", "test"):
        for number in range(count):
            save(root / part, f"near/picture{number}", regions(61, 83 + 2 * number, 7 * number))
    return root


def video_set(root: Path, count: int = 2, frames: int = 9) -> Path:
    """A data set of the source "video_masks": what it shows moves three pixels a frame."""
    (root / "classes.txt").write_text("sky\nroof\ngrass\nwall\n")
    for part in ("train", "test"):
        for number in range(count):
            for t in range(frames):
                save(root / part, f"video{number}/{t:05d}", regions(61, 83, 3 * t + 11 * number))
    return root
