"""Networks of every kind: a few dozen DST steps on real data, then an evaluation; the loss falls, sparsity is exact.

Run `python -m pytest tests/soak/test_networks.py -s`; it prints the figures that stand in docs/trials.md.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vidsparse import load_config
from vidsparse.evaluation import metrics, predictions
from vidsparse.experiment import run
from vidsparse.sparsity.topology import Topology

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
VIDEO = ("r3d_18", "x3d_s", "slowfast_r50", "swin3d_t", "mvit_v2_s", "i3d")
IMAGE = ("cifar_vgg16_bn", "cifar_resnet34", "cifar_vit")
ADAM = ("swin3d_t", "mvit_v2_s", "cifar_vit")
COMMON = ("sparse.sparsity=0.5", "sparse.every=4", "training.clip_norm=5", "training.schedule.warmup_epochs=0.2",
          "evaluation.severities=[3]", "data.augment.color=0", "engine.workers=0")  # fmt: skip


def packed_part(folder: Path, train: int, test: int) -> Path:
    """Images of the packed CIFAR-10, drawn at random, as a data set of their own: its file is sorted by class."""
    whole = np.load(SHARED / "cifar10_jpeg.npz")
    made = {"classes": whole["classes"]}
    for part, count in (("train", train), ("test", test)):
        jpeg, offsets, labels = (whole[f"{part}_{name}"] for name in ("jpeg", "offsets", "labels"))
        chosen = np.random.default_rng(0).permutation(len(labels))[:count]
        pieces = [jpeg[offsets[i] : offsets[i + 1]] for i in chosen]
        made[f"{part}_jpeg"] = np.concatenate(pieces)
        made[f"{part}_offsets"] = np.cumsum([0, *map(len, pieces)]).astype(offsets.dtype)
        made[f"{part}_labels"] = labels[chosen]
    np.savez(folder / "cifar10.npz", **made)
    return folder / "cifar10.npz"


def trained(config: str, settings: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, pd.DataFrame, dict]:
    """Run it, counting every layer's mask after every step."""
    exact, after = [], Topology._after_step

    def check(self, *arguments):
        after(self, *arguments)
        counts = self.counts()
        exact.append(all(int(layer.mask.sum(dtype=int)) == counts[n] for n, layer in self._layers.items()))

    monkeypatch.setattr(Topology, "_after_step", check)
    folder = run(load_config(config, [*COMMON, *settings]))
    facts, log = json.loads((folder / "run.json").read_text()), pd.read_csv(folder / "metrics.csv")
    assert len(exact) >= 24
    assert all(exact)
    assert facts["sparse"]["nonzero"] == round(0.5 * facts["sparse"]["total"])
    assert facts["sparse"]["changed"] > 0
    return folder, log, facts


def learned(name: str, folder: Path, log: pd.DataFrame, facts: dict) -> None:
    table = predictions.load(folder / "predictions.parquet")
    first, last = (log.loss.iloc[rows].mean() for rows in (slice(0, 2), slice(-2, None)))
    print(
        f"\n{name}: {log.step.iloc[-1]} steps, loss {first:.2f} -> {last:.2f}, {facts['sparse']['updates']} updates, "
        f"{facts['sparse']['changed']:,} connections changed, {facts['sparse']['nonzero']:,} of "
        f"{facts['sparse']['total']:,} weights, clean {metrics.clean_accuracy(table):.0%} of {table.id.nunique()}, "
        f"corrupted {metrics.robustness_accuracy(table):.0%} (chance {facts['chance']:.0%})"
    )
    assert last < 0.95 * first


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real clips are not beside this checkout")
@pytest.mark.parametrize("name", VIDEO)
def test_a_video_network_learns_from_real_clips(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = [f"model.name={name}", f"data.root={SHARED / 'ucf101'}", "data.frames=8", "data.short_side=64",
             "data.size=56", "training.epochs=3", "training.batch_size=6", "logging.every=3",
             "evaluation.corruptions=[gaussian_noise,motion_blur]"]  # fmt: skip
    rate = ["name=adamw", "lr=5e-4"] if name in ADAM else ["name=sgd", "lr=0.01"]
    learned(name, *trained("ucf101_rigl", [*small, *(f"training.optimizer.{word}" for word in rate)], monkeypatch))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real images are not beside this checkout")
@pytest.mark.parametrize("name", IMAGE)
def test_an_image_network_learns_from_real_images(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = packed_part(tmp_path, 768, 128)
    small = [f"model.name={name}", "data.source=packed", f"data.root={root}", "training.epochs=2", "logging.every=3",
             "training.batch_size=32", "training.schedule.name=cosine", "training.schedule.milestones=[]",
             "evaluation.corruptions=[gaussian_noise,fog]"]  # fmt: skip
    rate = ["name=adamw", "lr=1e-3"] if name in ADAM else ["name=sgd", "lr=0.02"]
    settings = [*small, *(f"training.optimizer.{word}" for word in rate)]
    learned(name, *trained("cifar10_paper_vgg16_rigl", settings, monkeypatch))
