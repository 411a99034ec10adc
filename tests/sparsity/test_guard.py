"""Whoever writes weights after `sparsify`: absent ones are zero before the next forward pass, and counts are true."""

import copy
import math
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

from helpers.toy import batch, build, train
from vidsparse.sparsity import compact, count_flops
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def acting(model: nn.Module, sparse) -> int:
    """Weights of the sparse layers that are not zero."""
    weights = dict(model.named_parameters())
    return sum(int(weights[name].count_nonzero()) for name in sparse.masks)


def dense_state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: torch.ones_like(value) for name, value in model.state_dict().items()}


@torch.no_grad()
def noise(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.add_(torch.ones_like(weight))


def by_data(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.data.copy_(torch.ones_like(weight))


def new_data(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.data = torch.ones_like(weight)


def initialised(model: nn.Module) -> None:
    model.apply(lambda module: nn.init.ones_(module.weight) if isinstance(module, nn.Linear | nn.Conv3d) else None)
    nn.init.ones_(model.attention.in_proj_weight)


def another_mask(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.data.copy_((torch.arange(weight.numel()) % 2).view_as(weight))


def not_numbers(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.data.fill_(math.nan)


WRITERS = {
    "load_state_dict": lambda model: model.load_state_dict(dense_state(model)),
    "noise": noise,
    "by .data": by_data,
    "new .data": new_data,
    "init": initialised,
    "another mask": another_mask,
    "nan": not_numbers,
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("first", ["forward", "backbone", "nonzero", "densities", "state_dict"])
def test_weights_written_after_the_fact_are_masked_again_before_they_act(writer, first):
    model, opt, sparse = build("static", sparsity=0.5)
    planned = sum(int(mask.sum()) for mask in sparse.masks.values())
    WRITERS[writer](model)
    assert acting(model, sparse) != planned or writer == "another mask"
    if first == "forward":
        model(batch(0)[0])
    elif first == "backbone":  # a part of the model is called, which the hook on the whole cannot see
        model.head(torch.ones(1, 8)).sum().backward()
        opt.step()
    else:
        looked = getattr(sparse, first)
        looked() if callable(looked) else looked
    weights = dict(model.named_parameters())
    assert not any(weights[name][~mask].any() for name, mask in sparse.masks.items())
    assert all(sparse.counts()[name] == int(mask.sum()) for name, mask in sparse.masks.items())


@pytest.mark.parametrize("method", ["static", "rigl", "snfs"])
def test_training_after_a_write_goes_on_with_the_masks_that_were(method):
    model, opt, sparse = build(method, "adamw", sparsity=0.5)
    by_data(model)
    train(model, opt, range(7), lambda: None)
    weights = dict(model.named_parameters())
    for name, mask in sparse.masks.items():
        assert not weights[name][~mask].any()
        assert not opt.state[weights[name]]["exp_avg"][~mask].any()
    assert sparse.updates == (2 if method != "static" else 0)


def test_reading_counts_between_forward_and_backward_disturbs_no_gradient():
    model, opt, sparse = build("rigl")
    x, y = batch(0)
    loss = F.cross_entropy(model(x), y)
    assert 0 < sparse.nonzero < sparse.total
    loss.backward()
    opt.step()
    model.eval()
    with torch.inference_mode():
        model(x)
        assert 0 < sparse.nonzero < sparse.total


@pytest.mark.parametrize("how", ["assign", "new parameter", "parametrized", "pruned"])
def test_a_replaced_parameter_is_an_error_and_attach_is_the_way_on(how):
    model, opt, sparse = build("static", sparsity=0.5)
    masks = sparse.masks
    if how == "assign":
        model.load_state_dict(dense_state(model), assign=True)
    elif how == "new parameter":
        model.head.weight = nn.Parameter(torch.ones(4, 8))
    elif how == "parametrized":
        parametrizations.weight_norm(model.head)
    else:
        prune.l1_unstructured(model.grouped, "weight", 0.5)
    for look in (lambda: train(model, opt, range(1)), sparse.densities, opt.step):
        with pytest.raises(ConfigError, match=r"weight .*sparse\.attach\(optimizer\)"):
            look()
    with torch.no_grad():
        model(batch(0)[0])  # who evaluates other weights may
    if how in ("assign", "new parameter"):
        opt = torch.optim.SGD(model.parameters(), 0.05)
        sparse.attach(opt)
        train(model, opt, range(2))
        weights = dict(model.named_parameters())
        assert all(torch.equal(mask, masks[name]) for name, mask in sparse.masks.items())
        assert not any(weights[name][~mask].any() for name, mask in masks.items())
        assert sparse.step == 2


def test_functional_calls_with_other_weights_are_left_alone():
    model, _, sparse = build("static", sparsity=0.5)
    others = {name: torch.ones_like(value, requires_grad=True) for name, value in model.named_parameters()}
    torch.func.functional_call(model, others, batch(0)[0]).sum().backward()
    assert others["head.weight"].all()
    assert 0 < sparse.nonzero < sparse.total


def test_a_copy_of_the_model_alone_says_that_it_trains_dense():
    model, _, _ = build("static")
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            copied.eval()(batch(0)[0])
            with torch.no_grad():
                copied.train()(batch(0)[0])
        with pytest.warns(UserWarning, match="copy of a model that was made sparse"):
            copied(batch(0)[0])


def test_model_optimizer_and_topology_copied_together_go_on_alike_and_apart():
    model, opt, sparse = build("rigl", "adamw", every=2)
    train(model, opt, range(3))
    model2, opt2, sparse2 = copy.deepcopy((model, opt, sparse))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, opt, range(3, 7))
        train(model2, opt2, range(3, 7))
    assert sparse.updates == sparse2.updates == 3
    for name, mask in sparse.masks.items():
        assert torch.equal(mask, sparse2.masks[name])
    for one, two in zip(model.parameters(), model2.parameters(), strict=True):
        assert one is not two
        assert torch.equal(one, two)
    train(model2, opt2, range(7, 11))
    assert (sparse.updates, sparse2.updates) == (3, 5)


def test_compaction_and_flops_see_no_hook_and_close_leaves_none():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4))
    opt = torch.optim.SGD(model.parameters(), 0.1)
    sparse = sparsify(model, opt, "static", 0.5)
    outer = nn.Sequential(model, nn.Linear(4, 2))
    with torch.no_grad():
        model[0].weight[0] = 0
        model[0].bias[0] = 0
    assert compact(outer, (1, 3, 4, 4))[0][0].weight.shape[0] == 7
    assert count_flops(model, (1, 3, 4, 4)).dense == 1728 + 256
    sparse.close()
    assert not model._forward_pre_hooks
    assert not opt._optimizer_step_pre_hooks
    assert not opt._optimizer_step_post_hooks


@pytest.mark.parametrize("write", [noise, by_data, new_data, initialised])
def test_what_is_saved_after_a_write_is_as_sparse_as_is_said_without_a_forward_pass(write):
    """Lookahead and weight averaging put weights back after the last step."""
    model, opt, sparse = build("rigl")
    train(model, opt, range(5))
    write(model)
    saved = nn.ModuleDict({"inside": model}).state_dict()
    assert all(not saved[f"inside.{name}"][~mask].any() for name, mask in sparse.masks.items())
    copied = copy.deepcopy(model)
    assert pickle.loads(pickle.dumps(copied)).state_dict().keys() == model.state_dict().keys()
    sparse.close()
    assert not model._state_dict_pre_hooks


def test_a_layer_without_a_shape_is_refused_by_name():
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Linear(8, 3))
    with pytest.raises(ConfigError, match=r"1\.weight.*no shape yet.*example"):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "rigl", 0.5)


def test_numbers_of_a_training_that_cannot_be_are_refused_and_a_static_rigl_is_said():
    for wrong in ({"total_steps": -1}, {"total_steps": math.nan}, {"seed": 2**70}, {"seed": 1.5}):
        model = nn.Linear(6, 6)
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "rigl", 0.5, **wrong)
    with pytest.warns(UserWarning, match="rigl never changes its topology in 3 steps"):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "rigl", 0.5, 3, every=10)
