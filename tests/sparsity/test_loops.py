"""The same two lines in anybody's loop. Nothing else in it changes, and it needs no special order."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import Menagerie, assert_exact_and_zero, batch, build, train
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def plain_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(576, 4))


def reference(steps: int = 6):
    """The masks and weights of the plain loop."""
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(model, opt, "rigl", 0.7, 20, every=2)
    train(model, opt, range(steps))
    return model, sparse


def assert_same_as_plain(model: nn.Module, sparse, steps: int = 6) -> None:
    twin, expected = reference(steps)
    assert sparse.updates == expected.updates > 0
    assert all(torch.equal(mask, expected.masks[name]) for name, mask in sparse.masks.items())
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("before", [True, False])
def test_a_schedule_made_before_or_after_does_not_warn(before):
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if before:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)
        sparse = sparsify(model, opt, "rigl", 0.7, 20, every=2)
        if not before:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)
        for step in range(6):
            train(model, opt, range(step, step + 1))
            schedule.step()
    assert sparse.updates == 3


@pytest.mark.parametrize("sparsify_first", [True, False])
def test_fabric(sparsify_first):
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    if sparsify_first:
        sparse = sparsify(model, opt, "rigl", 0.7, 20, every=2)
    wrapped, stepper = fabric.setup(model, opt)
    if not sparsify_first:
        sparse = sparsify(wrapped, stepper, "rigl", 0.7, 20, every=2)
    for step in range(6):
        stepper.zero_grad()
        x, y = batch(step)
        fabric.backward(F.cross_entropy(wrapped(x), y))
        stepper.step()
    assert_same_as_plain(model, sparse)


@pytest.mark.slow
@pytest.mark.parametrize("sparsify_first", [True, False])
def test_accelerate_with_its_own_accumulation_and_clipping(sparsify_first):
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    if sparsify_first:
        sparse = sparsify(model, opt, "rigl", 0.7, 20, every=2)
    wrapped, stepper = accelerator.prepare(model, opt)
    if not sparsify_first:
        sparse = sparsify(wrapped, stepper, "rigl", 0.7, 20, every=2)
    for step in range(6):
        x, y = batch(step)
        for part_x, part_y in zip(x.chunk(2), y.chunk(2), strict=True):
            with accelerator.accumulate(wrapped):
                accelerator.backward(F.cross_entropy(wrapped(part_x), part_y))
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(wrapped.parameters(), 1e9)
                stepper.step()
                stepper.zero_grad()
    assert (sparse.step, sparse.updates) == (6, 3)
    twin, expected = reference()
    assert all(torch.equal(mask, expected.masks[name]) for name, mask in sparse.masks.items())
    assert torch.allclose(model[0].weight, twin[0].weight, atol=1e-6)


@pytest.mark.slow
def test_the_script_of_timm_with_its_scaler_schedule_and_moving_average():
    import timm
    from timm.loss import SoftTargetCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2
    from timm.utils import ModelEmaV3, NativeScaler

    torch.manual_seed(0)
    model = timm.create_model("resnet10t", num_classes=4)
    opt = create_optimizer_v2(model, "lamb", lr=0.01, weight_decay=0.02, filter_bias_and_bn=True)
    sparse = sparsify(model, opt, "rigl", 0.8, 20, every=2)
    ema = ModelEmaV3(model, decay=0.5)
    schedule, _ = create_scheduler_v2(opt, num_epochs=4, warmup_epochs=1, updates_per_epoch=2, step_on_epochs=False)
    scaler, loss_of = NativeScaler("cpu"), SoftTargetCrossEntropy()
    generator = torch.Generator().manual_seed(0)
    schedule.step_update(0)  # a warm-up from zero
    for step in range(6):
        x = torch.randn(2, 3, 32, 32, generator=generator)
        loss = loss_of(model(x), torch.eye(4)[torch.tensor([step % 4, 0])])
        scaler(loss, opt, clip_grad=1.0, clip_mode="norm", parameters=model.parameters(), create_graph=False)
        opt.zero_grad()
        ema.update(model)
        schedule.step_update(step + 1)
        assert_exact_and_zero(model, opt, sparse)
    assert (sparse.step, sparse.updates) == (6, 3)
    averaged = dict(ema.module.named_parameters())
    assert any(averaged[name][~mask].any() for name, mask in sparse.masks.items())  # of connections that are gone
    sparse.apply_to(ema.module)
    assert not any(averaged[name][~mask].any() for name, mask in sparse.masks.items())
    assert not any(p._backward_hooks or p._post_accumulate_grad_hooks for p in ema.module.parameters())


@pytest.mark.parametrize("wrapper", [nn.DataParallel, lambda m: torch.compile(m, backend="eager")])
def test_names_are_those_of_the_model_inside_its_wrappers(wrapper):
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    wrapped = wrapper(model)
    sparse = sparsify(wrapped, opt, "rigl", 0.7, 20, every=2)
    assert list(sparse.masks) == ["0.weight", "3.weight"]
    train(wrapped, opt, range(6))
    assert_same_as_plain(model, sparse)


def test_a_closure_and_a_model_copied_for_later():
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(model, opt, "rigl", 0.7, 20, every=2)
    copied = copy.deepcopy(model)
    for step in range(6):
        x, y = batch(step)

        def closure(x=x, y=y):
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        opt.step(closure)
    assert_same_as_plain(model, sparse)
    F.cross_entropy(copied(x), y).backward()
    assert copied[3].weight.grad[~sparse.masks["3.weight"]].any()  # the copy is an ordinary model


@pytest.mark.parametrize("method", ["rigl", "snfs", "srigl", "mest_g"])
def test_memory_layout_changes_no_mask(method):
    """channels_last before, after or never: the same masks and weights."""
    results = []
    for when in ("never", "before", "after"):
        torch.manual_seed(0)
        model = plain_model().double()
        if when == "before":
            model = model.to(memory_format=torch.channels_last_3d)
        opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        sparse = sparsify(model, opt, method, 0.7, 20, every=2)
        if when == "after":
            model = model.to(memory_format=torch.channels_last_3d)
        for step in range(7):
            opt.zero_grad()
            x, y = batch(step)
            F.cross_entropy(model(x.double()), y).backward()
            opt.step()
            assert_exact_and_zero(model, opt, sparse)
        assert model[0].weight.is_contiguous(memory_format=torch.channels_last_3d) == (when != "never")
        results.append((sparse.masks, model[0].weight.detach().clone()))
    for masks, weight in results[1:]:
        assert all(torch.equal(mask, results[0][0][name]) for name, mask in masks.items())
        assert torch.allclose(weight, results[0][1], atol=1e-9)


def test_a_model_converted_after_the_fact_takes_its_masks_along():
    model, opt, sparse = build("rigl", every=2)
    model.double()
    for step in range(5):
        opt.zero_grad()
        x, y = batch(step)
        F.cross_entropy(model(x.double()), y).backward()
        opt.step()
        assert_exact_and_zero(model, opt, sparse)
    assert sparse.updates == 2


def test_two_models_train_side_by_side():
    one, two = Menagerie(), plain_model()
    opts = [torch.optim.SGD([p for p in m.parameters() if p.requires_grad], 0.05) for m in (one, two)]
    sparse = [sparsify(m, o, "set", 0.5, 20, every=2) for m, o in zip((one, two), opts, strict=True)]
    for model, opt in zip((one, two), opts, strict=True):
        train(model, opt, range(5))
    assert [each.updates for each in sparse] == [2, 2]


class Holder:
    """A moving average as some packages write it: no module itself."""

    def __init__(self, model: nn.Module) -> None:
        self.decay, self.ema = 0.5, copy.deepcopy(model)


def averages() -> dict:
    from timm.utils import ModelEma, ModelEmaV2, ModelEmaV3
    from torch.optim.swa_utils import AveragedModel

    return {
        "AveragedModel": AveragedModel,
        "ModelEmaV3": lambda model: ModelEmaV3(model, decay=0.5),
        "ModelEmaV2": lambda model: ModelEmaV2(model, decay=0.5),
        "ModelEma": lambda model: ModelEma(model, decay=0.5),
        "of DataParallel": lambda model: AveragedModel(nn.DataParallel(model)),
        "with the model": lambda model: nn.ModuleDict({"online": model, "ema_model": copy.deepcopy(model)}),
        "no module": Holder,
        "itself": lambda model: model,
    }


@pytest.mark.parametrize("kind", averages())
def test_apply_to_finds_the_copy_inside_wrappers(kind):
    model = plain_model()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    average = averages()[kind](model)
    sparse = sparsify(model, opt, "static", 0.7, 20)
    inner = {"ModelEma": "ema", "no module": "ema"}.get(kind)
    inside = getattr(average, inner) if inner else average
    copies = [p for n, p in inside.named_parameters() if not n.startswith("online")]
    for p in copies:
        p.data.fill_(1.0)
    sparse.apply_to(average)
    assert sum(int(p.count_nonzero()) for p in copies if p.dim() > 1) == sparse.nonzero
    assert model[0].weight.data_ptr() != copies[0].data_ptr() or kind == "itself"


def test_apply_to_something_else_is_refused_in_a_sentence():
    model = plain_model()
    sparse = sparsify(model, torch.optim.SGD(model.parameters(), 0.05), "static", 0.7, 20)
    with pytest.raises(ConfigError, match=r"Linear .*0\.weight"):
        sparse.apply_to(nn.Linear(3, 3))
