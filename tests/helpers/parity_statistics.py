"""Statistics of what corruptions do to one drawn clip, and the file that holds those of this version.

`python tests/helpers/parity_statistics.py` makes `corruptions/data/parity_own.json` again: only for a change of bytes
that is ordered and stands in CHANGELOG.md. All numbers are made by this package, none by the published programs: they
hold a next version against this one. `test_parity_published.py` holds ours against the published programs.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import corruptions
from corruptions.severities import TABLES

Clip = NDArray[np.uint8]
Statistics = dict[str, float]

PATH: Final = Path(__file__).parents[1] / "corruptions" / "data" / "parity_own.json"
SIDES: Final = {"ucf101_p": 64, "kinetics_c": 64, "tiny_c": 64, "imagenet_c_bar": 96, "cifar_c_bar": 32}
FRAMES: Final = {"ucf101_p": 12, "kinetics_c": 12, "tiny_c": 1, "imagenet_c_bar": 1, "cifar_c_bar": 1}
SEEDS: Final = 6
LEAST: Final = {
    "mean": 0.75,
    "sd": 0.75,
    "psnr": 0.35,
    "low": 0.03,
    "fine": 0.03,
    "along": 0.03,
    "colour": 0.03,
    "ends": 0.006,
}
LUMA: Final = np.array([0.299, 0.587, 0.114])


def drawn_clip(profile: str, side: int = 0, frames: int = 0) -> Clip:
    """A moving texture of natural contrast in colour: uint8 (T, S, S, 3), by default of the profile's own size."""
    side, rng = side or SIDES[profile], np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(2 * side), np.fft.fftfreq(2 * side)))
    frequency[0, 0] = np.inf
    waves = np.fft.fft2(rng.normal(size=(2 * side, 2 * side, 3)), axes=(0, 1)) / frequency[..., None]
    texture = np.fft.ifft2(waves, axes=(0, 1)).real @ np.array([[1, 0.6, 0.4], [0.5, 1, 0.5], [0.3, 0.6, 1]])
    levels = np.clip(120 + 45 * (texture - texture.mean()) / texture.std(), 0, 255).astype(np.uint8)
    return np.stack([np.roll(levels, (-t, -2 * t), (0, 1))[:side, :side] for t in range(frames or FRAMES[profile])])


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread > 1e-9 else 0.0


def statistics(clean: Clip, made: Clip) -> Statistics:
    """Level, contrast and PSNR in grey levels and dB; of the residual: share of power below 1/16 and above 1/4 cycles
    a pixel, correlation with its neighbours along the row and of red with green; share of values at 0 or 255."""
    residual = made.astype(float) - clean
    luma = residual @ LUMA
    power = np.square(np.abs(np.fft.fft2(luma - luma.mean(axis=(1, 2), keepdims=True)))).sum(axis=0)
    side = luma.shape[1]
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    total, error = max(float(power.sum()), 1e-9), float(np.square(residual).mean())
    return {
        "mean": float(made.mean()),
        "sd": float(made.std()),
        "psnr": 99.0 if error == 0 else float(10 * np.log10(255**2 / error)),
        "low": float(power[radius < 1 / 16].sum()) / total,
        "fine": float(power[radius > 1 / 4].sum()) / total,
        "along": _correlation(luma[..., 1:], luma[..., :-1]),
        "colour": _correlation(residual[..., 0], residual[..., 1]),
        "ends": float(((made == 0) | (made == 255)).mean()),
    }


def summary(profile: str, name: str, severity: int, seeds: range) -> dict[str, tuple[float, float]]:
    """{statistic: (mean, standard deviation over seeds)}."""
    clip = drawn_clip(profile)
    rows = [statistics(clip, corruptions.corrupt(clip, name, severity, f"{s}/parity", profile=profile)) for s in seeds]
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return {key: (round(float(np.mean(v)), 4), round(float(np.std(v, ddof=1)), 4)) for key, v in columns.items()}


def cells() -> list[tuple[str, str, int]]:
    """Every (profile, corruption, severity) of the five sets."""
    return [(profile, name, level) for profile, name in TABLES if profile in SIDES for level in range(1, 6)]


if __name__ == "__main__":
    held = {"/".join(map(str, cell)): summary(*cell, range(SEEDS)) for cell in cells()}
    note = "made by this package (parity_statistics.py), not by the published programs; [mean, sd over seeds]"
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in held.items())
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(f'{{"note": {json.dumps(note)},\n"seeds": {SEEDS},\n"cells": {{\n{lines}\n}}}}\n')
