"""How much of what a gradient of few samples grows is what one of 4,096 other samples would grow, on real data.

The numbers of docs/methods: `nice -n 19 python -m pytest tests/soak/test_growth.py -s`.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidsparse.models.zoo import create_model
from vidsparse.sparsity.selection import top
from vidsparse.sparsity.topology import sparsify

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
SPARSITY, DROP, STEPS, BATCH = 0.5, 0.3, 100, 16
SEEN = {"16": (1, 16), "128": (1, 128), "16 x 16": (16, 16), "32 x 128": (32, 128), "256 x 16": (256, 16)}
pytestmark = pytest.mark.timeout(6 * 3600)
Draw = Callable[[int], tuple[Tensor, Tensor]]  # so many samples of the training set -> inputs and labels


def cifar10() -> Draw:
    """Random training images of CIFAR-10, flipped at random."""
    import cv2

    with np.load(DATA / "cifar10_jpeg.npz") as stored:
        code, ends, labels = (stored[f"train_{name}"] for name in ("jpeg", "offsets", "labels"))
    rng = np.random.default_rng(0)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        chosen = rng.integers(len(labels), size=count)
        images = np.stack([cv2.imdecode(code[ends[i] : ends[i + 1]], cv2.IMREAD_COLOR_RGB) for i in chosen])
        images = np.where(rng.random((count, 1, 1, 1)) < 0.5, images[:, :, ::-1], images)
        pixels = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)
        return pixels.permute(0, 3, 1, 2)[:, :, None].contiguous(), torch.from_numpy(labels[chosen].astype(np.int64))

    return draw


def ucf101() -> Draw:
    """Random 4 frames, crop of 32 px and flip of random clips of split 1's training part, those at hand."""
    import cv2
    import decord

    listed = (DATA / "ucf101/ucfTrainTestlist/trainlist01.txt").read_text().split()
    paths = [DATA / "ucf101/videos" / name for name in listed if name.endswith(".avi")]
    paths = [path for path in paths if path.is_file()]
    classes = sorted({path.parent.name for path in paths})
    videos = []
    for path in paths:
        frames = decord.VideoReader(io.BytesIO(path.read_bytes()))
        videos.append(np.stack([cv2.resize(f.asnumpy(), (54, 40), interpolation=cv2.INTER_AREA) for f in frames]))
    rng = np.random.default_rng(0)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        clips, labels = [], []
        for number in rng.integers(len(videos), size=count):
            video, (top_, left) = videos[number], rng.integers((9, 23))
            start = rng.integers(max(1, len(video) - 12))
            clip = video[start : start + 16 : 4][:4, top_ : top_ + 32, left : left + 32]
            clips.append(clip[:, :, ::-1] if rng.random() < 0.5 else clip)
            labels.append(classes.index(paths[number].parent.name))
        pixels = torch.from_numpy(np.stack(clips).astype(np.float32) / 127.5 - 1)
        return pixels.permute(0, 4, 1, 2, 3).contiguous(), torch.tensor(labels)

    return draw


CASES = {
    "CIFAR-10, cifar_resnet20": (cifar10, "cifar10_jpeg.npz", "cifar_resnet20", 10, 1),
    "UCF101, r3d_18": (ucf101, "ucf101/videos", "r3d_18", 3, 4),
}


def trained(name: str, classes: int, frames: int, draw: Draw) -> tuple[nn.Module, Mapping[str, Tensor]]:
    """A sparse network (ERK) after some steps of SGD, in training mode, with its masks; gradients are dense again."""
    torch.manual_seed(0)
    model = create_model(name, classes, frames, 32).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, 0.9)
    sparse = sparsify(model, optimizer, "static", SPARSITY, STEPS)
    losses = []
    for _ in range(STEPS):
        inputs, labels = draw(BATCH)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert np.mean(losses[-20:]) < np.mean(losses[:20]), "it learned nothing"
    masks = sparse.masks
    sparse.close()
    return model, masks


def gradient(model: nn.Module, masks: Mapping[str, Tensor], draw: Draw, batches: int, size: int) -> dict[str, Tensor]:
    """{layer: mean dense gradient} of so many batches at the same weights."""
    model.zero_grad()
    for _ in range(batches):
        inputs, labels = draw(size)
        (F.cross_entropy(model(inputs), labels) / batches).backward()
    weights = dict(model.named_parameters())
    return {name: weights[name].grad.clone() for name in masks if weights[name].grad is not None}


def grown(weight: Tensor, mask: Tensor, dense: Tensor) -> tuple[Tensor, int]:
    """What RigL's update grows, and from how many it chooses: all that is not among the largest weights."""
    present = int(mask.sum())
    kept = top(torch.where(mask, weight.detach().abs(), -1.0), present - int(DROP * present))
    open_ = ~kept
    return top(torch.where(open_, dense.abs(), -1.0), int(DROP * present)) & open_, int(open_.sum())


@pytest.mark.parametrize("case", CASES)
def test_more_samples_agree_better_on_what_to_grow(case, capsys):
    source, needed, name, classes, frames = CASES[case]
    if not (DATA / needed).exists():
        pytest.skip(f"real data not at hand: ../shared/data/{needed}")
    draw = source()
    model, masks = trained(name, classes, frames, draw)
    weights = dict(model.named_parameters())
    reference = gradient(model, masks, draw, 32, 128)
    wanted = {layer: grown(weights[layer], masks[layer], dense) for layer, dense in reference.items()}
    total = sum(int(mask.sum()) for mask, _ in wanted.values())
    chance = sum(int(mask.sum()) ** 2 / choices for mask, choices in wanted.values()) / total
    found = {"chance": chance}
    for title, (batches, size) in SEEN.items():
        shares = []
        for _ in range(1 if batches * size > 1000 else 4):
            mine = gradient(model, masks, draw, batches, size)
            both = sum(int((grown(weights[n], masks[n], mine[n])[0] & wanted[n][0]).sum()) for n in wanted)
            shares.append(both / total)
        found[title] = float(np.mean(shares))
        with capsys.disabled():
            print(f"{case}, sparsity {SPARSITY}: {title}: {found[title]:.3f} ({min(shares):.3f} to {max(shares):.3f})")
    with capsys.disabled():
        print(f"{case}, sparsity {SPARSITY}: chance {chance:.3f}, {total:,} weights grown in {len(wanted)} layers")
    assert chance < found["16"] < found["128"] < found["32 x 128"]
    assert found["16"] < found["16 x 16"] < found["256 x 16"]
