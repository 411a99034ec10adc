"""Named ways to look at a test video: how many clips of it, where they lie in time and in the frame."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Protocol:
    """Clips a video (`views`, in time), crops a clip (in space), and what they are cut from.

    `sampling` None is that of the training. The predictions of a video are the mean softmax over views and crops.
    """

    name: str
    views: int
    crops: int
    canvas: str
    sampling: str | None
    source: str

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of the `evaluation` block that it sets."""
        return {"views": self.views, "crops": self.crops, "canvas": self.canvas, "sampling": self.sampling}


_ROWS = (
    Protocol("centre", 1, 1, "crop", None, "the centre of the middle clip: for corruption sweeps"),
    Protocol("10x1", 10, 1, "crop", None, "ten clips over the video, the centre of each (Tran et al. 2015, C3D)"),
    Protocol("10x3", 10, 3, "frame", None, "ten clips, three crops of each (Wang et al. 2018, Non-local)"),
    Protocol("five_crop", 1, 5, "frame", None, "the four corners and the centre of the middle clip"),
    Protocol("torchvision", 5, 1, "crop", "dense", "five clips, the centre of each (references/video_classification)"),
    Protocol("slowfast", 10, 3, "frame", "dense", "Feichtenhofer et al. 2019: ten dense clips, three crops"),
    Protocol("paper", 1, 1, "crop", "uniform", "the middles of T segments (Schiappa et al. 2023, arXiv 2410.03030)"),
)
PROTOCOLS: dict[str, Protocol] = {row.name: row for row in _ROWS}
