"""Training through the product over a plain loop on tensors in memory, printed and never judged: `make bench`.

Both train the same network on the same data by SGD with momentum and take turns, step by step, in one process on one
thread. The plain loop has its clips decoded, cropped and normalised beforehand, trains a dense network, and neither
checks nor writes anything. A step of the product is all from the last one to the next: loading, logging, masks. It
trains for two epochs: in the first all is decoded, in the second what is kept is not. What comes once a run or once an
epoch is printed beside the steps, since an epoch is a few steps here and hundreds in use: setting up, checkpoints,
updates of the topology and what is written of them. Both data sets lie beside the repository: skipped where absent.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vidsparse import load_config
from vidsparse.data.clips import load_clips
from vidsparse.data.loader import TrainingClips, to_input
from vidsparse.models.zoo import create_model
from vidsparse.run_dir.folder import RunFolder
from vidsparse.sparsity.topology import Topology
from vidsparse.training import loop
from vidsparse.training.build import build
from vidsparse.training.engine import Checkpoints
from vidsparse.training.tracker import Tracker

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
IMAGES = ("cifar10_paper_vgg16", "packed", "cifar10_jpeg.npz", [
    "model.name=cifar_resnet20", "training.batch_size=128", "data.share=0.051",
])  # fmt: skip
VIDEO = ("ucf101_dense", "ucf101", "ucf101", [
    "model.name=r3d_18", "data.frames=8", "data.size=64", "data.short_side=72", "training.batch_size=8",
    "data.missing=drop", "data.share=0.24",
])  # fmt: skip
METHODS = {"dense": [], "rigl": ["sparse.sparsity=0.9", "sparse.every_epochs=1"]}
ASIDE = {"checkpoint": (Checkpoints, "save"), "update": (Topology, "_update"), "lines": (Tracker, "note_update"),
         "structure": (Tracker, "note_structure")}  # fmt: skip
Seconds = np.ndarray  # by the clock, and of the processor
pytestmark = pytest.mark.timeout(3600)


def now() -> Seconds:
    return np.array([perf_counter(), process_time()])


class Turns:
    """Seconds of each step of a training and of the plain step that follows it; of what is no step, apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, plain_step: Callable[[int], object]) -> None:
        self.mine: list[Seconds] = []
        self.plain: list[Seconds] = []
        self.aside: dict[str, list[Seconds]] = {}
        self._plain_step = plain_step
        self.begin()
        monkeypatch.setattr(loop, "optimize", self._in_turn(loop.optimize))
        for name, (owner, method) in ASIDE.items():
            monkeypatch.setattr(owner, method, self._apart(name, getattr(owner, method)))

    def begin(self) -> None:
        self._began, self._left_out = now(), np.zeros(2)

    def _in_turn(self, optimize: Callable[..., Any]) -> Callable[..., Any]:
        def turn(*given: Any, **named: Any) -> None:
            optimize(*given, **named)
            done = now()
            self.mine.append(done - self._began - self._left_out)
            self._plain_step(len(self.plain))
            self.plain.append(now() - done)
            self.begin()

        return turn

    def _apart(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            start = now()
            made = call(*given, **named)
            self.aside.setdefault(name, []).append(now() - start)
            self._left_out = self._left_out + self.aside[name][-1]
            return made

        return timed


@pytest.mark.parametrize(("config", "source", "place", "words"), [IMAGES, VIDEO], ids=["images", "video"])
@pytest.mark.parametrize("method", METHODS)
def test_training_over_a_plain_loop(config, source, place, words, method, tmp_path, capsys, monkeypatch):
    if not (DATA / place).exists():
        pytest.skip(f"real data not at hand: ../shared/data/{place}")
    torch.set_num_threads(1)
    plain_words = [f"data.source={source}", f"data.root={DATA / place}", "data.if_missing=error", "training.epochs=2",
                   "training.schedule.warmup_epochs=0", "engine.workers=0", f"sparse.method={method}"]  # fmt: skip
    order = load_config(config, [*words, *plain_words, *METHODS[method], f"logging.dir={tmp_path / 'runs'}"])
    clips, data = load_clips(order.data, order.training.seed, tmp_path / "index", 2), order.data
    size, seen = order.training.batch_size, TrainingClips(clips, order.training.seed)
    inputs = torch.cat([to_input(seen[0, at][0][None], data.normalize) for at in range(len(clips.train))])
    labels = torch.tensor([sample.label for sample in clips.train])
    model = create_model(order.model.name, len(clips.dataset.classes), data.frames, data.size).train()
    optimizer = torch.optim.SGD(model.parameters(), order.training.optimizer.lr, momentum=0.9, weight_decay=5e-4)

    def plain_step(number: int) -> None:
        rows = torch.from_numpy(np.random.default_rng(number).permutation(len(labels))[:size])
        optimizer.zero_grad()
        F.cross_entropy(model(inputs[rows]), labels[rows]).backward()
        optimizer.step()

    turns, start = Turns(monkeypatch, plain_step), now()
    session, network, sparse = build(order, clips, RunFolder(tmp_path / "run"))
    turns.aside["setting up"] = [now() - start]
    turns.begin()
    loop.train(session, network, sparse)

    mine, plain, steps = np.array(turns.mine), np.array(turns.plain), len(turns.mine) // 2
    rates = size / mine[1:, 0]
    with capsys.disabled():
        print(f"\n{order.model.name}, {method}: {steps} steps of {size} an epoch, {np.median(rates):.1f} a second; "
              "over a plain step by the clock, in processor time (quartiles):")  # fmt: skip
        for name, part in {"first epoch": slice(1, steps), "second": slice(steps, None)}.items():  # one step warms up
            low, middle, high = np.quantile(mine[part] / plain[part], (0.25, 0.5, 0.75), axis=0)
            print(f"  {name:12}" + ", ".join(f" {middle[at]:.3f} ({low[at]:.3f} to {high[at]:.3f})" for at in (0, 1)))
        print(f"  processor seconds of a plain step {np.median(plain, 0)[1]:.3f}, of what comes once: "
              + ", ".join(f"{name} {np.max(each, 0)[1]:.3f}" for name, each in turns.aside.items()))  # fmt: skip
