"""Corruptions without draws, against values that the published programs give a drawn frame at 144 places."""

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt
from helpers.parity_samples import WITHOUT_DRAWS, frame_of, published, sampled

EXACT = ("contrast", "pixelate", "jpeg_compression")


def departures(cell: str) -> NDArray[np.int64]:
    """Grey levels between ours and the published one, at each place and channel."""
    profile, name, severity = cell.split("/")
    made = corrupt(frame_of(profile), name, int(severity), profile=profile)
    return np.abs(sampled(made).astype(np.int64) - published(cell))


@pytest.mark.parametrize("name", WITHOUT_DRAWS)
@pytest.mark.parametrize("profile", ["imagenet_c", "cifar_c"])
def test_every_value_is_the_published_one(name: str, profile: str) -> None:
    """Within a grey level on all but 0.5 %, and bit by bit where nothing is rounded otherwise."""
    for severity in range(1, 6):
        found = departures(f"{profile}/{name}/{severity}")
        assert (found > 1).mean() < 0.005
        assert name not in EXACT or not found.any()


def test_a_neighbouring_severity_would_be_seen() -> None:
    for name in WITHOUT_DRAWS:
        made = sampled(corrupt(frame_of("imagenet_c"), name, 2, profile="imagenet_c")).astype(int)
        assert (np.abs(made - published(f"imagenet_c/{name}/3")) > 1).mean() > 0.05, name
