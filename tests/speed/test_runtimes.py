"""Wall-clock ratios of dense, masked, compacted, exported and quantised networks; printed and never judged.

Channels are removed from new networks as `rigl_channels` removes them, a share of each stream, those left a multiple of
8. All forms take turns in one process on one thread; ratios are medians over turns. `python -m pytest -s
tests/speed/test_runtimes.py` (needs the extra `export`); RUNTIMES=r3d_18,resnet18 picks networks, CLIPS=2 a batch of
two. (PyTorch computes a convolution over 20,480 rows or less, batch x channels x frames x height, without oneDNN: at
one clip r3d_18 with half its channels falls below, and is hardly faster than the whole network.)
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
import torch
from torch import nn

from speed.timing import interleaved
from vidsparse.export.convert import convert, quantize
from vidsparse.models.exported import Exported
from vidsparse.models.zoo import create_model
from vidsparse.sparsity import compact
from vidsparse.sparsity.channel_plan import ChannelPlan
from vidsparse.sparsity.topology import sparsify

SHAPES = {"r3d_18": (8, 112), "x3d_s": (8, 112), "timm/resnet18": (1, 224), "timm/vit_tiny_patch16_224": (1, 224)}
SHARES = (0.1, 0.25, 0.5)
ROUNDS, CLIPS = 9, int(os.environ.get("CLIPS", "1"))
pytestmark = pytest.mark.timeout(3600)


def without_channels(model: nn.Module, share: float) -> nn.Module:
    """The network with the least channels of each stream at zero, as the last update of `rigl_channels` leaves it."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    sparse = sparsify(model, optimizer, "rigl_channels", 0.9, 10, every=1, channel_sparsity=share)
    plan = sparse._channels
    assert isinstance(plan, ChannelPlan)
    gone = plan._gone(plan.channels.evenly_worth(), share)
    sparse.close()
    model = create_model(model.zoo_name, 8, *SHAPES[model.zoo_name])
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(plan.channels.allowed(name, gone, weight))
    return model.eval()


@pytest.mark.parametrize("name", [each for each in SHAPES if each in os.environ.get("RUNTIMES", each).split(",")])
def test_a_forward_pass_in_every_form(name, tmp_path: Path, capsys):
    torch.set_num_threads(1)
    frames, size = SHAPES[name]
    clips = torch.randn(max(2, CLIPS), 3, frames, size, size)
    dense = create_model(name, 8, frames, size).eval()
    calls: dict[str, Callable[[torch.Tensor], object]] = {"dense": dense}

    def exported(model: nn.Module, called: str) -> None:
        path = tmp_path / f"{called}.onnx"
        convert(model, clips, "onnx", path)
        calls[f"{called}, ONNX Runtime"] = Exported(path)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported(dense, "dense")
        for share in SHARES:
            masked = without_channels(create_model(name, 8, frames, size), share)
            calls[f"{share:.0%} masked"], calls[f"{share:.0%} compacted"] = masked, compact(masked)
            exported(calls[f"{share:.0%} compacted"], f"{share:.0%} compacted")
        for called in ("dense", "25% compacted"):
            out = tmp_path / f"{called}_int8.onnx"
            quantize(tmp_path / f"{called}.onnx", [clips], out)
            calls[f"{called}, int8"] = Exported(out)
    given = clips[:CLIPS]
    with torch.inference_mode():
        times = interleaved({key: (lambda call=call: call(given)) for key, call in calls.items()}, ROUNDS)
    with capsys.disabled():
        print(f"\n{name}, {CLIPS} of {frames} x {size} px: a dense pass takes {1000 * median(times['dense']):.0f} ms")
        for key, each in times.items():
            ratios = sorted(dense / mine for mine, dense in zip(each, times["dense"], strict=True))
            print(f"  {key:30} {median(ratios):.2f} times as fast ({ratios[2]:.2f} to {ratios[-3]:.2f})")
