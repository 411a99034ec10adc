"""Every method at sparsity 0.1, 0.5 and 0.9 on the sample data: it learns, counts are exact, the topology changes."""

import json

import pandas as pd
import pytest

from vidsparse.checks import load_config
from vidsparse.experiment import run
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.topology import Topology

SMALL = ("model.name=mc3_18", "data.short_side=40", "data.size=32", "training.epochs=4", "sparse.sparsity={}",
         "evaluation.corruptions=[gaussian_noise]", "training.optimizer.lr=0.02")  # fmt: skip


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.sparse])
def test_it_learns_with_exact_counts_at_every_step(method, sparsity, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counted, after = [], Topology._after_step

    def check(self, *arguments):
        after(self, *arguments)
        counts = self.counts()
        counted.append(all(int(layer.mask.sum(dtype=int)) == counts[n] for n, layer in self._layers.items()))

    monkeypatch.setattr(Topology, "_after_step", check)
    config = load_config(f"ucf101_{method}", [text.format(sparsity) for text in SMALL])
    folder = run(config)
    facts, log = json.loads((folder / "run.json").read_text()), pd.read_csv(folder / "metrics.csv")
    assert all(counted)
    assert facts["sparse"]["nonzero"] == round((1 - sparsity) * facts["sparse"]["total"])
    assert (facts["sparse"]["changed"] > 0) == METHODS[method].dynamic
    epochs = log.groupby("epoch").last()
    print(f"\n{method} {sparsity}: loss {epochs.loss.iloc[0]:.2f} -> {epochs.loss.iloc[-1]:.2f}, training accuracy "
          f"{epochs.accuracy.iloc[0]:.0%} -> {epochs.accuracy.iloc[-1]:.0%}, {facts['sparse']['updates']} updates, "
          f"{facts['sparse']['changed']:,} connections changed")  # fmt: skip
    assert epochs.loss.iloc[-1] < 0.95 * epochs.loss.iloc[0]
    assert epochs.accuracy.iloc[-1] > 1.5 / 8
