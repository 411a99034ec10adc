"""Shared by all tests: the torchvision fix, one thread, and a tiny real data set of videos made here."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from vidsparse import _compat

_compat.install()

TINY = ("name=tiny", "data.source=folder", "data.frames=4", "data.stride=2", "data.short_side=40", "data.size=32",
        "model.name=x3d_s", "training.epochs=2", "training.batch_size=4", "training.schedule.warmup_epochs=0",
        "evaluation.severities=[2,4]", "evaluation.corruptions=[gaussian_noise,motion_blur,freeze]",
        "evaluation.batch_size=4", "sparse.every=1", "engine.workers=0")  # fmt: skip


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-folder data set of 3 classes: 4 groups of one training clip each, 2 test clips."""
    from vidsparse.data.sample import write_video

    root = tmp_path_factory.mktemp("tiny")
    for label, name in enumerate(("Left", "Right", "Still")):
        for part, groups in (("train", range(4)), ("test", range(4, 6))):
            (root / part / name).mkdir(parents=True)
            for group in groups:
                frames = _moving_stripes(label, group)
                write_video(root / part / name / f"v_{name}_g{group:02d}_c01.avi", frames)
    return root


@pytest.fixture
def tiny() -> tuple[str, ...]:
    """Settings of a run that takes seconds."""
    return TINY


@pytest.fixture
def tiny_config(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """tiny_config("key=value", ...): a checked config of a run that takes seconds, in a folder of its own."""
    from vidsparse.checks import load_config

    monkeypatch.chdir(tmp_path)
    return lambda *more: load_config("ucf101_rigl", [f"data.root={tiny_root}", *TINY, *more])


def _moving_stripes(label: int, group: int) -> list[np.ndarray]:
    rng = np.random.default_rng([label, group])
    texture = rng.integers(0, 256, (48, 64, 3), np.uint8)
    texture[:, ::8] = 60 * (label + 1)
    return [np.roll(texture, (0, 3 * t, -3 * t)[label], axis=1) for t in range(20)]
