"""Methods that take whole channels out: coupled ones together, counts exact, compaction without another output."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vidsparse.sparsity import compaction
from vidsparse.sparsity.topology import Topology, sparsify
from vidsparse.utils.errors import ConfigError

METHODS = ("chase", "rigl_channels")


class Residual(nn.Module):
    """A stem, two blocks on one stream, a gate (squeeze and excitation), depthwise and grouped kernels, an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.wide, self.deep = nn.Conv2d(32, 48, 1), nn.Conv2d(48, 48, 3, padding=1, groups=48)
        self.back = nn.Conv2d(48, 32, 1)
        self.pair, self.grouped = nn.Conv2d(32, 64, 1), nn.Conv2d(64, 32, 3, padding=1, groups=16)
        self.squeeze, self.excite = nn.Conv2d(32, 16, 1), nn.Conv2d(16, 32, 1)
        self.head = nn.Sequential(nn.Linear(32, 40), nn.GELU(), nn.Linear(40, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm(self.stem(x)))
        x = x + self.back(F.relu(self.deep(F.relu(self.wide(x)))))
        x = F.relu(x + self.grouped(F.relu(self.pair(x))))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        return self.head((x * gate).mean((2, 3)))


def built(method: str, **settings) -> tuple[nn.Module, torch.optim.Optimizer, Topology]:
    torch.manual_seed(0)
    model = Residual()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    return model, opt, sparsify(model, opt, method, 0.6, 30, **{"every": 3, **settings})


def train(model: nn.Module, opt: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        x, y = torch.randn(4, 3, 6, 6, generator=generator), torch.randint(5, (4,), generator=generator)
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()


@pytest.mark.parametrize("method", METHODS)
def test_the_compacted_network_has_as_many_channels_less_and_computes_the_same(method):
    model, opt, sparse = built(method)
    train(model, opt, range(25))
    assert sparse.nonzero == round(0.4 * sparse.total)
    model.eval()
    made, x = compaction(model, (2, 3, 6, 6)), torch.randn(3, 3, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(made.model(x), model(x), rtol=1e-5, atol=1e-5)
    one_stream = [made.writes[name] for name in ("stem", "back", "grouped", "excite")]
    assert len(set(one_stream)) == 1
    if method == "rigl_channels":
        assert one_stream[0] == (32, 24)
        assert [made.writes[name][1] for name in ("wide", "deep", "head.0")] == [40, 40, 32]  # 36 and 30, rounded up
    else:
        gone = sum(before - now for name, (before, now) in made.writes.items() if name in ("stem", "deep", "head.0"))
        assert gone > 0.25 * (32 + 48 + 40) - 16


@pytest.mark.parametrize("method", METHODS)
def test_a_continued_training_loses_the_same_channels_as_one_without_a_break(method):
    whole, opt, sparse = built(method)
    train(whole, opt, range(11))
    saved = [whole.state_dict(), opt.state_dict(), sparse.state_dict()]
    saved = torch.utils._pytree.tree_map(lambda v: v.clone() if isinstance(v, torch.Tensor) else v, saved)
    train(whole, opt, range(11, 25))
    again, other, continued = built(method)
    for thing, state in zip((again, other, continued), saved, strict=True):
        thing.load_state_dict(state)
    train(again, other, range(11, 25))
    assert all(torch.equal(mask, continued.masks[name]) for name, mask in sparse.masks.items())
    assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), again.parameters(), strict=True))


def test_channels_of_a_layer_that_is_kept_dense_stay():
    model, opt, sparse = built("rigl_channels", exclude="stem.weight")
    train(model, opt, range(25))
    assert bool(model.stem.weight.ne(0).all())
    made = compaction(model.eval(), (2, 3, 6, 6))
    assert made.writes["back"] == (32, 32)
    assert made.writes["wide"] == (48, 40)
    assert sparse.nonzero == round(0.4 * sparse.total)


def test_weights_that_have_no_room_between_the_channels_left_are_refused():
    model = Residual()
    with pytest.raises(ConfigError, match=r"channel_sparsity=0\.5 .* sparsity"):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "chase", 0.3, channel_sparsity=0.5)


def test_a_network_without_such_channels_is_said_to_have_none():
    layer = nn.Linear(8, 8)
    with pytest.warns(UserWarning, match="takes none"):
        sparsify(layer, torch.optim.SGD(layer.parameters(), 0.1), "chase", 0.5, 100, every=10)


@pytest.mark.parametrize(("method", "multiple"), [("rigl_channels", 8), ("chase", 1)])
def test_fewer_channels_than_asked_for_are_said_where_multiples_leave_no_others(method, multiple):
    """Of streams of 16, 32 and 64 channels 25 % is 4, 8 and 16; with multiples of 8 it is 0, 8 and 16."""
    wide = [(3, 16), (16, 32), (32, 64), (64, 5)]
    model = nn.Sequential(*(layer for inputs, outputs in wide for layer in (nn.Linear(inputs, outputs), nn.ReLU())))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sparse = sparsify(model, torch.optim.SGD(model.parameters(), 0.1), method, 0.8, 100, every=10)
    said = [str(each.message) for each in caught if "channel_sparsity=0.25" in str(each.message)]
    assert len(said) == (multiple > 1)
    assert not said or "24 of 112 channels (21.4%)" in said[0]
    sparse.close()


@pytest.mark.parametrize("narrow_is_worthless", [False, True])
def test_fewer_channels_than_asked_for_are_said_where_the_weights_need_their_room(narrow_is_worthless):
    """All channels of the narrow layer would go first, and half of the weights have no room in what is left of it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(100, 20), nn.ReLU(), nn.Linear(20, 100), nn.ReLU(), nn.Linear(100, 2))
    opt = torch.optim.SGD(model.parameters(), 1e-6)
    sparse = sparsify(model, opt, "chase", 0.5, 12, every=3)
    with torch.no_grad():
        model[0].weight.mul_(1e-3 if narrow_is_worthless else 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(12):
            opt.zero_grad()
            model(torch.randn(4, 100, generator=torch.Generator().manual_seed(step))).square().mean().backward()
            opt.step()
    said = [str(each.message) for each in caught if "channels" in str(each.message)]
    gone = sum(int((~sparse.masks[name].any(1)).sum()) for name in ("0.weight", "2.weight"))
    assert sparse.nonzero == 2100
    assert bool(said) == (gone < 30) == narrow_is_worthless
    assert not said or f"took out {gone} of 120 channels" in said[-1]
