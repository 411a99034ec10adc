"""N:M: of each M weights along the inputs of a neuron exactly N exist, at every step, and no count is near to it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.sparse import _semi_structured_conversions as hardware

from vidsparse import load_config
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.mask_groups import grouped, highest, rewire_groups, ungrouped
from vidsparse.sparsity.n_of_m import ONE_OF_FOUR, TWO_OF_FOUR, n_of_m
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.topology import Topology, sparsify
from vidsparse.training.rearranging import rearrange
from vidsparse.utils.errors import ConfigError

FITTING = {"two.weight", "pair.weight", "head.weight"}
ROWS = [TWO_OF_FOUR, ONE_OF_FOUR, n_of_m(2, 4, "set"), n_of_m(3, 8, "mest"), n_of_m(2, 4, "static")]


class Images(nn.Module):
    """A stem of three channels, which no pattern fits, plain and grouped kernels, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.pair, self.head = nn.Conv2d(16, 32, (1, 3), groups=2), nn.Linear(32, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.pair(self.two(self.one(x).relu()).relu()).mean((2, 3)))


def built(row, **settings) -> tuple[nn.Module, torch.optim.Optimizer, Topology]:
    torch.manual_seed(0)
    model = Images()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    n, m = row.pattern
    changing = {"every": 2} if row.dynamic else {}
    with pytest.warns(UserWarning, match=r"all weights to one\.weight"):
        return model, opt, sparsify(model, opt, row, 1 - n / m, 20, "uniform", **changing, **settings)


def train(model: nn.Module, opt: torch.optim.Optimizer, steps: range, after=lambda: None) -> None:
    for step in steps:
        draws = torch.Generator().manual_seed(step)
        opt.zero_grad()
        F.cross_entropy(model(torch.randn(4, 3, 5, 5, generator=draws)), torch.arange(4)).backward()
        opt.step()
        after()


def assert_pattern(model: nn.Module, sparse: Topology, n: int, m: int) -> None:
    """Counted by slices of the weight, not by the code that makes the groups."""
    assert set(sparse.masks) == FITTING
    for name, mask in sparse.masks.items():
        for first in range(0, mask.shape[1], m):
            assert (mask[:, first : first + m].sum(1) == n).all(), name
        assert (model.get_parameter(name)[~mask] == 0).all()
        assert sparse.counts()[name] == mask.numel() * n // m == int(mask.sum())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_group_has_its_number_of_weights_after_every_step(row):
    model, opt, sparse = built(row)
    begun = sparse.masks
    train(model, opt, range(14), lambda: assert_pattern(model, sparse, *row.pattern))
    assert sparse.updates == (7 if row.dynamic else 0)
    assert any(not torch.equal(mask, begun[name]) for name, mask in sparse.masks.items()) == row.dynamic
    assert sparse.planned() == sparse.counts()


def test_the_weakest_of_the_layer_go_and_groups_grow_by_their_own_highest_gradients():
    weight = torch.tensor([[9.0, 1, 0, 0, 8, 7, 0, 0], [0, 0, 5, 6, 2, 0, 3, 0]])
    active = weight != 0
    gradient = torch.tensor([[0.0, 1, 2, 3, 0, 0, 99, 99], [99, 0, 0, 0, 5, 4, 3, 6]])
    layer = Candidates(weight, active, 8, None, gradient, None, lambda: weight, {})
    new, kept = rewire_groups(layer, weight.abs(), gradient, 3 / 8, (2, 4))  # 1, 2 and 3 go
    assert kept.int().tolist() == [[1, 0, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0]]
    assert new.int().tolist() == [[1, 0, 0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0, 0, 1]]


def test_groups_lie_along_the_inputs_at_each_place_of_a_kernel():
    weight = torch.arange(2 * 8 * 3).view(2, 8, 1, 3)
    assert grouped(weight, 4)[0].tolist() == weight[0, :4, 0, 0].tolist()
    assert grouped(weight, 4)[3].tolist() == weight[0, 4:, 0, 1].tolist()
    assert torch.equal(ungrouped(grouped(weight, 4), weight), weight)


def test_the_largest_weights_of_each_group_stay_in_a_network_that_was_trained():
    model, _, sparse = built(TWO_OF_FOUR, init="magnitude")
    torch.manual_seed(0)
    wanted = highest(Images().two.weight.detach().abs(), (2, 4))
    assert torch.equal(sparse.masks["two.weight"], wanted)
    assert_pattern(model, sparse, 2, 4)


def test_a_continued_training_has_the_topology_of_one_without_a_break():
    whole, opt, sparse = built(TWO_OF_FOUR)
    train(whole, opt, range(5))
    saved = torch.utils._pytree.tree_map(
        lambda v: v.clone() if isinstance(v, torch.Tensor) else v,
        [whole.state_dict(), opt.state_dict(), sparse.state_dict()],
    )
    train(whole, opt, range(5, 11))
    parts = built(TWO_OF_FOUR)
    for part, state in zip(parts, saved, strict=True):
        part.load_state_dict(state)
    train(*parts[:2], range(5, 11))
    assert all(torch.equal(mask, parts[2].masks[name]) for name, mask in sparse.masks.items())
    assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), parts[0].parameters(), strict=True))


@pytest.mark.parametrize("how", ["shuffled", "reset"])
def test_links_that_are_drawn_anew_keep_the_pattern(how):
    model, opt, sparse = built(ONE_OF_FOUR)
    train(model, opt, range(4))
    before = sparse.masks
    rearrange(sparse, how)
    assert_pattern(model, sparse, 1, 4)
    assert all(torch.equal(mask, before[name]) for name, mask in sparse.masks.items()) == (how == "reset")


def test_a_trained_layer_is_what_the_sparse_units_of_a_gpu_take_without_losing_a_weight():
    """The conversion of torch, which keeps two of four and has no more room, and back: nothing is missing."""
    torch.manual_seed(0)
    layer = nn.Linear(128, 64)
    opt = torch.optim.SGD(layer.parameters(), 0.1)
    sparse = sparsify(layer, opt, TWO_OF_FOUR, 0.5, 20, "uniform", every=1)
    for _ in range(6):
        opt.zero_grad()
        layer(torch.randn(4, 128)).square().mean().backward()
        opt.step()
    assert sparse.changed > 0
    weight = layer.weight.detach().half()
    assert torch.equal(hardware.sparse_semi_structured_to_dense_cutlass(
        *hardware.sparse_semi_structured_from_dense_cutlass(weight)), weight)  # fmt: skip


@pytest.mark.parametrize(
    ("sparsity", "distribution", "said"),
    [(0.9, "uniform", r"sparsity=0\.9: 2 of 4 .* 0\.5"), (0.5, "erk", "uniform"), (0.0, "uniform", "sparsity=0")],
)
def test_a_sparsity_or_distribution_that_is_not_that_of_the_pattern_is_refused(sparsity, distribution, said):
    model = Images()
    with pytest.raises(ConfigError, match=said):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), TWO_OF_FOUR, sparsity, 20, distribution)


def test_a_network_without_such_inputs_is_refused():
    layer = nn.Linear(6, 4)
    with pytest.raises(ConfigError, match="multiples of 4"):
        sparsify(layer, torch.optim.SGD(layer.parameters(), 0.1), TWO_OF_FOUR, 0.5, 20, "uniform")


@pytest.mark.parametrize("base", ["dense", "srigl", "chase", "granet_g", "snfs", "mest_g", "gmp"])
def test_a_row_that_changes_counts_has_no_pattern(base):
    with pytest.raises(ConfigError, match=f"n_of_m: {base}"):
        n_of_m(2, 4, base)


@pytest.mark.parametrize("pattern", [(0, 4), (4, 4), (5, 4), (1.0, 4)])
def test_a_pattern_has_fewer_weights_than_places(pattern):
    with pytest.raises(ConfigError, match="n_of_m"):
        n_of_m(*pattern)


def test_a_config_names_the_row_where_it_is():
    name = "vidsparse.sparsity.n_of_m:TWO_OF_FOUR"
    config = load_config("ucf101_rigl", [f"sparse.method={name}", "sparse.distribution=uniform", "name=a"])
    assert METHODS[config.sparse.method] is TWO_OF_FOUR
    assert not {"signed_drop", "pattern"} & TWO_OF_FOUR.settings.keys()
