"""Fake run folders: every table that a run writes, made from a seed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.records import CLASSES, data_record
from vidsparse.report.page import write_comparison, write_report
from vidsparse.run_dir.record import (
    CostRecord,
    EngineRecord,
    LayersRecord,
    MemoryRecord,
    ModelRecord,
    RunRecord,
    TensorBytes,
    TopologyRecord,
)

CORRUPTIONS = ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "defocus_blur", "motion_blur"]
CORRUPTIONS += ["brightness", "contrast", "jpeg_compression", "freeze"]
CONFIG = """\
name: {name}
data: {{source: ucf101, root: data/ucf101, split: 1, frames: 8, stride: 4, sampling: dense, short_side: 64, size: 56}}
model: {{name: r3d_18, weights: null}}
sparse: {{method: {method}, sparsity: {sparsity}, distribution: erk, every: 4}}
training: {{epochs: 8, batch_size: 8, seed: {training_seed}, optimizer: {{name: sgd, lr: 0.05}}}}
evaluation: {{suite: core_10, severities: {severities}, views: 1, canvas: crop, corruption_seed: 0}}
engine: {{devices: auto, precision: auto, workers: auto}}
report: {{frames: true, figures: {figures}}}
"""


def predictions(seed: int, clips: int, severities: tuple[int, ...], skill: float) -> pd.DataFrame:
    """Clean and corrupted predictions of `clips` clips, right less often at higher severity."""
    rng = np.random.default_rng(seed)
    cells = [("clean", "", 0), *((name, "imagenet_c", level) for name in CORRUPTIONS for level in severities)]
    difficulty = rng.normal(0, 0.6, clips)
    parts = []
    for place, (name, profile, severity) in enumerate(cells):
        label = np.arange(clips) % len(CLASSES)
        chance_right = 1 / (1 + np.exp(difficulty - skill + 0.35 * severity * (0.4 + (place % 7) / 5)))
        right = rng.random(clips) < chance_right
        guess = np.where(right, label, (label + 1) % len(CLASSES))
        parts.append(
            pd.DataFrame(
                {
                    "id": [f"Class/v_Class_g{clip // 4:02d}_c{clip % 4:02d}" for clip in range(clips)],
                    "view": np.int16(0),
                    "corruption": name,
                    "profile": profile,
                    "severity": np.int8(severity),
                    "label": label.astype(np.int16),
                    "prediction": guess.astype(np.int16),
                    "top5": [[int(each), 0] for each in guess],
                    "confidence": rng.random(clips).astype(np.float32),
                    "loss": rng.random(clips).astype(np.float32),
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"corruption": "category", "profile": "category"})


def _record(name: str, method: str, sparsity: float, clips: int, sample: bool, reference: str | None) -> RunRecord:
    dynamic, total, half = method not in ("dense", "static"), 33_148_224, 16_574_112
    flops = 40.7e9 if method == "dense" else 20.1e9
    weights = TensorBytes(dense=132_667_140, bitmask=70_515_168, csr=132_700_000)
    states = TensorBytes(dense=132_667_140, bitmask=66_371_616, csr=66_371_616)
    return RunRecord(
        name=name,
        started="2026-01-01T10:00:00",
        finished="2026-01-01T10:02:41",
        seconds={"train": 118.2, "evaluate": 41.7},
        data=data_record(
            description="built-in sample data" if sample else "UCF101 split 1", sample_data=sample, n_test=clips
        ),
        model=ModelRecord(name="r3d_18", parameters=33_166_785, prunable=total),
        topology=TopologyRecord(
            method=method,
            sparsity=0.0 if method == "dense" else sparsity,
            distribution="erk",
            seed=0,
            updates=15 if dynamic else 0,
            changed=30_411_205 if dynamic else 0,
            nonzero=total if method == "dense" else half,
            total=total,
        ),
        cost=CostRecord(
            dense=40.7e9,
            start=20.1e9,
            batch=8,
            planned_training=5.2e13,
            dense_training=1.0e14,
            sparse=flops,
            training=1.0e14 if method == "dense" else 5.1e13,
        ),
        layers=LayersRecord(
            explored=0.713 if dynamic else 0.5,
            overlap=0.42 if dynamic else 1.0,
            memory=MemoryRecord(weights=weights, states=states),
            outputs=4800,
            dead_outputs=17,
            inputs=4500,
            dead_inputs=3,
        ),
        engine=EngineRecord(device="cpu", precision="32-true", processes=1),
        versions={"vidsparse": "0.1.0", "torch": "2.13.0", "torchvision": "0.28.0", "numpy": "2.4.6"},
        corruptions_fingerprint="c0ffee1234567890abcd",
        command=f"python scripts/run.py configs/ucf101_{method}.yaml",
        dense_command="python scripts/run.py configs/ucf101_dense.yaml",
        unreadable_places=(3,),
        reference=reference,
        chance=1 / 3,
    )


def _tables(folder: Path, method: str) -> None:
    step = np.arange(1, 85)
    pd.DataFrame(
        {
            "step": step,
            "epoch": step // 11,
            "loss": 1.1 * np.exp(-step / 40) + 0.05 * np.cos(step),
            "accuracy": 1 - 0.66 * np.exp(-step / 30),
            "learning_rate": np.minimum(step / 10, 1) * 0.05 * (1 + np.cos(np.pi * step / 84)) / 2,
            "clips_per_second": 9.1,
            "data_wait": 0.04,
            "sparsity": 0.5,
            "val_accuracy": np.where(step % 20 == 0, 0.7 - 1 / step, np.nan),
        }
    ).to_csv(folder / "metrics.csv", index=False)
    if method == "dense":
        return
    width = 64 * 2 ** (np.arange(20) // 5)
    total = width * width * 27
    density = np.minimum(1, 120 / width)
    pd.DataFrame(
        {
            "name": [f"layer{1 + at // 5}.{at % 2}.conv{1 + at % 2}.0.weight" for at in range(20)],
            "shape": [f"{each}x{each}x3x3x3" for each in width],
            "total": total,
            "nonzero": (total * density).astype(int),
            "density": density,
            "outputs": width,
            "dead_outputs": width // 100,
            "inputs": width,
            "dead_inputs": 0,
            "flops_dense": total * 400.0,
            "flops_sparse": total * 400.0 * density,
        }
    ).to_csv(folder / "layers.csv", index=False)
    if method != "static":
        update = np.arange(4, 64, 4)
        fraction = 0.15 * (1 + np.cos(np.pi * update / 63))
        changed = (fraction * 16_574_112).astype(int)
        seen = {"explored": 0.75 - 0.25 * np.exp(-update / 20), "overlap": 0.4 + 0.6 * np.exp(-update / 20)}
        moved = {"step": update, "fraction": fraction, "changed": changed, "nonzero": 16_574_112}
        pd.DataFrame({**moved, **seen, "flops": 20.1e9}).to_csv(folder / "topology.csv", index=False)


def _frames(folder: Path) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:56, 0:56]
    clip = np.stack([np.sin((x + 3 * t) / 6)[..., None] + np.cos(y / 9)[..., None] * [1, 0.6, 0.2] for t in range(8)])
    clean = (127 + 60 * clip).clip(0, 255).astype(np.uint8)
    noisy = {f"{name}/3": (clean + rng.normal(0, 25, clean.shape)).clip(0, 255) for name in CORRUPTIONS}
    arrays = {name: clip.astype(np.uint8) for name, clip in {"clean": clean, **noisy}.items()}
    np.savez_compressed(folder / "frames.npz", **arrays)


def make_run(
    parent: Path,
    name: str = "ucf101_rigl",
    method: str = "rigl",
    *,
    seed: int = 0,
    clips: int = 48,
    severities: tuple[int, ...] = (1, 2, 3, 4, 5),
    skill: float = 1.6,
    sparsity: float = 0.5,
    training_seed: int = 0,
    sample: bool = False,
    reference: str | None = None,
    figures: str = "none",
) -> Path:
    """Write a whole run folder under `parent` and return it."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(
        CONFIG.format(
            name=json.dumps(name),
            method=method,
            sparsity=sparsity,
            training_seed=training_seed,
            severities=list(severities),
            figures=figures,
        )
    )
    (folder / "run.json").write_text(_record(name, method, sparsity, clips, sample, reference).to_json())
    predictions(seed, clips, severities, skill).to_parquet(folder / "predictions.parquet")
    _tables(folder, method)
    _frames(folder)
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A RigL run with its page, its dense reference, and the page's HTML; not to be changed."""
    parent = tmp_path_factory.mktemp("runs")
    dense = make_run(parent, "ucf101_dense", "dense", seed=1)
    run = make_run(parent, seed=2, reference=str(parent / "ucf101_dense"), figures="both")
    return run, dense, write_report(run).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The HTML of a run on the built-in sample data, without a reference."""
    run = make_run(tmp_path_factory.mktemp("sample"), clips=18, severities=(3,), sample=True)
    return write_report(run).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[tuple[str, float], list[Path]], Path]:
    """Dense, static and RigL at two sparsities, two seeds, with their page; not to be changed."""
    parent, runs = tmp_path_factory.mktemp("study"), {}
    for at, (method, level) in enumerate([("dense", 0.0), *((m, s) for s in (0.3, 0.6) for m in ("static", "rigl"))]):
        runs[method, level] = [
            make_run(
                parent,
                f"{method}_{level}_{seed}",
                method,
                seed=10 * at + seed,
                severities=(1, 3),
                clips=40,
                skill=2 - level,
                sparsity=level,
                training_seed=seed,
                figures="pdf",
            )
            for seed in (0, 1)
        ]
    return runs, write_comparison([run for arm in runs.values() for run in arm], parent / "page")


@pytest.fixture
def fake_run(tmp_path: Path) -> Callable[..., Path]:
    """`fake_run(name, method, ...)` makes a run folder beside its siblings."""

    def make(name: str = "ucf101_rigl", method: str = "rigl", **settings: Any) -> Path:
        return make_run(tmp_path, name, method, **settings)

    return make


@pytest.fixture(scope="session", name="make_run")
def _make_run() -> Callable[..., Path]:
    """`make_run(parent, name, method, ...)`: the maker of fake runs, for fixtures of a wider scope."""
    return make_run
