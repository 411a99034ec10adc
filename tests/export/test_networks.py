"""The networks that people deploy, in each format: the logits of PyTorch for one clip and for three."""

from pathlib import Path

import pytest
import torch
from torch import nn

from vidsparse.export.convert import convert
from vidsparse.models.exported import Exported
from vidsparse.models.zoo import create_model
from vidsparse.sparsity import compact

NETWORKS = {
    "r3d_18": (4, 48),
    "x3d_s": (4, 64),
    "i3d": (8, 64),
    "swin3d_t": (4, 64),
    "mvit_v2_s": (4, 64),
    "timm/vit_tiny_patch16_224": (1, 64),
    "timm/resnet18": (1, 64),
}
FORMATS = {"torch": ".pt2", "onnx": ".onnx", "openvino": ".xml"}
ONE_EACH = {
    "r3d_18": "openvino",
    "x3d_s": "onnx",
    "i3d": "torch",
    "swin3d_t": "openvino",
    "mvit_v2_s": "torch",
    "timm/vit_tiny_patch16_224": "openvino",
    "timm/resnet18": "onnx",
}
TOLERANCE = 1e-4  # of the largest logit


def network(name: str) -> nn.Module:
    """New, with statistics and biases that are not those of a new network, so that each clip has logits of its own."""
    torch.manual_seed(0)
    frames, size = NETWORKS[name]
    model = create_model(name, 7, frames=frames, size=size)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() < 2:
                weight.add_(torch.randn_like(weight), alpha=0.1)
        model.train()(torch.randn(4, 3, frames, size, size))
    return model.eval()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "kind"), ONE_EACH.items())
def test_the_file_of_a_network_gives_its_logits_for_any_number_of_clips(name, kind, tmp_path: Path):
    """The other formats of each: tests/soak/test_every_export.py."""
    compare(name, kind, tmp_path)


def compare(name: str, kind: str, tmp_path: Path) -> None:
    model, (frames, size) = network(name), NETWORKS[name]
    path = tmp_path / f"model{FORMATS[kind]}"
    convert(model, torch.randn(2, 3, frames, size, size), kind, path)
    exported = Exported(path)
    for count in (1, 3):
        clips = torch.randn(count, 3, frames, size, size)
        with torch.inference_mode():
            logits, ours = model(clips), exported(clips)
        assert (ours - logits).abs().max() <= TOLERANCE * logits.abs().max()
    assert logits.std(0).max() > 30 * TOLERANCE * logits.abs().max(), "each clip has logits of its own"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "heads"), [("swin3d_t", 138 - 12), ("mvit_v2_s", 65 - 15)])
def test_a_network_without_its_dead_heads_is_smaller_and_exported_as_any(name, heads, tmp_path: Path):
    """Every block with two heads or more loses its second one: 12 of Swin's 12 blocks, 15 of MViT's 16."""
    model, (frames, size) = network(name), NETWORKS[name]
    with torch.no_grad():
        for block in (each for each in model.modules() if getattr(each, "num_heads", 1) > 1):
            reads = block.proj if hasattr(block, "proj") else block.project[0]
            one = reads.in_features // block.num_heads
            reads.weight[:, one : 2 * one] = 0
    small = compact(model)
    assert sum(m.num_heads for m in small.modules() if hasattr(m, "num_heads")) == heads
    clips = torch.randn(3, 3, frames, size, size)
    convert(small, clips[:2], "torch", tmp_path / "compact.pt2")
    torch.save(small, tmp_path / "compact.pt")
    again = torch.load(tmp_path / "compact.pt", weights_only=False)
    with torch.inference_mode():
        logits = model(clips)
        for each in (small, again, Exported(tmp_path / "compact.pt2")):
            assert (each(clips) - logits).abs().max() <= 1e-5 * logits.abs().max()
