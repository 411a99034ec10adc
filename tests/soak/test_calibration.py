"""What each level of `video_c` does to real and to made video, beside its target: `make soak`, or this file alone."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt, frame_order, suite
from corruptions.tables_calibrated import TARGETS
from vidsparse.data.sample import ensure_sample

Clip = NDArray[np.uint8]
UCF101 = Path(__file__).resolve().parents[2] / "../shared/data/ucf101/videos"
SIDE, FRAMES = 112, 64
# by how much a mean over nine clips may miss its target; damage depends on where the few hits fall
TOLERANCE = {"ssim": 0.03, "psnr": 1.0, "chroma": 0.03, "travel": 0.3, "held": 0.03, "delay": 0.3}


def read(path: Path) -> Clip:
    """Return the first frames' centre, as the main job sees it: uint8 (at most 64, 112, 112, 3)."""
    frames = []
    with av.open(str(path)) as container:
        for picture in islice(container.decode(video=0), FRAMES):
            frame = picture.to_ndarray(format="rgb24")
            height, width = (round(side * 128 / min(frame.shape[:2])) for side in frame.shape[:2])
            top, left = (height - SIDE) // 2, (width - SIDE) // 2
            small = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            frames.append(small[top : top + SIDE, left : left + SIDE])
    return np.stack(frames)


def spread(paths: list[Path], count: int) -> list[Clip]:
    return [read(paths[i]) for i in np.linspace(0, len(paths) - 1, count).astype(int)]


@pytest.fixture(scope="module")
def real() -> list[Clip]:
    if not UCF101.is_dir():
        pytest.skip("no UCF101 clips beside the repository")
    return [clip for folder in sorted(UCF101.iterdir()) for clip in spread(sorted(folder.glob("*.avi")), 3)]


@pytest.fixture(scope="module")
def made() -> list[Clip]:
    return spread(sorted(ensure_sample().rglob("*.avi")), 6)


def ssim(clean: Clip, corrupted: Clip) -> float:
    """Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004, equation 13."""
    values = []
    for frames in zip(clean, corrupted, strict=True):
        x, y = (frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) for frame in frames)
        mx, my, xx, yy, xy = (cv2.GaussianBlur(plane, (11, 11), 1.5) for plane in (x, y, x * x, y * y, x * y))
        structure = (2 * (xy - mx * my) + 58.5225) / (xx - mx * mx + yy - my * my + 58.5225)
        values.append(np.mean((2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025) * structure))
    return float(np.mean(values))


def psnr(clean: Clip, corrupted: Clip) -> float:
    error = float(np.mean((clean.astype(float) - corrupted) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def chroma(clean: Clip, corrupted: Clip) -> float:
    before, after = (np.ptp(frames, axis=3) for frames in (clean, corrupted))
    return float(np.mean(after) / np.mean(before))


def on_clips(name: str, severity: int, clips: list[Clip], metric: Callable[[Clip, Clip], float]) -> float:
    whole = REGISTRY[name].support == "video"
    keys = 4 if whole and REGISTRY[name].random else 1
    values = []
    for number, clip in enumerate(clips):
        shown = np.arange(len(clip)) if whole else np.array([0, 10, 20, 28])
        for key in range(keys):
            coded = corrupt(clip, name, severity, f"{key}/{number}", profile="video_c", resolution="relative",
                            outputs=shown)  # fmt: skip
            values.append(metric(clip[shown], coded))
    return float(np.mean(values))


def travel(name: str, severity: int) -> float:
    """Corrupt a picture whose red and green are its coordinates; what comes from outside has no blue."""
    y, x = np.mgrid[:SIDE, :SIDE]
    picture = np.stack([2 * x, 2 * y, np.full_like(x, 200)], axis=-1).astype(np.uint8)
    distances = []
    for key in range(500):
        seen = corrupt(picture[None], name, severity, str(key), profile="video_c", resolution="relative")[0] * 1.0
        distances.append(np.hypot(seen[..., 0] / 2 - x, seen[..., 1] / 2 - y)[seen[..., 2] == 200].mean())
    return 100 * float(np.mean(distances)) / SIDE


def on_time(name: str, severity: int, metric: str) -> float:
    values = []
    for key in range(20):
        order = frame_order(name, severity, 300, str(key), profile="video_c")
        late = np.abs(order - np.arange(300)).mean()
        values.append(np.log2(late) if metric == "delay" else np.mean(np.diff(order) == 0))
    return float(np.mean(values))


@pytest.mark.parametrize("name", suite("video_c"))
def test_levels_meet_their_targets_on_real_video(name: str, real: list[Clip], made: list[Clip]) -> None:
    metric, mild, severe = TARGETS[name]
    targets = np.linspace(mild, severe, 5)
    measures = {"ssim": ssim, "psnr": psnr, "chroma": chroma}
    rows: dict[str, list[float]] = {}
    for severity in range(1, 6):
        if metric in measures:
            rows.setdefault("real", []).append(on_clips(name, severity, real, measures[metric]))
            rows.setdefault("made", []).append(on_clips(name, severity, made, measures[metric]))
            if metric != "psnr":
                rows.setdefault("psnr", []).append(on_clips(name, severity, real, psnr))
        else:
            value = travel(name, severity) if metric == "travel" else on_time(name, severity, metric)
            rows.setdefault("any", []).append(value)
    for row, values in {"target": targets.tolist(), **rows}.items():
        print(f"\n{name:17} {metric:7} {row:7}" + "".join(f"{value:8.2f}" for value in values), end="")
    direction = np.sign(severe - mild)
    assert all((np.diff(values) * (-1 if row == "psnr" else direction) > 0).all() for row, values in rows.items())
    assert np.abs(next(iter(rows.values())) - targets).max() < TOLERANCE[metric]
