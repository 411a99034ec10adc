"""Speed, printed and never judged: `make bench`. Ratios are medians of interleaved rounds in one process."""

from collections.abc import Callable
from statistics import median

import torch

import vidsparse
from benchmarks.timing import interleaved
from vidsparse.config import OptimizerConfig
from vidsparse.recipe import make_optimizer
from vidsparse.sparsity.selection import top
from vidsparse.sparsity.topology import sparsify


def training_step(method: str, every: int | None = None) -> Callable[[], object]:
    torch.manual_seed(0)
    model = vidsparse.create_model("r3d_18", 8, 8, 112)
    optimizer = make_optimizer(model, OptimizerConfig())
    sparsify(model, optimizer, method, 0.5, 10**9, every=every)
    clips, labels = torch.randn(2, 3, 8, 112, 112), torch.tensor([0, 1])

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(clips), labels).backward()
        optimizer.step()

    return step


def test_masked_training_step_over_dense_one(capsys):
    torch.set_num_threads(1)
    times = interleaved({"dense": training_step("dense"), "static": training_step("static")}, rounds=9)
    paired = [s / d for s, d in zip(times["static"], times["dense"], strict=True)]
    with capsys.disabled():
        dense = median(times["dense"])
        print(f"\nr3d_18, 8 x 112 px, batch 2: dense step {dense:.3f} s, masked over dense {median(paired):.3f}")


def test_topology_update_over_two_full_sorts(capsys):
    torch.set_num_threads(1)
    weights = torch.randn(512, 512, 27)

    def update() -> None:
        kept = top(weights.abs(), weights.numel() // 3)
        top(weights.abs(), weights.numel() // 6, among=~kept)

    def sorts() -> None:
        for _ in range(2):
            weights.abs().flatten().sort()

    times = interleaved({"update": update, "sorts": sorts}, rounds=5)
    with capsys.disabled():
        print(f"\n7 M weights: update {median(times['update']):.3f} s, share of two sorts "
              f"{median(times['update']) / median(times['sorts']):.3f}")  # fmt: skip
