"""Learning rates by hand, decay groups, and batch-norm statistics that are those of the data."""

import pytest
import torch
from torch import nn

from vidsparse.config import OptimizerConfig, ScheduleConfig
from vidsparse.recipe import learning_rate, make_optimizer, precise_bn_batches, reestimate_batchnorm


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
