"""The optimizer that is stepped is found, or training that passes the topology by is an error with the way on."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import Net, assert_exact_and_zero, batch, build, train
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError

WAY_ON = r"is trained, but the optimizer given to sparsify .* is not stepped.*sparse\.attach\(optimizer\)"


class Sam(torch.optim.Optimizer):
    """Sharpness-aware minimisation (Foret et al. 2021): up along the gradient, a second gradient, back and a step."""

    def __init__(self, params, base, rho=0.05, keep_as="base_optimizer", **settings):
        super().__init__(params, {"rho": rho, **settings})
        inner = base(self.param_groups, **settings)
        setattr(self, keep_as, inner)
        self._inner, self.param_groups = (lambda: inner), inner.param_groups

    @torch.no_grad()
    def first_step(self):
        norm = torch.stack([p.grad.norm() for p in self._trained()]).norm()
        for p in self._trained():
            self.state[p]["old"] = p.data.clone()
            p.add_(p.grad * self.param_groups[0]["rho"] / (norm + 1e-12))
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for p in self._trained():
            p.data = self.state[p]["old"]
        self._inner().step()
        self.zero_grad()

    def step(self, closure):
        closure = torch.enable_grad()(closure)
        closure()
        self.first_step()
        closure()
        self.second_step()

    def _trained(self):
        return [p for group in self.param_groups for p in group["params"] if p.grad is not None]


def sam_steps(model, sam, steps: range, by_closure: bool, ascents: int = 1, check=lambda: None) -> None:
    for step in steps:
        x, y = batch(step)

        def loss(x=x, y=y):
            F.cross_entropy(model(x), y).backward()

        if by_closure:
            sam.step(loss)
        else:
            for _ in range(ascents):
                loss()
                sam.first_step()
            loss()
            sam.second_step()
        check()


@pytest.mark.parametrize("keep_as", ["base_optimizer", "any_name_at_all"])
@pytest.mark.parametrize("by_closure", [True, False])
def test_the_optimizer_inside_sam_counts_and_absent_weights_have_no_momentum(by_closure, keep_as):
    torch.manual_seed(0)
    model = Net()
    sam = Sam(model.parameters(), torch.optim.SGD, keep_as=keep_as, lr=0.05, momentum=0.9)
    sparse = sparsify(model, sam, "rigl", 0.6, 20, every=2)
    inner = getattr(sam, keep_as)
    sam_steps(model, sam, range(7), by_closure, check=lambda: assert_exact_and_zero(model, inner, sparse))
    assert (sparse.step, sparse.updates) == (7, 3)


def test_two_ascents_a_step_are_no_error():
    model = Net()
    sam = Sam(model.parameters(), torch.optim.SGD, lr=0.05)
    sparse = sparsify(model, sam, "set", 0.6, 20, every=2)
    sam_steps(model, sam, range(5), False, ascents=3)
    assert sparse.updates == 2


def test_lookahead_of_timm_leaves_absent_weights_zero_in_the_forward_pass():
    from timm.optim import create_optimizer_v2

    model = Net()
    opt = create_optimizer_v2(model, "lookahead_sgd", lr=0.05)
    sparse = sparsify(model, opt, "set", 0.6, 20, every=2)
    seen = []
    model.head.register_forward_pre_hook(
        lambda *_: seen.extend(bool(dict(model.named_parameters())[n][~m].any()) for n, m in sparse.masks.items())
    )
    train(model, opt, range(14))
    assert (sparse.step, sparse.updates) == (14, 7)
    assert seen
    assert not any(seen)


def by_another_sam(model):
    sam = Sam(model.parameters(), torch.optim.SGD, lr=0.05)
    sam_steps(model, sam, range(4), True)


def by_another_optimizer(model):
    train(model, torch.optim.AdamW(model.parameters(), 1e-3), range(4))


def by_a_fused_optimizer(model):
    train(model, torch.optim.AdamW(model.parameters(), 1e-3, fused=True), range(4))


def by_rebuilt_optimizers(model):
    for step in range(8):  # a new one each step, which no optimizer hook can tell from an alternation
        train(model, torch.optim.SGD(model.parameters(), 0.1), range(step, step + 1))


def in_the_backward_pass(model):
    optimizers = {p: torch.optim.SGD([p], 0.05) for p in model.parameters()}

    def step(p):
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)
    for number in range(4):
        F.cross_entropy(model(batch(number)[0]), batch(number)[1]).backward()


def by_hand(write):
    def loop(model):
        for step in range(8):
            F.cross_entropy(model(batch(step)[0]), batch(step)[1]).backward()
            for p in model.parameters():
                write(p)
            model.zero_grad()

    return loop


@torch.no_grad()
def in_place(p):
    p.sub_(p.grad, alpha=0.05)


def through_data(p):
    p.data.sub_(p.grad, alpha=0.05)


def into_zeroed_gradients(model):
    for step in range(8):
        F.cross_entropy(model(batch(step)[0]), batch(step)[1]).backward()
        for p in model.parameters():
            through_data(p)
        model.zero_grad(set_to_none=False)


PASSERS_BY = {
    "another SAM": by_another_sam,
    "another optimizer": by_another_optimizer,
    "a fused one": by_a_fused_optimizer,
    "rebuilt": by_rebuilt_optimizers,
    "in the backward pass": in_the_backward_pass,
    "by hand": by_hand(in_place),
    "by hand through data": by_hand(through_data),
    "by hand, gradients kept": into_zeroed_gradients,
}


@pytest.mark.parametrize("method", ["rigl", "static"])
@pytest.mark.parametrize("loop", PASSERS_BY)
def test_training_that_passes_the_optimizer_by_is_an_error(loop, method):
    model, _, sparse = build(method)
    with pytest.raises(ConfigError, match=WAY_ON):
        PASSERS_BY[loop](model)
    assert sparse.step == 0
    sparse.close()
    PASSERS_BY[loop](model)  # nobody minds any more


def test_attach_goes_on_with_a_rebuilt_optimizer():
    model, opt, sparse = build("rigl", "adamw", every=2)
    train(model, opt, range(3))
    masks = sparse.masks
    rebuilt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    train(model, rebuilt, range(1))  # before it is attached: gradients are masked all the same
    sparse.attach(rebuilt)
    assert all(torch.equal(mask, masks[name]) for name, mask in sparse.masks.items())
    train(model, rebuilt, range(3, 8), lambda: assert_exact_and_zero(model, rebuilt, sparse))
    assert (sparse.step, sparse.updates) == (8, 4)
    with pytest.raises(ConfigError, match=r"this SGD does not train stem\.0\.weight"):
        sparse.attach(torch.optim.SGD(model.head.parameters(), 0.1))


@pytest.mark.parametrize("again", [1, 2])
def test_attacks_evaluations_and_skipped_steps_between_two_steps_are_no_error(again):
    """Gradients that come and go while no weight moves: adversarial examples, saliency, overflows of a scaler."""
    model, opt, sparse = build("rigl", every=2)
    for step in range(6):
        x, y = batch(step)
        for _ in range(again * 6):
            x = x.clone().requires_grad_()
            F.cross_entropy(model(x), y).backward()
            x = (x + 0.01 * x.grad.sign()).detach()
            model.zero_grad(set_to_none=again == 1)
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    assert (sparse.step, sparse.updates) == (6, 3)


def test_two_optimizers_that_take_turns_and_one_of_other_weights_are_no_error():
    model, opt, sparse = build("set", every=2)
    other = torch.optim.AdamW(model.parameters(), 1e-4)
    beside = torch.optim.SGD(nn.Linear(4, 4).parameters(), 0.1)
    for step in range(6):
        train(model, opt, range(step, step + 1))
        train(model, other, range(step, step + 1))
        beside.step()
        model(batch(step)[0])
        weights = dict(model.named_parameters())
        assert not any(weights[name][~mask].any() for name, mask in sparse.masks.items())
    assert (sparse.step, sparse.updates) == (6, 3)


def test_a_copied_pair_trains_without_being_taken_for_the_original():
    model, opt, sparse = build("rigl", every=2)
    model2, opt2 = copy.deepcopy((model, opt))
    with pytest.warns(UserWarning, match="its topology did not come along"):
        train(model2, opt2, range(8))
    assert sparse.step == 0
    train(model, opt, range(5))
    assert (sparse.step, sparse.updates) == (5, 2)
