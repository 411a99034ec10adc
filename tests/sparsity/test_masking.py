"""Masks of one byte a weight give the products of those in the weight's own dtype, to the bit, and take little room."""

import pytest
import torch
from torch import nn

from helpers.toy import OPTIMIZERS, Net, batch
from vidsparse.sparsity import lifted_states
from vidsparse.sparsity.lifted_states import LiftedStates
from vidsparse.sparsity.masking import lift_, mask_
from vidsparse.sparsity.masks import pack, packed_by_sums
from vidsparse.sparsity.topology import sparsify

AWKWARD = torch.tensor([0.0, -0.0, 1.5, -2.5, torch.nan, torch.inf, -torch.inf, 1e-42])


def laid_out(value: torch.Tensor, how: str) -> torch.Tensor:
    layouts = {"plain": value, "channels_last": value.to(memory_format=torch.channels_last), "cut": value[:, ::2],
               "swapped": value.transpose(0, 1)}  # fmt: skip
    return layouts[how]


def numbers_and_mask(how: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of all kinds in this layout, and a mask that lies as they do."""
    draws = torch.Generator().manual_seed(0)
    value = laid_out(AWKWARD.repeat(48)[torch.randperm(384, generator=draws)].view(4, 6, 4, 4).to(dtype), how)
    return value, torch.empty_like(value, dtype=torch.bool).copy_(torch.rand(value.shape, generator=draws) < 0.5)


def raw(value: torch.Tensor) -> torch.Tensor:
    size = {2: torch.int16, 4: torch.int32, 8: torch.int64}[value.element_size()]
    return value.contiguous().view(size)


@pytest.mark.parametrize("how", ["plain", "channels_last", "cut", "swapped"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_a_product_with_a_bool_mask_is_that_with_zeros_and_ones_to_the_bit(how, dtype):
    value, mask = numbers_and_mask(how, dtype)
    wanted, version = raw(value * mask.to(dtype)), value._version
    mask_(value, mask)
    assert torch.equal(raw(value), wanted)
    assert value._version > version


@pytest.mark.parametrize("how", ["plain", "channels_last", "cut", "swapped"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_lifting_writes_ones_where_the_mask_is_false_and_nothing_else_to_the_bit(how, dtype):
    value, mask = numbers_and_mask(how, dtype)
    wanted, version = raw(torch.where(mask, value, torch.ones_like(value))), value._version
    lift_(value, mask)
    assert torch.equal(raw(value), wanted)
    assert value._version > version


UNFIT = {
    "of another shape": lambda mask: mask[:2],
    "that would be broadcast": lambda mask: mask[:1],
    "turned, of as many entries": lambda mask: mask.reshape(6, 4),
    "of bytes": lambda mask: mask.to(torch.uint8),
    "of numbers": lambda mask: mask.to(torch.float32),
}


@pytest.mark.parametrize("change", [mask_, lift_])
@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_mask_that_does_not_fit_is_refused_and_changes_nothing(change, unfit, dtype):
    value = torch.randn(4, 6).to(dtype)
    before = value.clone()
    with pytest.raises(ValueError, match="bool and of the shape"):
        change(value, UNFIT[unfit](torch.rand(4, 6) < 0.5))
    assert torch.equal(value, before)


@pytest.mark.parametrize("change", [mask_, lift_])
def test_an_address_on_another_device_is_never_read(change):
    """The meta device stands for a GPU: a tensor there has no memory that could be read."""
    with pytest.raises(ValueError, match="on the device"):
        change(torch.ones(4, 6), torch.ones(4, 6, dtype=torch.bool, device="meta"))


@pytest.mark.parametrize(("change", "wanted"), [(mask_, 0.0), (lift_, 1.0)])
def test_a_mask_that_lies_otherwise_than_the_values_is_read_by_its_places(change, wanted):
    """Every second column of a wider mask, and a mask that lies by columns."""
    wide = torch.rand(4, 12, generator=torch.Generator().manual_seed(2)) < 0.5
    for mask in (wide[:, ::2], wide[:, :6].T.contiguous().T):
        value = torch.full((4, 6), 3.0)
        change(value, mask)
        assert torch.equal(value, torch.where(mask, 3.0, wanted))


def test_a_product_that_autograd_must_see_is_seen():
    weight, mask = torch.ones(3, requires_grad=True), torch.tensor([True, False, True])
    doubled = weight * 2
    mask_(doubled, mask)
    doubled.sum().backward()
    assert weight.grad.tolist() == [2, 0, 2]


@pytest.mark.parametrize("shape", [(1,), (8,), (3, 5), (7, 3, 3)])
def test_bits_packed_by_torch_alone_are_those_of_numpy(shape):
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.5
    assert torch.equal(packed_by_sums(mask), pack(mask))


def test_what_is_kept_of_a_weight_takes_a_byte_and_a_quarter():
    layer = nn.Linear(256, 256, bias=False)
    sparse = sparsify(layer, torch.optim.SGD(layer.parameters(), 0.1), "rigl", 0.5, 100, every=10)
    kept = vars(sparse._layers["weight"]).items()
    held = sum(v.numel() * v.element_size() for k, v in kept if isinstance(v, torch.Tensor) and k != "weight")
    assert held == 1.25 * layer.weight.numel()


@pytest.mark.parametrize("name", ["adamw", "rmsprop", "adam", "adagrad"])
def test_lifting_square_averages_while_a_step_is_made_changes_no_bit(name, monkeypatch):
    """With a learning rate that changes, decay, and topology updates in between."""
    own = {"adam": lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.1), "adagrad": lambda p: torch.optim.Adagrad(p)}
    ends = []
    for lifts in (True, False):
        if not lifts:
            for when in ("before_step", "after_step"):
                monkeypatch.setattr(LiftedStates, when, lambda self: None)
        torch.manual_seed(0)
        model = Net()
        opt = (own | OPTIMIZERS)[name](model.parameters())
        sparse = sparsify(model, opt, "rigl", 0.6, 20, every=3)
        if lifts:
            assert any(rest.lifted for rest in sparse._rest.values()) == (name != "adamw")  # AMSGrad keeps the largest
        for step in range(8):
            opt.param_groups[0]["lr"] = 0.01 / (1 + step)
            opt.zero_grad()
            x, y = batch(step)
            nn.functional.cross_entropy(model(x), y).backward()
            opt.step()
        state = [v for each in opt.state.values() for v in each.values() if v.dim()]
        ends.append([raw(value.detach()) for value in (*model.parameters(), *state)])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_square_averages_of_a_model_that_was_moved_off_the_cpu_are_left_alone(monkeypatch):
    """The meta device stands for a GPU, where no step is slower for zeros."""
    changed = []
    monkeypatch.setattr(lifted_states, "lift_", lambda value, mask: changed.append(value.device.type))
    layer = nn.Linear(8, 8, bias=False)
    opt = torch.optim.Adam(layer.parameters(), 0.01)
    sparse = sparsify(layer, opt, "static", 0.5, 10)
    layer(torch.ones(2, 8)).sum().backward()
    opt.step()
    sparse._lifted.before_step()
    assert changed == ["cpu"]  # the first step found no state
    for name, value in opt.state[layer.weight].items():
        opt.state[layer.weight][name] = value.to("meta")
    sparse._lifted.before_step()
    assert changed == ["cpu"]
