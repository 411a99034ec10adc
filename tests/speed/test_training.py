"""Training through the product over a plain loop on tensors in memory, printed and never judged: `make bench`.

Both train the same network on the same data by SGD with momentum, for as many steps of as many clips, and take turns in
one process on one thread. The time of the product counts its network, masks and checkpoint too. The plain loop has its
clips decoded, cropped and normalised beforehand, and neither checks nor writes anything. Both data sets lie beside the
repository: skipped where they are absent.
"""

from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from speed.timing import interleaved, processor_seconds
from vidsparse import load_config
from vidsparse.data.clips import load_clips
from vidsparse.data.loader import TrainingClips, to_input
from vidsparse.run_dir.folder import RunFolder
from vidsparse.training.build import build
from vidsparse.training.loop import train

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
IMAGES = ("cifar10_paper_vgg16", "packed", "cifar10_jpeg.npz", [
    "model.name=cifar_resnet20", "training.batch_size=128", "data.share=0.1",
])  # fmt: skip
VIDEO = ("ucf101_dense", "ucf101", "ucf101", [
    "model.name=r3d_18", "data.frames=8", "data.size=64", "data.short_side=72", "training.batch_size=8",
    "data.missing=drop", "data.share=0.5",
])  # fmt: skip
pytestmark = pytest.mark.timeout(3600)


@pytest.mark.parametrize(("config", "source", "place", "words"), [IMAGES, VIDEO], ids=["images", "video"])
@pytest.mark.parametrize("method", ["dense", "rigl"])
def test_training_over_a_plain_loop(config, source, place, words, method, tmp_path, capsys):
    if not (DATA / place).exists():
        pytest.skip(f"real data not at hand: ../shared/data/{place}")
    torch.set_num_threads(1)
    plain_words = [f"data.source={source}", f"data.root={DATA / place}", "data.if_missing=error", "training.epochs=1",
                   "training.schedule.warmup_epochs=0", "engine.workers=0", f"sparse.method={method}"]  # fmt: skip
    order = load_config(config, [*words, *plain_words, f"logging.dir={tmp_path / 'runs'}"])
    clips = load_clips(order.data, order.training.seed, tmp_path / "index", 2)
    size, rate = order.training.batch_size, order.training.optimizer.lr
    steps, seen = len(clips.train) // size, TrainingClips(clips, order.training.seed)
    inputs = torch.cat([to_input(seen[0, at][0][None], order.data.normalize) for at in range(len(clips.train))])
    folders = (tmp_path / f"run{number}" for number in count())
    _, model, _ = build(order, clips, RunFolder(next(folders)))
    labels = torch.tensor([sample.label for sample in clips.train])

    def through_the_product() -> None:
        session, network, sparse = build(order, clips, RunFolder(next(folders)))
        train(session, network, sparse)

    def plainly() -> None:
        optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=5e-4)
        for step in range(steps):
            rows = torch.from_numpy(np.random.default_rng(step).permutation(len(labels))[:size])
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()

    calls = {"product": through_the_product, "plain": plainly}
    clock, spent = interleaved(calls, 3), interleaved(calls, 1, processor_seconds)
    ratios = sorted(ours / theirs for ours, theirs in zip(clock["product"], clock["plain"], strict=True))
    per_second = steps * size / median(clock["product"])
    with capsys.disabled():
        print(
            f"\n{order.model.name}, {method}: {steps} steps of {size}, {per_second:.1f} a second; over a plain loop "
            f"{median(ratios):.2f} of its time ({ratios[0]:.2f} to {ratios[-1]:.2f}), "
            f"{spent['product'][0] / spent['plain'][0]:.2f} of its processor time"
        )
