"""What a transform does to one sample: a corruption of one severity, from one key, on pictures and labels alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corruptions.exceptions import WrongFrames
from corruptions.registry import find

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from corruptions.apply import Resolution, Temporal
    from corruptions.checks import Frames


@dataclass(frozen=True)
class Condition:
    """A corruption and its settings, as `corrupt` takes them, but for the key."""

    name: str
    severity: int
    profile: str | None = None
    temporal: "Temporal" = "default"
    resolution: "Resolution" = "absolute"
    fps: float = 25.0

    @property
    def moves(self) -> str:
        """What becomes of labels of pixels: "picture", "order", or "" where they stay."""
        return find(self.name).moves if self.severity else ""

    def corrupt(self, clip: "Frames", key: str) -> "Frames":
        """Return the bytes of `corruptions.corrupt`, or the clip itself at severity 0."""
        from corruptions.apply import corrupt

        return corrupt(clip, key=key, **self.settings) if self.severity else clip

    def sources(self, n_frames: int, size: tuple[int, int], key: str) -> "Sources":
        """Return where each pixel of a corrupted clip comes from."""
        import numpy as np

        from corruptions.apply import frame_order

        times = np.arange(n_frames)
        if self.moves == "order":
            times = frame_order(self.name, self.severity, n_frames, key, self.profile, self.fps)
        rows = columns = None
        if self.moves == "picture":
            rows, columns = (self._looked_up(n_frames, size, axis, key) for axis in (0, 1))
        return Sources(times, size, rows, columns)

    def _looked_up(self, n_frames: int, size: tuple[int, int], axis: int, key: str) -> "NDArray[np.int64]":
        """The row (axis 0) or column (1) that each pixel shows, int64 (T, H, W), -1 for what is outside the frame.

        Labels move, and they are bytes: a number is labelled byte by byte, counted from 1, so that 0 is outside.
        """
        import numpy as np

        from corruptions.apply import corrupt_labels

        numbers = np.indices(size)[axis] + 1
        found = np.zeros((n_frames, *size), np.int64)
        for byte in range((int(numbers.max()).bit_length() + 7) // 8):
            labels = np.tile((numbers >> 8 * byte).astype(np.uint8), (n_frames, 1, 1))
            moved = corrupt_labels(labels, key=key, fill=0, **self.settings)
            found += moved.astype(np.int64) << 8 * byte
        return found - 1

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of `corrupt`, but for frames and key."""
        names = ("name", "severity", "profile", "temporal", "resolution", "fps")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Sources:
    """Where the pixels of a corrupted clip come from: the frame, and the row and column in it, or None where they stay.

    `times` is int64 (T,), `rows` and `columns` are int64 (T, H, W), -1 where what is shown lies outside the frame.
    """

    times: "NDArray[np.int64]"
    size: tuple[int, int]
    rows: "NDArray[np.int64] | None"
    columns: "NDArray[np.int64] | None"

    def mask(self, mask: "NDArray[Any]", video: bool, fill: Any) -> "NDArray[Any]":
        """Return a mask moved as the picture was: any dtype, (..., H, W), or (T, ..., H, W) beside a video."""
        import numpy as np

        if mask.shape[-2:] != self.size or (video and (mask.ndim < 3 or len(mask) != len(self.times))):
            wanted = f"({len(self.times)}, ..., {self.size[0]}, {self.size[1]})" if video else f"(..., {self.size})"
            raise WrongFrames(f"a mask of shape {mask.shape} beside a picture whose masks have shape {wanted}")
        moved = mask[self.times] if video else mask.copy()
        if self.rows is None or self.columns is None:
            return moved
        outside = self.rows < 0
        for labels, rows, columns, void in zip(
            moved if video else moved[None], self.rows, self.columns, outside, strict=True
        ):
            labels[...] = np.where(void, fill, labels[..., rows, columns])
        return moved

    def boxes(self, corners: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return the smallest boxes (N, 4) around what boxes x1, y1, x2, y2 hold, to the pixel; 0, 0, 0, 0 of nothing.

        A pixel is in a box where its middle is. Boxes belong to one frame.
        """
        import numpy as np

        if self.rows is None or self.columns is None:
            return corners.copy()
        y, x = self.rows[0] + 0.5, self.columns[0] + 0.5
        moved = np.zeros_like(corners)
        for number, (left, top, right, bottom) in enumerate(corners):
            inside = (self.rows[0] >= 0) & (x > left) & (x < right) & (y > top) & (y < bottom)
            if inside.any():
                down, across = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
                moved[number] = across[0], down[0], across[-1] + 1, down[-1] + 1
        return moved
