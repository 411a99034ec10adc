"""Convolution by large disks: the exact sum, lifted by 1e-3 and truncated, whatever way it is summed."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import psf
from corruptions.convolve import filter_symmetric, fits

Pixels = NDArray[np.uint8]
Weights = NDArray[np.float32]

DISKS = {
    "radius 6": psf.disk(6, 0.5),
    "radius 8, of sum 1.01": psf.disk(8, 0.5),
    "radius 10": psf.disk(10, 0.5),
    "scaled": psf.scaled_disk(8, 0.5, 1.4),
}
SIZES = ((16, 16), (17, 31), (48, 45))


def exactly(frame: Pixels, weights: Weights) -> NDArray[np.float64]:
    """Every tap in double precision."""
    reach, (height, width) = len(weights) // 2, frame.shape[:2]
    seen = np.pad(frame.astype(float), ((reach, reach), (reach, reach), (0, 0)), "reflect")
    total = np.zeros(frame.shape)
    for (y, x), weight in np.ndenumerate(weights.astype(float)):
        total += weight * seen[y : y + height, x : x + width]
    return total


def truncated(total: NDArray[Any]) -> Pixels:
    lifted = total.astype(np.float32) + np.float32(1e-3)
    return np.asarray(np.minimum(lifted, 255), np.uint8)


def pictures(size: tuple[int, int]) -> list[Pixels]:
    """Noise, noise of two levels, an edge, white, and 77, of which the disk of sum 1.01 makes 77.9991, plain and with a
    line aslant, so that all of a row is doubtful and no row is that above it, below rows that are not."""
    noise = np.random.default_rng(size).integers(0, 256, (*size, 3), np.uint8)
    edge = np.zeros((*size, 3), np.uint8)
    edge[:, size[1] // 2 :] = 255
    aslant = np.full_like(noise, 77)
    aslant[np.arange(min(size)), np.arange(min(size))] = 200
    aslant[: size[0] // 4] = noise[: size[0] // 4]
    return [noise, noise & np.uint8(1), edge, np.full_like(noise, 255), np.full_like(noise, 77), aslant]


@pytest.mark.parametrize("name", DISKS)
def test_the_sum_is_exact_before_it_is_truncated(name: str) -> None:
    for size in SIZES:
        for frame in pictures(size):
            made = frame.copy()
            filter_symmetric(made, DISKS[name])
            assert np.array_equal(made, truncated(exactly(frame, DISKS[name])))


@pytest.mark.parametrize("name", DISKS)
def test_the_bytes_are_those_of_the_fourier_transform_of_opencv(name: str) -> None:
    for size in SIZES:
        for frame in pictures(size):
            theirs = cv2.filter2D(frame.astype(np.float32), -1, DISKS[name])
            if np.abs(theirs - exactly(frame, DISKS[name])).max() > 2e-5:
                pytest.skip("this build of OpenCV sums in single precision")
            made = frame.copy()
            filter_symmetric(made, DISKS[name])
            assert np.array_equal(made, truncated(theirs))


def test_only_symmetric_kernels_of_middling_size_are_taken() -> None:
    disk = DISKS["radius 6"]
    aslant = disk.copy()
    aslant[0, 7] += np.float32(1e-3)
    assert all(map(fits, DISKS.values()))
    assert not any(map(fits, (aslant, disk[:, :13], psf.disk(4, 0.5), psf.scaled_disk(10, 0.5, 4.8))))
