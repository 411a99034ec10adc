"""Tables and arrays of run/analysis/ and a gallery, made from a seed in the forms that a run writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from vidsparse.analysis import kernel_frequencies, spatial, spectra, spectral
from vidsparse.config import AnalysisConfig, DataConfig
from vidsparse.evaluation.gallery import picture
from vidsparse.sparsity.measure.dispersion import describe

CONDITIONS = ("clean", "gaussian_noise/3", "motion_blur/3")
MORE = ("brightness", "contrast", "defocus_blur", "freeze", "shot_noise")  # beside these in the spectra
SIZE, FRAMES = 32, 8


def analyse(folder: Path, seed: int, sparse: bool, classes: int = 3) -> None:
    """Write analysis/, structure.csv and gallery.parquet of a fake run whose predictions.parquet is there."""
    rng = np.random.default_rng([seed, 5])
    out = folder / "analysis"
    out.mkdir()
    ids = pd.read_parquet(folder / "predictions.parquet")["id"].unique()
    _write_spectral(out, rng, ids[:12], classes)
    _write_weights(folder, out, seed, sparse)
    clips = {name: _clip(rng, number) for number, name in enumerate(CONDITIONS)}
    more = {f"{name}/3": _clip(np.random.default_rng(at), at) for at, name in enumerate(MORE, 1)}
    spectra.corruption_spectra([clips | more]).to_parquet(out / "corruption_spectra.parquet")
    first = nn.Conv3d(3, 8, (3, 5, 5))
    spectra.filter_spectra(first).to_parquet(out / "filter_spectra.parquet")
    arrays, rows = {}, []
    for at, name in enumerate(ids[:2]):
        for condition, clip in clips.items():
            arrays[f"frames/{at}/{condition}"] = clip[::2]
            arrays[f"grad_cam/{at}/{condition}"] = rng.integers(0, 256, (4, SIZE, SIZE), np.uint8)
            said = {"label": at, "prediction": int(rng.integers(classes)), "confidence": float(rng.random())}
            rows.append({"clip": at, "id": name, "condition": condition, "kind": "grad_cam", "layer": "last", **said})
    np.savez_compressed(out / "saliency.npz", **arrays)
    pd.DataFrame(rows).to_parquet(out / "saliency.parquet")
    _write_gallery(folder, clips, ids[:16])


def _write_spectral(out: Path, rng: np.random.Generator, ids: np.ndarray, classes: int) -> None:
    config, data = AnalysisConfig(fourier=5), DataConfig(frames=FRAMES, size=SIZE)
    for name, conditions in (("attenuation", spectral.attenuations(config, data)),
                             ("fourier", spectral.waves(config, data))):  # fmt: skip
        rows = [
            {**vars(condition), "id": each, "group": each[:-4], "label": at % classes,
             "prediction": int(rng.integers(classes)), "confidence": float(rng.random())}
            for condition in conditions for at, each in enumerate(ids)
        ]  # fmt: skip
        pd.DataFrame(rows).to_parquet(out / f"{name}.parquet")


def _write_weights(folder: Path, out: Path, seed: int, sparse: bool) -> None:
    draw = torch.Generator().manual_seed(seed)
    weights, lines = {}, []
    for number, (outputs, inputs) in enumerate([(16, 3), (32, 16), (64, 32)]):
        weight = torch.randn(outputs, inputs, 3, 3, 3, generator=draw)
        if sparse:
            kept = torch.rand(outputs, 1, 1, 1, 1, generator=draw) ** number  # ever less like a random mask
            weight *= torch.rand(weight.shape, generator=draw) < kept * 0.6
        weights[f"layer{number}.conv.weight"] = weight
        lines += [{"step": step, "layer": f"layer{number}.conv.weight", **describe(weight[:: step // 10])}
                  for step in (10, 20, 30)]  # fmt: skip
    spatial.spatial_table(weights).to_parquet(out / "spatial.parquet")
    kernel_frequencies.low_frequency_weights(weights).to_parquet(out / "weight_frequencies.parquet")
    np.savez_compressed(out / "kernels.npz", **spatial.kernel_maps(weights))
    if sparse:
        pd.DataFrame(lines).to_csv(folder / "structure.csv", index=False)


def _write_gallery(folder: Path, clips: dict[str, np.ndarray], ids: np.ndarray) -> None:
    rows = []
    for name in ids:
        for condition, clip in clips.items():
            corruption, _, severity = condition.partition("/")
            profile = "imagenet_c" if severity else ""
            rows.append((name, corruption, profile, int(severity or 0), picture(clip)))
    columns = ["id", "corruption", "profile", "severity", "strip"]
    pd.DataFrame(rows, columns=columns).to_parquet(folder / "gallery.parquet")


def _clip(rng: np.random.Generator, noise: int) -> np.ndarray:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    clip = np.stack([128 + 60 * np.sin((x + 3 * t) / 6) + 20 * np.cos(y / 5) for t in range(FRAMES)])[..., None]
    return (clip + rng.normal(0, 15 * noise, (FRAMES, SIZE, SIZE, 3))).clip(0, 255).astype(np.uint8)
