"""The published sets, against statistics of what their published programs made of drawn clips.

`helpers/parity_published.py` says how the file is made, docs/trials.md what it shows and what it cannot.
"""

import json
from typing import Any

import numpy as np
import pytest

from corruptions import corrupt, frame_order
from corruptions.severities import TABLES
from helpers.parity_published import (
    CODECS,
    KEPT,
    ORDERED,
    ORDERS,
    PATH,
    SIDES,
    clip_of,
    draws_of,
    order_statistics,
    summarised,
)
from helpers.parity_statistics import LEAST, Statistics, statistics

SIGMAS, SEEDS = 5, 4
ORDER_LEAST = {"distinct": 0.5, "held": 0.01, "broken": 0.02, "travel": 0.4}


@pytest.fixture(scope="module")
def held() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(PATH.read_text())
    return content


def ours(profile: str, name: str, severity: int) -> list[Statistics]:
    """The statistics of what we make, a row a seed."""
    if name in ORDERS:
        keys = [f"{seed}/parity" for seed in range(draws_of(name, clip_of(profile, name)))]
        return [order_statistics(frame_order(name, severity, ORDERED, key, profile)) for key in keys]
    clip, rows = clip_of(profile, name), []
    lost = TABLES[profile, name][severity - 1][0] if name == "clip_motion_blur" else 0
    temporal = "static" if name == "fog" else "independent"  # theirs draw for each frame, but fog for the clip
    for seed in range(2 if name in CODECS or lost else SEEDS):
        made = corrupt(clip, name, severity, f"{seed}/parity", profile=profile, temporal=temporal)
        inner = slice(lost, len(clip) - lost)
        rows.append(statistics(clip[inner], made[inner]))
    return rows


def departures(held: dict[str, Any], cell: str) -> list[str]:
    """The statistics of a cell that lie outside SIGMAS standard errors of the difference and the least tolerance."""
    profile, name, severity = cell.split("/")
    rows = ours(profile, name, int(severity))
    made, n = summarised(rows), draws_of(name, clip_of(profile, name))
    least, found = ORDER_LEAST if name in ORDERS else LEAST, []
    for key, (mean, sd) in held["cells"][cell].items():
        allowed = max(least[key], SIGMAS * sd * (1 / n + 1 / len(rows)) ** 0.5)
        if abs(made[key][0] - mean) > allowed:
            found.append(f"{cell} {key}: {made[key][0]}, published {mean} +- {allowed:.3f}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("profile", SIDES)
def test_no_statistic_departs_from_the_published_program(held: dict[str, Any], profile: str) -> None:
    cells = [cell for cell in held["cells"] if cell.startswith(f"{profile}/") and cell.split("/")[1] not in CODECS]
    assert len(cells) >= 35
    assert [each for cell in cells for each in departures(held, cell)] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least", "most"), [("h264_crf", 0.8, 1.7), ("h265_crf", -0.1, 0.4)])
def test_codecs_are_milder_than_the_published_program_by_what_their_pages_say(
    held: dict[str, Any], name: str, least: float, most: float
) -> None:
    """Mean levels differ by what the conversion of the comparison's own clip takes, and no more than coding adds."""
    lost = 1.15  # the drawn clip through av.VideoFrame to yuv420p and back
    for severity in range(1, 6):
        cell = f"kinetics_c/{name}/{severity}"
        made, theirs = summarised(ours("kinetics_c", name, severity)), held["cells"][cell]
        assert least <= made["psnr"][0] - theirs["psnr"][0] <= most, cell
        assert abs(made["mean"][0] - theirs["mean"][0] - lost) < (0.9 if cell.endswith("h264_crf/4") else 0.3), cell


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("severity", range(1, 6))
def test_the_frames_that_sampling_keeps_are_the_published_ones(held: dict[str, Any], name: str, severity: int) -> None:
    """Theirs is shorter; ours repeats each kept frame in place."""
    order = frame_order(name, severity, ORDERED, "", "ucf101_p")
    kept = order[np.r_[True, np.diff(order) != 0]]
    assert kept.tolist() == held["kept"][f"ucf101_p/{name}/{severity}"]


def test_a_neighbouring_severity_of_theirs_would_be_seen(held: dict[str, Any]) -> None:
    wrong = {"cells": {"tiny_c/gaussian_noise/1": held["cells"]["tiny_c/gaussian_noise/2"]}}
    assert departures(wrong, "tiny_c/gaussian_noise/1")
    wrong = {"cells": {"ucf101_p/jumble/1": held["cells"]["ucf101_p/jumble/2"]}}
    assert departures(wrong, "ucf101_p/jumble/1")
