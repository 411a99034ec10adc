"""Speed, printed and never judged: `make bench`. Ratios are medians of interleaved rounds in one process."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import pytest
import torch

import corruptions
import vidsparse
from vidsparse.config import OptimizerConfig
from vidsparse.recipe import make_optimizer
from vidsparse.sparsity.selection import top
from vidsparse.sparsity.topology import sparsify


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def interleaved(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            spent = seconds(call)
            if turn:  # the first round warms up
                times[name].append(spent)
    return times


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


@pytest.mark.parametrize("side", [112, 224])
def test_corruptions_milliseconds_a_clip(side, capsys):
    clip = np.random.default_rng(0).integers(0, 256, (16, side, side, 3), np.uint8)
    calls = {
        name: lambda name=name, profile=profile: corruptions.corrupt(clip, name, 3, "bench", profile=profile)
        for name, profile in corruptions.SUITES["core_10"].cells
    }
    times = {name: 1000 * median(spent) for name, spent in interleaved(calls, rounds=5).items()}
    with capsys.disabled():
        print(f"\n16 frames at {side} px, severity 3, milliseconds: ", end="")
        print(", ".join(f"{name} {value:.1f}" for name, value in times.items()), f"sum {sum(times.values()):.1f}")
