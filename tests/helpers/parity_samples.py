"""Values that the published programs of ImageNet-C and CIFAR-C give our drawn frame, at 12 x 12 places.

`PYTHONPATH=tests python -m helpers.parity_samples CLONES` makes `corruptions/data/parity_samples.json` again, with what
`parity_published.py` asks for. Of corruptions without draws every severity; of the others, in ImageNet-C, what they
give after `np.random.seed(0)`, for tests that hand ours the same draws. Bytes of (12, 12, 3), in base64.
"""

import json
import sys
import warnings
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from helpers.parity_published import SIDES, hendrycks, prepare
from helpers.parity_statistics import Clip, drawn_clip

PATH: Final = Path(__file__).parents[1] / "corruptions" / "data" / "parity_samples.json"
WITHOUT_DRAWS: Final = ("gaussian_blur", "defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate",
                        "jpeg_compression", "saturate")  # fmt: skip
DRAWN: Final = ("glass_blur", "motion_blur", "snow", "fog", "elastic_transform", "spatter")
GRID: Final = 12


def frame_of(profile: str) -> Clip:
    """The frame uint8 (1, S, S, 3) that is corrupted."""
    return drawn_clip(profile, SIDES[profile], 1)


def sampled(frames: Clip) -> NDArray[np.uint8]:
    """The values of one frame (1, S, S, 3) at the places: uint8 (12, 12, 3)."""
    side = frames.shape[1]
    places = np.arange(GRID) * side // GRID + side // (2 * GRID)
    return np.ascontiguousarray(frames[0][places][:, places])


def published(cell: str) -> NDArray[np.uint8]:
    """What the published program gives at the places, of a cell `profile/corruption/severity`."""
    text: str = json.loads(PATH.read_text())[cell]
    return np.frombuffer(b64decode(text), np.uint8).reshape(GRID, GRID, 3)


def main(clones: Path) -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    prepare()
    held: dict[str, str] = {}
    for profile, names, severities in (
        ("imagenet_c", WITHOUT_DRAWS, range(1, 6)),
        ("cifar_c", WITHOUT_DRAWS, range(1, 6)),
        ("imagenet_c", DRAWN, (1, 3, 5)),
    ):
        make = hendrycks(clones, profile)
        for name in names:
            for severity in severities:
                made = make(name, severity, frame_of(profile), 0)
                held[f"{profile}/{name}/{severity}"] = b64encode(sampled(made).tobytes()).decode()
    lines = ",\n".join(f"{json.dumps(cell)}: {json.dumps(text)}" for cell, text in held.items())
    PATH.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
