"""What a topology says of itself, and how it names mistakes."""

import pytest
import torch

from helpers.toy import Net, build, train
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def test_dense_attaches_no_mask_and_fully_dense_layers_carry_none():
    assert build("dense")[2].masks == {}
    sparse = build("static", sparsity=0.05)[2]
    assert set(sparse.masks) < set(sparse.densities())
    assert [d for n, d in sparse.densities().items() if n not in sparse.masks] == [1.0] * (5 - len(sparse.masks))


def test_exploration_and_overlap_are_those_of_all_masks_there_were():
    model, opt, sparse = build("set", every=2)
    first = sparse.masks
    ever = {name: mask.clone() for name, mask in first.items()}

    def note() -> None:
        for name, mask in sparse.masks.items():
            ever[name] |= mask

    train(model, opt, range(11), note)
    assert sparse.explored() == {
        n: pytest.approx(float(ever[n].float().mean())) if n in ever else 1.0 for n in sparse.sizes()
    }
    now = sparse.masks
    assert sparse.overlap()["grouped.weight"] == pytest.approx(
        float((now["grouped.weight"] & first["grouped.weight"]).sum() / now["grouped.weight"].sum())
    )
    assert sum(sparse.overlap().values()) < len(sparse.sizes())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"method": "riggl"}, "did you mean rigl"),
        ({"sparsity": 1.2}, "outside"),
        ({"density": 0.1}, "pass sparsity"),
        ({"delta": 3}, "unknown setting 'delta'"),
        ({"every": 0}, "every=0: it must be 1 or more"),
        ({"drop_fraction": 1.5}, "at most 1"),
        ({"distribution": "erdos"}, "unknown distribution"),
        ({"sparsity": 0.999}, "without a single weight"),
    ],
)
def test_mistakes_are_named(call, said):
    model = Net()
    with pytest.raises(ConfigError, match=said):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), **call)


def test_another_networks_masks_are_refused():
    sparse = build("rigl")[2]
    with pytest.raises(ConfigError, match="another network"):
        sparse.load_state_dict({**sparse.state_dict(), "masks": {"foo": torch.zeros(1)}})


def test_who_replays_steps_unseen_says_how_many_there_were():
    model, opt, sparse = build("rigl", every=5)
    train(model, opt, range(2))
    sparse.step = 4
    train(model, opt, range(4, 5))
    assert (sparse.step, sparse.updates) == (5, 1)
