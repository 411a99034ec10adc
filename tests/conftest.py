"""Shared by all tests: the torchvision fix, one thread, and a tiny real data set of videos made here."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# one thread each, also in processes that tests start: more of them only wait for one another where two workers run
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import numpy as np

from helpers.tiers import leave_to_the_slow_tier
from vidsparse.utils import torchvision_compat

torchvision_compat.install()
# a slow machine is no failure, and the same code gives the same answer: other examples come with other code, or with
# HYPOTHESIS_PROFILE=explore
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.hookimpl(tryfirst=True)  # before pytest itself selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with many cases a few are in the fast tier."""
    for item in leave_to_the_slow_tier(items):
        item.add_marker(pytest.mark.slow)


TINY = ("name=tiny", "data.source=folder", "data.frames=4", "data.stride=2", "data.short_side=40", "data.size=32",
        "model.name=x3d_s", "training.epochs=2", "training.batch_size=4", "training.schedule.warmup_epochs=0",
        "evaluation.severities=[2,4]", "evaluation.corruptions=[gaussian_noise,motion_blur,freeze]",
        "evaluation.batch_size=4", "sparse.every=1", "engine.workers=0",
        "analysis.spectral=off", "analysis.saliency=off", "report.figures=none")  # fmt: skip


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-folder data set of 3 classes: 4 groups of one training clip each, 2 test clips."""
    from vidsparse.data.datasets.sample_videos import write_video

    root = tmp_path_factory.mktemp("tiny")
    for label, name in enumerate(("Left", "Right", "Still")):
        for part, groups in (("train", range(4)), ("test", range(4, 6))):
            (root / part / name).mkdir(parents=True)
            for group in groups:
                frames = _moving_stripes(label, group)
                write_video(root / part / name / f"v_{name}_g{group:02d}_c01.avi", frames)
    return root


@pytest.fixture(scope="session")
def ucf101_root(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UCF101's layout and lists, all 101 classes, but clips of the first two alone: 4 to train, 2 to test."""
    root = tmp_path_factory.mktemp("ucf101")
    (root / "ucfTrainTestlist").mkdir()
    names = [f"Class{number:03d}" for number in range(1, 102)]
    clips = {part: [f"{name}/v_{name}_g{group:02d}_c01.avi" for name in names for group in groups]
             for part, groups in (("test", (1,)), ("train", (2, 3)))}  # fmt: skip
    for video, clip in zip(sorted(tiny_root.rglob("*.avi")), clips["test"][:2] + clips["train"][:4], strict=False):
        (root / "videos" / clip).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(video, root / "videos" / clip)
    lists = {"classInd": [f"{number} {name}" for number, name in enumerate(names, start=1)],
             "testlist01": clips["test"],
             "trainlist01": [f"{clip} {int(clip[5:8])}" for clip in clips["train"]]}  # fmt: skip
    for name, lines in lists.items():
        (root / "ucfTrainTestlist" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return root


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Settings of a run that takes seconds."""
    return TINY


@pytest.fixture
def tiny_config(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """tiny_config("key=value", ...): a checked config of a run that takes seconds, in a folder of its own."""
    from vidsparse import load_config

    monkeypatch.chdir(tmp_path)
    return lambda *more: load_config("ucf101_rigl", [f"data.root={tiny_root}", *TINY, *more])


def _moving_stripes(label: int, group: int) -> list[np.ndarray]:
    rng = np.random.default_rng([label, group])
    texture = rng.integers(0, 256, (48, 64, 3), np.uint8)
    texture[:, ::8] = 60 * (label + 1)
    return [np.roll(texture, (0, 3 * t, -3 * t)[label], axis=1) for t in range(20)]
