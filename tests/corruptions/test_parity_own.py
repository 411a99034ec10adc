"""Levels 1 and 5 of the sets without a published fixture, on two of the six seeds, against statistics left here.

Where bytes are to change: `python tests/helpers/parity_statistics.py` makes the file again.
"""

import json
from typing import Any

import numpy as np
import pytest

from helpers.parity_statistics import LEAST, PATH, SIDES, cells, drawn_clip, statistics, summary

SIGMAS, FRESH = 7, range(2)


@pytest.fixture(scope="module")
def held() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(PATH.read_text())
    return content


def departures(held: dict[str, Any], profile: str, name: str, severity: int) -> list[str]:
    """The statistics that lie outside: SIGMAS standard errors of the difference, or the least tolerance."""
    made, n = summary(profile, name, severity, FRESH), held["seeds"]
    found = []
    for key, (mean, sd) in held["cells"][f"{profile}/{name}/{severity}"].items():
        allowed = max(LEAST[key], SIGMAS * sd * (1 / n + 1 / len(FRESH)) ** 0.5)
        if abs(made[key][0] - mean) > allowed:
            found.append(f"{profile}/{name}/{severity} {key}: {made[key][0]}, held {mean} +- {allowed:.3f}")
    return found


def test_every_cell_has_its_statistics(held: dict[str, Any]) -> None:
    assert set(held["cells"]) == {"/".join(map(str, cell)) for cell in cells()}
    assert PATH.stat().st_size < 500_000


@pytest.mark.slow
@pytest.mark.parametrize("profile", SIDES)
def test_no_statistic_departs(held: dict[str, Any], profile: str) -> None:
    found = [departures(held, *cell) for cell in cells() if cell[0] == profile and cell[2] in (1, 5)]
    assert [each for cell in found for each in cell] == []


@pytest.mark.slow
def test_a_neighbouring_severity_would_be_seen(held: dict[str, Any]) -> None:
    wrong = {**held, "cells": {"tiny_c/gaussian_noise/1": held["cells"]["tiny_c/gaussian_noise/2"]}}
    assert departures(wrong, "tiny_c", "gaussian_noise", 1)
    clip = drawn_clip("tiny_c")
    assert statistics(clip, clip)["psnr"] == 99
    assert statistics(clip, np.zeros_like(clip))["ends"] == 1
