"""The program that measures and solves levels: along a table, and a sentence for mistakes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY
from corruptions.tables_camera import CAMERA, TARGETS_CAMERA
from tools import corruption_levels
from tools.corruption_levels import asked, level_at, solve, value

Frames = NDArray[np.uint8]


def test_the_levels_of_a_table_lie_on_its_own_way() -> None:
    for table in CAMERA.values():
        for number, level in enumerate(table):
            assert level_at(table, number) == pytest.approx(level)
    dim, luma, _ = level_at(CAMERA["night"], 0.5)
    assert 0.553 < dim < 0.7
    assert 0.0191 < luma < 0.0285


@pytest.mark.parametrize("name", ["night", "fixed_pattern_noise"])
def test_solved_levels_meet_targets_that_can_be_met(clip: Frames, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also night's, whose light falls as its noise grows: solved by its first parameter it ran to the wrong end."""
    monkeypatch.setattr(corruption_levels, "SHOWN", (0, 5))
    clips = {56: [np.ascontiguousarray(clip[:, :, :48])]}
    metric = TARGETS_CAMERA[name][0]
    mild, severe = (value(REGISTRY[name], "camera_c", severity, metric, clips) for severity in (1, 5))
    monkeypatch.setitem(TARGETS_CAMERA, name, (metric, mild, severe))
    found = solve(name, clips)
    assert np.array([found[0], found[4]]) == pytest.approx(np.array([CAMERA[name][0], CAMERA[name][4]]), rel=0.05)
    assert all(np.sign(one - other) == np.sign(CAMERA[name][0][0] - CAMERA[name][4][0])
               for (one, *_), (other, *_) in itertools.pairwise(found))  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["solve", "night"], "folder"),
        ([".", "solv", "night"], "measure or solve"),
        ([".", "solve", "interlacing"], "interlacing"),
        ([".", "solve", "gaussian_noise"], "gaussian_noise"),
        ([".", "measure", "nite"], "nite"),
    ],
)
def test_a_mistake_is_one_sentence(words: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        asked(words)


def test_what_is_asked_for_is_done() -> None:
    assert asked([".", "solve", "night"]) == (Path(), "solve", [("night", "camera_c")])
    assert [name for name, _ in asked([".", "solve"])[2]] == list(TARGETS_CAMERA)
    assert ("fog", "video_c") in asked([".", "measure"])[2]
