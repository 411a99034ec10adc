"""Speed of networks with half their neurons ablated, before and after compaction; printed and never judged."""

from statistics import median

import pytest
import torch

from helpers.ablated import build, damage
from speed.timing import interleaved, seconds
from vidsparse.sparsity import compact, count_flops

NETWORKS = {"resnet18": (4, 3, 224, 224), "vgg16_bn": (1, 3, 224, 224), "r3d_18": (1, 3, 8, 112, 112)}


@pytest.mark.parametrize("name", NETWORKS)
def test_forward_of_a_compacted_network_over_the_one_it_came_from(name, capsys):
    torch.set_num_threads(1)
    model, shape = damage(build(name), share=0.5, columns=0).float(), NETWORKS[name]
    x, small = torch.randn(shape), compact(model)
    took = seconds(lambda: compact(model))
    with torch.inference_mode():
        times = interleaved({"before": lambda: model(x), "after": lambda: small(x)}, rounds=7)
        off = float((small(x) - model(x)).abs().max() / model(x).abs().max())
    paired = [after / before for after, before in zip(times["after"], times["before"], strict=True)]
    flops = count_flops(small, shape).dense / count_flops(model, shape).dense
    with capsys.disabled():
        print(f"\n{name} {shape}, half of each layer's neurons ablated: {median(times['before']):.3f} s, "
              f"after over before {median(paired):.2f}, FLOPs {flops:.2f}, outputs off by {off:.0e}; "
              f"compaction {took:.2f} s")  # fmt: skip


@pytest.mark.parametrize("name", ["r3d_18", "x3d_s", "slow_r50"])
def test_counting_flops(name, capsys):
    model = build(name)
    count_flops(model, (1, 3, 8, 64, 64))
    with capsys.disabled():
        print(f"\ncounting the FLOPs of {name}: {seconds(lambda: count_flops(model, (1, 3, 16, 112, 112))):.2f} s")
