"""Against the published formulas, written out pixel by pixel in double precision; the frames are not square."""

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import bar_fields
from corruptions.bar_draws import uniforms
from corruptions.fields import words
from corruptions.motion import Scene

SHAPE = (37, 52)
PIXELS = list(product(range(SHAPE[0]), range(SHAPE[1])))
SCENE = Scene("k", "test", (0,), "static", 1.0, 25.0, 1.0)
Plane = NDArray[np.float32]


def by_pixel(values: list[float]) -> NDArray[np.float64]:
    return np.array(values).reshape(*SHAPE, -1)


def test_a_pattern_is_added_or_laid_as_the_formula_says_and_truncated() -> None:
    frame = np.array([[[10, 100, 250], [0, 7, 255]]], np.uint8)
    bar_fields.add(frame, np.array([[[1.0], [-0.26]]], np.float32), 0.5, 100)
    assert frame.tolist() == [[[105, 150, 225], [0, 0, 101]]]
    bar_fields.add(frame, np.array([[[1, 0, -1], [2, 2, 2]]], np.float32), 1, 10.7)
    assert frame.tolist() == [[[115, 150, 214], [21, 21, 122]]]
    bar_fields.lay(frame, np.array([[0.5, 1.0]], np.float32), 255)
    assert frame.tolist() == [[[185, 202, 234], [255, 255, 255]]]


def test_wave() -> None:
    expected = by_pixel([math.sin(-2.9 * x + 1.3 * y + 0.7) for y, x in PIXELS])
    assert np.allclose(bar_fields.wave(SHAPE, -2.9, 1.3, 0.7), expected, atol=1e-6)


@pytest.mark.parametrize("centre", [(11.3, 20.9), (-0.5, 51.7)])
def test_rings(centre: tuple[float, float]) -> None:
    (y0, x0), (lobes, amplitude, ring) = centre, (3.7, 2.9, 4.3)
    noise = np.empty((*SHAPE, 1), np.float32)
    bar_fields.rings(noise, y0, x0, lobes, amplitude, ring)
    bent = [math.hypot(x - x0, y - y0) + amplitude * math.sin(lobes * math.atan2(x - x0, y - y0)) for y, x in PIXELS]
    expected = by_pixel([distance % ring / ring - 0.5 for distance in bent])
    apart = np.abs(noise - expected)
    assert np.minimum(apart, 1 - apart).max() < 1e-4  # a saw tooth is a circle
    assert noise.min() >= -0.5
    assert noise.max() < 0.5


def test_plasma() -> None:
    time, rounds, sharpness, scale = 11.7, 6, 0.8, 5.2
    colours = []
    for row, column in PIXELS:
        x, y, frequency, slowness, weight = column / scale, row / scale, 1.0, 1.0, 1.0
        for _ in range(rounds):
            dx = math.cos(y * frequency + time / slowness) / weight
            dy = math.sin(x * frequency + time / slowness) / weight
            x, y = x + dx - 0.3 * dy, y + dy + 0.3 * dx
            frequency, slowness, weight = frequency * 1.93, slowness * 1.15, weight * (2.25 - sharpness)
        colours += [math.sin(x - time), math.sin((x + y + math.sin(time)) / 2), math.sin(y + time)]
    noise = np.empty((*SHAPE, 3), np.float32)
    bar_fields.plasma(noise, time, rounds, sharpness, scale)
    assert np.allclose(noise, by_pixel(colours), atol=0.01)
    assert np.abs(noise - by_pixel(colours)).mean() < 5e-4


@pytest.mark.parametrize("power", [1.0, 0.4])
def test_star(power: float) -> None:
    y0, x0, rays = 15.4, 30.2, np.array([5, 9, 4, 7, 6.5], np.float32)
    glow = []
    for y, x in PIXELS:
        place = (math.atan2(x - x0, y - y0) + math.pi) / math.tau * 5
        ray, f = int(place) % 5, place % 1
        length = rays[ray] + f * (rays[(ray + 1) % 5] - rays[ray])
        near = (length**2 / ((y - y0) ** 2 + (x - x0) ** 2 + 1e-4)) ** power
        glow.append(min((1 - (f - 0.5) ** 2) * near, 1))
    clear = np.full(SHAPE, 0.5, np.float32)
    bar_fields.star(clear, y0, x0, np.concatenate([rays, rays[:2]]), power)
    assert np.allclose(clear[..., None], 0.5 * (1 - by_pixel(glow)), atol=2e-4)


def test_turbulence() -> None:
    draws = uniforms(SCENE, "", 0, 256)
    gradients, order = (2 * draws[:, :2] - 1).astype(np.float32), np.argsort(draws[:, 2])
    cell = 37 / 7

    def noise(y: float, x: float) -> float:
        i, j = math.floor(y), math.floor(x)
        ry, rx = y - i, x - j
        total = 0.0
        for a, b in product((0, 1), (0, 1)):
            gradient = gradients[order[(order[(i + a) % 256] + j + b) % 256]]
            reach = [t**2 * (3 - 2 * t) if side else 1 - t**2 * (3 - 2 * t) for t, side in ((ry, a), (rx, b))]
            total += reach[0] * reach[1] * (gradient[0] * (ry - a) + gradient[1] * (rx - b))
        return 1.5 * total

    expected = by_pixel([sum(abs(noise(f * y / cell, f * x / cell)) / f for f in (1, 2, 4, 8, 16)) for y, x in PIXELS])
    made = np.empty((*SHAPE, 1), np.float32)
    bar_fields.turbulence(made, cell, gradients, order)
    assert np.allclose(made, expected, atol=1e-4)
    assert made[0, 0] == 0


def test_board() -> None:
    angle, cell, middle = 2.1, 7.3, 20
    covered = uniforms(SCENE, "", 0, 41 * 41)[:, 0].reshape(41, 41) < 0.4
    cover = np.empty(SHAPE, np.float32)
    bar_fields.board(cover, math.cos(angle) / cell, math.sin(angle) / cell, covered)
    places = [
        (math.cos(angle) * y + math.sin(angle) * x, -math.sin(angle) * y + math.cos(angle) * x) for y, x in PIXELS
    ]
    expected = by_pixel([covered[math.floor(i / cell) + middle, math.floor(j / cell) + middle] for i, j in places])
    assert np.mean(cover[..., None] != expected) < 2e-3  # float32 against float64 on the very edges


@pytest.mark.parametrize("ends", [(-30, -9, 60, 55), (20, -40, 25, 90), (60, 13, -20, 13), (5, 5, 30, 48)])
@pytest.mark.parametrize("width", [1.0, 3.5, 0.5])
def test_line(ends: tuple[float, float, float, float], width: float) -> None:
    y0, x0, y1, x1 = ends
    length = math.hypot(y1 - y0, x1 - x0)
    across = np.array([abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length for y, x in PIXELS])
    steep = abs(y1 - y0) > abs(x1 - x0)
    within = np.array(
        [min(y0, y1) <= y <= max(y0, y1) if steep else min(x0, x1) <= x <= max(x0, x1) for y, x in PIXELS]
    )
    coverage = min(width, 1) * np.clip((max(width, 1) + 1) / 2 - across, 0, 1) * within
    clear = np.ones(SHAPE, np.float32)
    bar_fields.line(clear, y0, x0, y1, x1, width)
    assert np.allclose(1 - clear.ravel(), coverage, atol=1e-6)
    assert coverage.sum() > 10 * width


def test_caustics() -> None:
    time, size = 1.37, 41.3
    tones = []
    for y, x in PIXELS:
        p = [place / size % 1 * math.tau - 250 for place in (y, x)]
        i, c = p, 1.0
        for n in range(1, 6):
            t = time * (1 - 3.5 / n)
            i = [
                p[0] + math.cos(t - i[0]) + math.sin(t + i[1]),
                p[1] + math.sin(t - i[1]) + math.cos(t + i[0]),
            ]
            c += 1 / math.hypot(p[0] / (math.sin(i[0] + t) / 0.005), p[1] / (math.cos(i[1] + t) / 0.005))
        tones.append(min(abs(1.17 - (c / 5) ** 1.4) ** 8, 1))
    sharp = bar_fields.caustics(SHAPE, time, size, 0.1)
    assert np.allclose(sharp[..., None], by_pixel(tones), atol=6e-3)
    assert np.abs(sharp[..., None] - by_pixel(tones)).mean() < 1e-3
    soft = bar_fields.caustics(SHAPE, time, size, 1.0)
    assert soft.std() < sharp.std()
    assert soft.mean() == pytest.approx(sharp.mean(), rel=0.05)


@pytest.mark.parametrize("shape", [SHAPE, (40, 40)])
def test_coloured_noise_has_its_spectrum_and_mirrored_phases(shape: tuple[int, int]) -> None:
    radius = bar_fields.frequencies(shape)
    noise = bar_fields.coloured(radius, words(SCENE, "", 0, radius.size), 3)
    centred = np.fft.fftshift(np.fft.fft2(noise.real + 1j * noise.imaginary, axes=(0, 1)), axes=(0, 1))
    assert np.allclose(np.abs(centred), radius[..., None], rtol=1e-3, atol=1e-3 * radius.max())
    phases = np.angle(centred)
    apart = np.exp(1j * phases) / np.exp(1j * phases[::-1, ::-1])
    away = (radius > 1)[..., None] & (radius[::-1, ::-1] > 1)[..., None] & np.ones(3, bool)
    assert np.abs(apart[away] - 1).max() < 0.01
    assert np.abs(np.exp(1j * phases).mean()) < 0.1


def test_frequencies_are_cycles_per_short_side() -> None:
    radius = bar_fields.frequencies((20, 40))
    assert radius[10, 20] == 0
    assert radius[13, 20] == 3
    assert radius[10, 28] == 4


def test_turned_noise_has_unit_deviation_and_turns_through_its_imaginary_part() -> None:
    noise = bar_fields.coloured(bar_fields.frequencies(SHAPE), words(SCENE, "", 0, SHAPE[0] * SHAPE[1]), 3)
    for angle in (0.0, 1.0, 2.5):
        assert np.allclose(bar_fields.turned(noise, angle).std(axis=(0, 1)), 1, atol=1e-5)
    assert np.allclose(bar_fields.turned(noise, math.pi), -bar_fields.turned(noise, 0), atol=1e-5)
    aside = np.corrcoef(bar_fields.turned(noise, math.pi / 2).ravel(), bar_fields.turned(noise, 0).ravel())[0, 1]
    assert abs(aside) < 0.1
