"""Learning rates by hand, decay groups, and batch-norm statistics that are those of the data."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vidsparse.config import MixupConfig, OptimizerConfig, ScheduleConfig
from vidsparse.training.recipe import draw_mix, learning_rate, make_optimizer, precise_bn_batches, reestimate_batchnorm


def rates(schedule: ScheduleConfig, per_epoch: int = 2, epochs: int = 6) -> list[float]:
    total = per_epoch * epochs
    return [round(learning_rate(1.0, schedule, step, per_epoch, total), 4) for step in range(total)]


def test_warm_up_rises_linearly_to_the_peak_then_the_schedule_begins():
    assert rates(ScheduleConfig(name="constant", warmup_epochs=2)) == [0.25, 0.5, 0.75, 1.0] + [1.0] * 8
    cosine = rates(ScheduleConfig(name="cosine", warmup_epochs=2))
    assert cosine[3:5] == [1.0, 1.0]
    assert cosine[8] == 0.5
    assert cosine == cosine[:4] + sorted(cosine[4:], reverse=True)
    steps = ScheduleConfig(name="multistep", warmup_epochs=0, milestones=[2, 4], gamma=0.1)
    assert rates(steps) == [1.0] * 4 + [0.1] * 4 + [0.01] * 4


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_every_parameter_is_trained_once_and_only_matrices_decay(name):
    model = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.Linear(4, 2))
    optimizer = make_optimizer(model, OptimizerConfig(name=name, weight_decay=0.1))
    groups = {group["weight_decay"]: group["params"] for group in optimizer.param_groups}
    assert {p.dim() for p in groups[0.1]} == {5, 2}
    assert {p.dim() for p in groups[0.0]} == {1}
    assert sum(map(len, groups.values())) == len(list(model.parameters()))


def test_precise_statistics_are_the_mean_over_the_batches_given():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm3d(3), nn.Dropout(0.5))
    batches = [torch.randn(4, 3, 2, 5, 5) * 3 + 7 for _ in range(5)]
    model(torch.zeros(4, 3, 2, 5, 5))
    reestimate_batchnorm(model, iter(batches))
    means = torch.stack([b.mean((0, 2, 3, 4)) for b in batches]).mean(0)
    assert torch.allclose(model[0].running_mean, means, atol=1e-5)
    assert not model.training
    assert not model[0].training
    assert model[0].momentum == 0.1


def test_automatic_precision_is_for_short_trainings_alone():
    assert precise_bn_batches("auto", total_steps=100, per_epoch=10) == 10
    assert precise_bn_batches("auto", total_steps=100_000, per_epoch=500) == 0
    assert precise_bn_batches(3, total_steps=100_000, per_epoch=500) == 3


def mixed(config, step=3, batch=6):
    generator = torch.Generator().manual_seed(step)
    pixels = torch.randint(0, 256, (batch, 2, 8, 10, 3), generator=generator).to(torch.uint8)
    return pixels, draw_mix(config, pixels.shape, (0, step))


def whole(mix, pixels):
    return mix.clips(pixels, slice(None), torch.device("cpu"))


def test_no_mixing_leaves_the_batch_as_it_is():
    for config in (MixupConfig(), MixupConfig(mixup_alpha=1.0, prob=0.0)):
        pixels, mix = mixed(config)
        assert whole(mix, pixels).data_ptr() == pixels.data_ptr()  # not even a copy
        logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
        assert mix.loss(logits, labels, slice(None), 0.1) == F.cross_entropy(logits, labels, label_smoothing=0.1)


def test_mixup_blends_each_clip_with_its_partner():
    pixels, mix = mixed(MixupConfig(mixup_alpha=1.0))
    assert 0 < mix.share < 1
    expected = mix.share * pixels.double() + (1 - mix.share) * pixels[mix.partner].double()
    torch.testing.assert_close(whole(mix, pixels).double(), expected, atol=1e-3, rtol=0)


def test_cutmix_shows_the_partner_in_one_box_of_every_frame_and_counts_its_area():
    sizes = set()
    for step in range(40):
        pixels, mix = mixed(MixupConfig(cutmix_alpha=1.0), step)
        before = pixels.clone()
        out = whole(mix, pixels)
        assert torch.equal(pixels, before)  # the batch itself is not written to
        from_own, from_partner = (out == pixels).all(-1), (out == pixels[mix.partner]).all(-1)
        assert (from_own | from_partner).all()
        moved = mix.partner != torch.arange(6)
        shown = (~from_own)[moved].float().mean().item() if moved.any() else 1 - mix.share
        assert shown == pytest.approx(1 - mix.share, abs=0.02)
        sizes.add(round(mix.share, 3))
    assert len(sizes) > 10


def test_targets_are_soft_as_the_pixels_are():
    _, mix = mixed(MixupConfig(mixup_alpha=0.5))
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    one_hot = F.one_hot(labels, 4).float()
    soft = mix.share * one_hot + (1 - mix.share) * one_hot[mix.partner]
    expected = F.cross_entropy(logits, soft, label_smoothing=0.1)
    torch.testing.assert_close(mix.loss(logits, labels, slice(None), 0.1), expected)


@pytest.mark.parametrize("config", [MixupConfig(mixup_alpha=0.8), MixupConfig(cutmix_alpha=1.0)])
def test_parts_of_a_batch_are_mixed_as_the_whole(config):
    pixels, mix = mixed(config)
    parts = [mix.clips(pixels, slice(start, start + 2), torch.device("cpu")) for start in (0, 2, 4)]
    assert torch.equal(torch.cat(parts), whole(mix, pixels))


def test_the_mix_is_a_function_of_seed_and_step():
    config = MixupConfig(mixup_alpha=0.8, cutmix_alpha=1.0, prob=0.7)
    shape = (8, 2, 8, 8, 3)
    first = [draw_mix(config, shape, (0, step)) for step in range(200)]
    for step in (3, 150):
        again = draw_mix(config, shape, (0, step))
        assert (again.share, again.box) == (first[step].share, first[step].box)
        assert torch.equal(again.partner, first[step].partner)
    mixing = [mix for mix in first if mix.share < 1]
    assert 110 < len(mixing) < 170
    assert 0.3 < sum(mix.box is not None for mix in mixing) / len(mixing) < 0.7
    assert draw_mix(config, shape, (1, 3)).share != first[3].share


def adamw(weight: nn.Parameter, scaled: bool = False) -> torch.optim.Optimizer:
    holder = nn.Module()
    holder.weight = weight
    return make_optimizer(holder, OptimizerConfig(name="adamw", lr=0.01, weight_decay=0.1), scaled)


def after(optimizer: torch.optim.Optimizer, weight: nn.Parameter, steps: range, layout: torch.memory_format):
    for step in steps:
        drawn = torch.randn(weight.shape, generator=torch.Generator().manual_seed(step))
        weight.grad = drawn.contiguous(memory_format=layout)
        optimizer.step()
    return weight.detach().clone()


@pytest.mark.parametrize("ours", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("theirs", [torch.contiguous_format, torch.channels_last_3d])
def test_fused_adamw_is_adamw_but_for_rounding_in_every_memory_layout(ours, theirs):
    found = []
    for scaled in (False, True):
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(6, 5, 3, 4, 4).contiguous(memory_format=ours))
        optimizer = adamw(weight, scaled)
        assert bool(optimizer.param_groups[0]["fused"]) is not scaled  # clipping needs gradients that are not scaled
        found.append(after(optimizer, weight, range(4), theirs))
    assert torch.allclose(*found, rtol=1e-5, atol=1e-6)


def test_state_of_a_run_in_another_memory_layout_is_carried_on_with():
    weights = []
    for later in (torch.contiguous_format, torch.channels_last_3d):
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(6, 5, 3, 4, 4))
        optimizer = adamw(weight)
        after(optimizer, weight, range(3), torch.contiguous_format)
        weight = nn.Parameter(weight.detach().contiguous(memory_format=later))
        resumed = adamw(weight)
        resumed.load_state_dict(optimizer.state_dict())
        weights.append(after(resumed, weight, range(3, 6), later))
    assert torch.equal(*weights)


def test_a_run_that_began_without_the_fused_kernel_ends_in_the_same_bytes():
    """As runs of before made their optimizer: what a checkpoint holds of it says `fused: None`."""
    weights = []
    for stopped in (False, True):
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(501, 3))
        groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, 0.01)
        after(optimizer, weight, range(3), torch.contiguous_format)
        if stopped:
            state, optimizer = optimizer.state_dict(), adamw(weight)
            optimizer.load_state_dict(state)
        weights.append(after(optimizer, weight, range(3, 9), torch.contiguous_format))
    assert torch.equal(*weights)
