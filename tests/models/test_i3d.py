"""Inception-I3D and C3D against what their papers state."""

import pytest
import torch
from torch.nn import functional

from vidsparse.models.i3d import SamePool, same
from vidsparse.models.zoo import create_model


def test_shapes_are_those_of_the_figure():
    model = create_model("i3d", 400, 64, 224).to("meta").eval()
    seen: dict[str, tuple[int, ...]] = {}
    for name, module in model.named_children():
        module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:])}))
    model(torch.empty(1, 3, 64, 224, 224, device="meta"))
    assert seen["Conv3d_1a_7x7"] == (64, 32, 112, 112)
    assert seen["Conv3d_2c_3x3"] == (192, 32, 56, 56)
    assert seen["Mixed_3c"] == (480, 32, 28, 28)
    assert seen["Mixed_4f"] == (832, 16, 14, 14)
    assert seen["Mixed_5c"] == (1024, 8, 7, 7)


def test_names_are_those_of_circulating_checkpoints():
    keys = set(create_model("i3d", 400).to("meta").state_dict())
    assert {"Conv3d_1a_7x7.conv3d.weight", "Mixed_3b.b1b.bn.running_mean", "Mixed_5c.b3b.conv3d.weight",
            "logits.conv3d.weight", "logits.conv3d.bias"} <= keys  # fmt: skip


@pytest.mark.parametrize(("length", "kernel", "stride"), [(1, 7, 2), (8, 7, 2), (9, 3, 2), (7, 2, 2), (5, 3, 1)])
def test_same_padding_leaves_a_window_for_every_stride(length, kernel, stride):
    x = torch.ones(1, 1, length, 1, 1)
    padded = same(x, (kernel, 1, 1), (stride, 1, 1))
    windows = padded.unfold(2, kernel, stride)
    assert windows.shape[2] == -(-length // stride)
    assert padded.sum() == length  # zeros around all of it
    before = int((padded.flatten() != 0).nonzero()[0])
    assert 0 <= padded.shape[2] - length - 2 * before <= 1  # the odd zero at the end


def test_a_same_pool_of_values_that_are_not_negative_is_their_maximum():
    x = torch.rand(1, 2, 5, 6, 6)
    assert torch.equal(SamePool((3, 3, 3), (1, 1, 1))(x), functional.max_pool3d(x, 3, 1, 1))


def test_c3d_at_its_native_size_pools_nothing_away_before_fc6():
    model = create_model("c3d", 101, 16, 112).eval()
    features = model.get_submodule("features").to("meta")(torch.empty(1, 3, 16, 112, 112, device="meta"))
    assert features.shape == (1, 512, 1, 4, 4)
