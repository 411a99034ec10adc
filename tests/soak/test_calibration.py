"""What each level of `video_c` does to real and to made video at two sizes, beside its target: `make soak`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt, frame_order, suite
from corruptions.tables_calibrated import TARGETS
from corruptions.tables_camera import TARGETS_CAMERA
from tools import corruption_levels
from tools.corruption_levels import clips_of, psnr, spread, ssim
from vidsparse.data.datasets.sample_videos import ensure_sample

Clip = NDArray[np.uint8]
UCF101 = Path(__file__).resolve().parents[2] / "../shared/data/ucf101/videos"
SIDES = (112, 224)
# levels kept from version 1 of the suite, which was set at 112 px alone: there they meet their targets; what is coded
# at 224 px loses up to 2.7 dB less
AT_112 = ("clip_motion_blur", "translate", "h264_crf", "h265_crf", "bit_error", "packet_loss")
# by how much a mean over nine clips may miss its target; damage depends on where the few hits fall
TOLERANCE = {"ssim": 0.03, "psnr": 1.0, "chroma": 0.03, "travel": 0.3, "held": 0.03, "delay": 0.3}


@pytest.fixture(scope="module")
def real() -> dict[int, list[Clip]]:
    if not UCF101.is_dir():
        pytest.skip("no UCF101 clips beside the repository")
    return {side: clips_of(UCF101, side) for side in SIDES}


@pytest.fixture(scope="module")
def made() -> list[Clip]:
    return spread(sorted(ensure_sample().rglob("*.avi")), 6, SIDES[0])


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


def travel(name: str, severity: int, side: int) -> float:
    """Corrupt a picture whose red and green are its coordinates; what comes from outside has no blue."""
    y, x = np.mgrid[:side, :side]
    step = 224 // side
    picture = np.stack([step * x, step * y, np.full_like(x, 200)], axis=-1).astype(np.uint8)
    distances = []
    for key in range(500):
        seen = corrupt(picture[None], name, severity, str(key), profile="video_c", resolution="relative")[0] * 1.0
        distances.append(np.hypot(seen[..., 0] / step - x, seen[..., 1] / step - y)[seen[..., 2] == 200].mean())
    return 100 * float(np.mean(distances)) / side


def on_time(name: str, severity: int, metric: str) -> float:
    values = []
    for key in range(20):
        order = frame_order(name, severity, 300, str(key), profile="video_c")
        late = np.abs(order - np.arange(300)).mean()
        values.append(np.log2(late) if metric == "delay" else np.mean(np.diff(order) == 0))
    return float(np.mean(values))


@pytest.mark.parametrize("name", suite("video_c_2"))
def test_levels_meet_their_targets_on_real_video(name: str, real: dict[int, list[Clip]], made: list[Clip]) -> None:
    """The mean over both sizes (or at 112 px) meets the target; at each and on made video every level is harder."""
    metric, mild, severe = TARGETS[name]
    targets = np.linspace(mild, severe, 5)
    measures = {"ssim": ssim, "psnr": psnr, "chroma": chroma}
    rows: dict[str, list[float]] = {}
    for severity in range(1, 6):
        if metric in measures:
            for side, clips in real.items():
                rows.setdefault(f"{side} px", []).append(on_clips(name, severity, clips, measures[metric]))
                if metric != "psnr":
                    rows.setdefault(f"{side} dB", []).append(on_clips(name, severity, clips, psnr))
            rows.setdefault("made", []).append(on_clips(name, severity, made, measures[metric]))
        elif metric == "travel":
            for side in SIDES:
                rows.setdefault(f"{side} px", []).append(travel(name, severity, side))
        else:
            rows.setdefault("any px", []).append(on_time(name, severity, metric))
    sides = ("112 px",) if name in AT_112 else ("112 px", "224 px", "any px")
    mean = np.mean([values for row, values in rows.items() if row in sides], axis=0)
    for row, values in {"target": targets.tolist(), "mean": mean.tolist(), **rows}.items():
        print(f"\n{name:17} {metric:7} {row:7}" + "".join(f"{value:8.2f}" for value in values), end="")
    direction = np.sign(severe - mild)
    assert all((np.diff(values) * (-1 if row.endswith("dB") else direction) > 0).all() for row, values in rows.items())
    assert np.abs(mean - targets).max() < TOLERANCE[metric]


@pytest.mark.parametrize("name", TARGETS_CAMERA)
def test_levels_of_cameras_meet_their_targets(name: str, real: dict[int, list[Clip]]) -> None:
    """The mean over both sizes meets the target at every level."""
    metric, mild, severe = TARGETS_CAMERA[name]
    found = [corruption_levels.value(REGISTRY[name], "camera_c", severity, metric, real) for severity in range(1, 6)]
    print(f"\n{name:20} {metric:7}" + "".join(f"{value:8.2f}" for value in found), end="")
    assert np.abs(found - np.linspace(mild, severe, 5)).max() < TOLERANCE[metric]
