"""How strong each level of our own corruptions is on real clips, and which level reaches a target.

    python -m tools.corruption_levels CLIPS measure [NAME ...]    what camera_c and video_c do at 112 and 224 px
    python -m tools.corruption_levels CLIPS solve [NAME ...]      the levels that meet the targets of camera_c

CLIPS is a folder of videos, one folder a class: three clips of each are taken, evenly spread.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import REGISTRY, Corruption, corrupt, frame_order
from corruptions.row import Level, Table
from corruptions.tables_calibrated import CALIBRATED
from corruptions.tables_camera import CAMERA, TARGETS_CAMERA

Clip = NDArray[np.uint8]
Metric = Callable[[Clip, Clip], float]

SIDES, FRAMES, KEYS = (112, 224), 64, 2
SHOWN = (0, 10, 20, 28)  # frames of a clip that are compared, where the whole video is not coded
_ROUNDS, _BEYOND = 9, 2.0  # of a bisection, and how many levels beyond the ends of a table it looks


def read(path: Path, side: int) -> Clip:
    """Return the first frames' centre, as the main job sees it: uint8 (at most 64, side, side, 3)."""
    frames, short = [], side * 128 // 112
    with av.open(str(path)) as container:
        for picture in islice(container.decode(video=0), FRAMES):
            frame = picture.to_ndarray(format="rgb24")
            height, width = (round(length * short / min(frame.shape[:2])) for length in frame.shape[:2])
            top, left = (height - side) // 2, (width - side) // 2
            fitted = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            frames.append(fitted[top : top + side, left : left + side])
    return np.stack(frames)


def spread(paths: Sequence[Path], count: int, side: int) -> list[Clip]:
    """Return so many of the videos, evenly spread over the list."""
    return [read(paths[i], side) for i in np.linspace(0, len(paths) - 1, count).astype(int)]


def clips_of(folder: Path, side: int) -> list[Clip]:
    """Return three clips of each class, evenly spread over those of the first fourteen groups."""
    found = [sorted(f.glob("v_*_g0*.avi")) + sorted(f.glob("v_*_g1[0-4]*.avi")) for f in sorted(folder.iterdir())]
    return [clip for paths in found for clip in spread(paths, 3, side)]


def psnr(clean: Clip, corrupted: Clip) -> float:
    """Peak signal-to-noise ratio in decibels; 100 where nothing is changed."""
    error = float(np.mean((clean.astype(float) - corrupted) ** 2))
    return float(min(10 * np.log10(255**2 / max(error, 1e-9)), 100))


def ssim(clean: Clip, corrupted: Clip) -> float:
    """Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004, equation 13."""
    values = []
    for frames in zip(clean, corrupted, strict=True):
        x, y = (frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) for frame in frames)
        mx, my, xx, yy, xy = (cv2.GaussianBlur(plane, (11, 11), 1.5) for plane in (x, y, x * x, y * y, x * y))
        structure = (2 * (xy - mx * my) + 58.5225) / (xx - mx * mx + yy - my * my + 58.5225)
        values.append(np.mean((2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025) * structure))
    return float(np.mean(values))


def on_clips(record: Corruption, profile: str, severity: int, clips: Sequence[Clip], metric: Metric) -> float:
    """Return the mean of a metric over clips and keys, each clip on its own."""
    whole, values = record.support in ("video", "order", "window"), list[float]()
    for number, clip in enumerate(clips):
        shown = np.arange(len(clip)) if whole else np.array(SHOWN)
        for key in range(KEYS if record.random else 1):
            made = corrupt(clip, record, severity, f"{key}/{number}", profile=profile, resolution="relative",
                           outputs=shown)  # fmt: skip
            values.append(metric(clip[shown], made))
    return float(np.mean(values))


def travel(record: Corruption, profile: str, severity: int, side: int) -> float:
    """Return the mean distance by which a pixel is displaced, in percent of the side."""
    y, x = np.mgrid[:side, :side]
    step = 224 // side
    picture = np.stack([step * x, step * y, np.full_like(x, 200)], axis=-1).astype(np.uint8)
    distances = []
    for key in range(200):
        seen = corrupt(picture[None], record, severity, str(key), profile=profile, resolution="relative")[0] * 1.0
        distances.append(np.hypot(seen[..., 0] / step - x, seen[..., 1] / step - y)[seen[..., 2] == 200].mean())
    return 100 * float(np.mean(distances)) / side


def delay(record: Corruption, profile: str, severity: int) -> float:
    """Return log2 of the mean number of frames between a frame shown and the one due, in a video of 300 frames."""
    late = [
        np.abs(frame_order(record, severity, 300, str(key), profile=profile) - np.arange(300)).mean()
        for key in range(20)
    ]
    return float(np.mean(np.log2(late)))


def value(record: Corruption, profile: str, severity: int, metric: str, clips: dict[int, list[Clip]]) -> float:
    """Return what a level does, by the metric of its target, as the mean over both sizes."""
    if metric == "delay":
        return delay(record, profile, severity)
    if metric == "travel":
        return float(np.mean([travel(record, profile, severity, side) for side in clips]))
    of = {"psnr": psnr, "ssim": ssim}[metric]
    return float(np.mean([on_clips(record, profile, severity, some, of) for some in clips.values()]))


def level_at(table: Table, place: float) -> Level:
    """Return the parameters at a place between the levels of a table: 0 is level 1, 4 level 5, beyond goes on as there.

    Each parameter by itself, in equal ratios; one that does not change stays as it is.

    >>> [level_at(((1, 4), (2, 4), (8, 4), (16, 4), (32, 4)), place) for place in (0.5, 2, 5)]
    [(1.4142135623730951, 4), (8.0, 4), (64.0, 4)]
    """
    row = min(max(int(np.floor(place)), 0), len(table) - 2)
    pairs = zip(table[row], table[row + 1], strict=True)
    return tuple(low if low == high else low * (high / low) ** (place - row) for low, high in pairs)


def solve(name: str, clips: dict[int, list[Clip]]) -> list[Level]:
    """Return five levels that meet the targets, by bisection along the present table and a way beyond its ends."""
    metric, mild, severe = TARGETS_CAMERA[name]
    table, found = CAMERA[name], list[Level]()
    for target in np.linspace(mild, severe, 5):
        low, high = -_BEYOND, len(table) - 1 + _BEYOND
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            record = replace(REGISTRY[name], levels={"camera_c": (level_at(table, middle),) * 5})
            stronger = np.sign(severe - mild) * (value(record, "camera_c", 3, metric, clips) - target) > 0
            low, high = (low, middle) if stronger else (middle, high)
        level = level_at(table, (low + high) / 2)
        found.append(tuple(each if each in table[0] else float(f"{each:.3g}") for each in level))
    return found


def measure(name: str, profile: str, clips: dict[int, list[Clip]]) -> dict[str, list[float]]:
    """Return PSNR at each size, and SSIM as the mean over both, at levels 1 to 5."""
    record, levels = REGISTRY[name], range(1, 6)
    rows = {f"psnr_{side}": [on_clips(record, profile, s, some, psnr) for s in levels] for side, some in clips.items()}
    rows["ssim"] = [
        float(np.mean([on_clips(record, profile, s, some, ssim) for some in clips.values()])) for s in levels
    ]
    return {row: [round(each, 3) for each in values] for row, values in rows.items()}


def asked(arguments: Sequence[str]) -> tuple[Path, str, list[tuple[str, str]]]:
    """Return the folder of clips, the task and the cells (corruption, profile); SystemExit says what is wrong."""
    if len(arguments) < 2 or arguments[1] not in ("measure", "solve") or not Path(arguments[0]).is_dir():
        raise SystemExit(
            f"{__doc__}\n{' '.join(arguments) or 'nothing'}: give a folder of clips, then measure or solve"
        )
    folder, task, *names = arguments
    cells = [(name, "camera_c") for name in (TARGETS_CAMERA if task == "solve" else CAMERA)]
    cells += [(name, "video_c") for name in CALIBRATED] if task == "measure" else []
    unknown = sorted(set(names) - {name for name, _ in cells})
    if unknown:
        raise SystemExit(f"{task} {' '.join(unknown)}: it is known of {', '.join(name for name, _ in cells)}")
    return Path(folder), task, [cell for cell in cells if not names or cell[0] in names]


def main(arguments: Sequence[str]) -> None:
    """Measure or solve, and write one JSON object a name to standard output."""
    folder, task, cells = asked(arguments)
    clips = {side: clips_of(folder, side) for side in SIDES}
    for name, profile in cells:
        made: object = solve(name, clips) if task == "solve" else measure(name, profile, clips)
        sys.stdout.write(json.dumps({"name": name, "profile": profile, task: made}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
