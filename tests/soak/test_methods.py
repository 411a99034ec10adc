"""Every method at sparsity 0.1, 0.5 and 0.9 on the sample data: it learns, counts are exact, the topology changes."""

import json
from math import cos, pi

import pandas as pd
import pytest
import torch

from vidsparse import load_config
from vidsparse.experiment import run
from vidsparse.sparsity import METHODS, topology

SMALL = ("model.name=mc3_18", "data.short_side=40", "data.size=32", "training.epochs=4", "sparse.sparsity={}",
         "evaluation.corruptions=[gaussian_noise]", "training.optimizer.lr=0.02")  # fmt: skip
EVERY, TOTAL = 8, 64  # steps: of the sample data, and 4 epochs of 128 clips in batches of 8
LAST = {"set": 56, "rigl": 40, "gmp": 40}  # the last update: before the end, or before 3/4 of it


def planned(method: str, step: int, target: float) -> float:
    """Density after `step`, as the papers write it, with the settings of docs and configs spelled out."""
    last, done = LAST.get(method, 40), step - step % EVERY  # the topology stays between updates
    if method in ("mest_r", "mest_g"):  # density + bound, capped at 1; the last update leaves the target
        return min(1, target * (1 + 0.1 * (1 + cos(pi * done / 48)) / 2)) if done < last else target
    if not method.startswith(("granet", "gmp")):
        return target
    pruned = 40 if method == "gmp" else 32  # updates until 3/4 of the training prune, or until 1/2 of it
    start = 0.8 if method in ("granet_r", "granet_g") and target < 0.8 else 1.0
    return target + (start - target) * (1 - min(1, done / pruned)) ** 3


class Watch:
    """Looks at the masks after every step, with nothing but the public face of a topology."""

    def __init__(self, model: torch.nn.Module, sparse: topology.Topology) -> None:
        self.model, self.sparse, self.steps = dict(model.named_parameters()), sparse, 0
        self.seen = sparse.masks
        self.check()

    def after_step(self, *_: object) -> None:
        self.steps += 1
        self.check()

    def check(self) -> None:
        sparse, masks = self.sparse, self.sparse.masks
        sizes = sparse.sizes()
        counts = {name: int(masks[name].sum()) if name in masks else size for name, size in sizes.items()}
        assert counts == sparse.counts()
        density = planned(sparse.method.name, self.steps, 1 - sparse.sparsity)
        assert sum(counts.values()) == round(density * sum(sizes.values())), (self.steps, density)
        for name, mask in masks.items():
            weight = self.model[name]
            state = sparse.optimizer.state.get(weight, {}).get("momentum_buffer", weight)
            assert not weight[~mask].any(), name
            assert not state[~mask].any(), name
        changes = any(not torch.equal(mask, self.seen[name]) for name, mask in masks.items())
        method = sparse.method
        updates = method.dynamic and self.steps % EVERY == 0 and 0 < self.steps <= LAST.get(method.name, 40)
        assert changes == updates, self.steps
        self.seen = masks


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.sparse])
def test_it_learns_with_exact_counts_at_every_step(method, sparsity, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    watches, sparsify = [], topology.sparsify

    def watched(model, optimizer, *arguments, **settings):
        sparse = sparsify(model, optimizer, *arguments, **settings)
        watches.append(Watch(model, sparse))
        optimizer.register_step_post_hook(watches[0].after_step)  # after the topology's own
        return sparse

    monkeypatch.setattr(topology, "sparsify", watched)
    config = load_config(f"ucf101_{method}", [text.format(sparsity) for text in SMALL])
    folder = run(config)
    assert [watch.steps for watch in watches] == [TOTAL]
    facts, log = json.loads((folder / "run.json").read_text()), pd.read_csv(folder / "metrics.csv")
    assert facts["sparse"]["nonzero"] == round((1 - sparsity) * facts["sparse"]["total"])
    epochs = log.groupby("epoch").last()
    print(f"\n{method} {sparsity}: loss {epochs.loss.iloc[0]:.2f} -> {epochs.loss.iloc[-1]:.2f}, training accuracy "
          f"{epochs.accuracy.iloc[0]:.0%} -> {epochs.accuracy.iloc[-1]:.0%}, {facts['sparse']['updates']} updates, "
          f"{facts['sparse']['changed']:,} connections changed")  # fmt: skip
    assert epochs.loss.iloc[-1] < 0.95 * epochs.loss.iloc[0]
    assert epochs.accuracy.iloc[-1] > 1.5 / 8
