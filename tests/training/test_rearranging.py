"""Links drawn anew when a topology is settled: its counts stay, both ways differ in places alone, stopped or not."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import DYNAMIC, Net
from vidsparse.config import SparseConfig
from vidsparse.data.clips import load_clips
from vidsparse.run_dir.folder import RunFolder
from vidsparse.sparsity.methods import METHODS
from vidsparse.sparsity.topology import sparsify
from vidsparse.training import loop
from vidsparse.training.engine import Checkpoints, Engine
from vidsparse.training.loop import plan_steps, train
from vidsparse.training.rearranging import NotRearranged, Rearranging, rearrange
from vidsparse.training.session import Session
from vidsparse.training.topology_plan import rearrange_step
from vidsparse.utils.errors import ConfigError


def settled(method: str, how: str | None, more: int = 0):
    """Model, topology and what was rearranged, after nine steps and the rearranging, then `more` steps."""
    every = {"every": 3} if method != "static" else {}
    torch.manual_seed(0)
    model, generator = Net(), torch.Generator().manual_seed(1)
    sparse = sparsify(model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), method, 0.6, 12, seed=4, **every)
    for step in range(9 + more):
        if step == 9 and how:
            rearrange(sparse, how)
        model.zero_grad()
        clips = torch.randn(4, 3, 2, 4, 4, generator=generator)
        F.cross_entropy(model(clips), torch.arange(4)).backward()
        sparse.optimizer.step()
    return model, sparse, rearrange(sparse, how) if how and not more else None


@pytest.mark.parametrize("method", ["static", "rigl", "granet_g", "srigl"])
def test_counts_stay_and_the_two_ways_differ_in_places_alone(method):
    before, old, _ = settled(method, None)
    weights, found = {}, {}
    for how in ("shuffled", "reset"):
        model, sparse, done = settled(method, how)
        assert sparse.counts() == old.counts()
        assert done.links == sum(int(mask.sum()) for mask in old.masks.values())
        weights[how], found[how] = dict(model.named_parameters()), (done, sparse.masks)
        if method == "srigl":  # equal neurons stay equal
            rows = [
                (a.flatten(1).sum(1), b.flatten(1).sum(1))
                for a, b in zip(old.masks.values(), sparse.masks.values(), strict=True)
            ]
            assert all(torch.equal(*pair) for pair in rows)
    assert found["shuffled"][0] == found["reset"][0]
    assert 0 < found["reset"][0].at_zero < found["reset"][0].links
    assert all(torch.equal(mask, old.masks[name]) for name, mask in found["reset"][1].items())
    assert any(not torch.equal(mask, old.masks[name]) for name, mask in found["shuffled"][1].items())
    for name, given in before.named_parameters():
        kept = weights["reset"][name]
        assert torch.equal(kept, weights["shuffled"][name])
        assert torch.equal(kept, torch.where(kept != 0, given, 0))


@pytest.mark.parametrize("how", ["shuffled", "reset"])
def test_links_at_zero_train_and_absent_ones_stay_away(how):
    model, sparse, _ = settled("rigl", how, more=2)
    for name, mask in sparse.masks.items():
        weight = model.get_parameter(name)
        assert (weight[~mask] == 0).all()
        assert (weight[mask] != 0).float().mean() > 0.9
        assert (sparse.optimizer.state[weight]["momentum_buffer"][~mask] == 0).all()


def test_it_comes_after_the_last_update_and_must_leave_time():
    shuffled = SparseConfig(method="rigl", rearrange="shuffled")
    for name in DYNAMIC:
        row = METHODS[name].having(every=10)
        if row.stop < 0.9:
            assert rearrange_step(shuffled, row, 1000) == row.update_steps(1000)[-1] <= 750
        else:
            with pytest.raises(ConfigError, match=r"sparse\.rearrange=shuffled.*sparse\.stop"):
                rearrange_step(shuffled, row, 1000)
    assert rearrange_step(shuffled, METHODS["static"], 1000) == 750
    assert rearrange_step(SparseConfig(method="rigl"), METHODS["rigl"], 1000) is None


OWN = ("sparse.rearrange=shuffled", "sparse.every=2", "engine.checkpoint_every=1", "logging.tensorboard=false")


def trained(config, index):
    """The record and the last checkpoint of a training, from the one before if there is any."""
    folder, clips = RunFolder(config.folder), load_clips(config.data, 0, index)
    folder.claim(config, clips.fingerprint)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv3d(3, 8, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    steps = plan_steps(config.training, len(clips.train)).stop
    sparse = sparsify(model, torch.optim.SGD(model.parameters(), momentum=0.9), "rigl", 0.5, steps, every=2)
    train(Session(config, clips, Engine(config.engine), folder), model, sparse)
    return folder.record.rearranged, *Checkpoints(folder.path / "checkpoints").load()


def stop_after(left: list[int], monkeypatch) -> None:
    """Stop the training once after each of these steps, which are taken out of the list."""
    save = Checkpoints.save

    def stop(self, step, weights, state):
        save(self, step, weights, state)
        if step in left:
            left.remove(step)
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", stop)


@pytest.mark.slow
def test_stopped_just_before_it_and_after_it_a_training_ends_the_same(tiny_config, monkeypatch, tmp_path):
    configs = [tiny_config(f"name={name}", *OWN) for name in ("whole", "stopped")]
    record, weights, state = trained(configs[0], tmp_path / "index")
    assert record
    assert 0 < record.at_zero < record.links
    left = [record.step - 1, record.step, record.step + 1]
    stop_after(left, monkeypatch)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            trained(configs[1], tmp_path / "index")
    again, other, after = trained(configs[1], tmp_path / "index")
    assert (again, left) == (record, [])
    assert all(torch.equal(value, other[name]) for name, value in weights.items())
    assert all(torch.equal(mask, after["sparse"]["masks"][name]) for name, mask in state["sparse"]["masks"].items())


def leave_out(steps: range, monkeypatch) -> list[tuple[int, int]]:
    """Make no optimizer step at these steps of the loop, as a gradient scaler does where gradients overflow.

    Returns the list that gets, for each time that a topology is rearranged, the optimizer steps that were made and the
    topology updates.
    """
    found: list[tuple[int, int]] = []
    make = loop.optimize

    def made(session, model, optimizer, batch, step, log):
        if step in steps:
            log.add(torch.zeros(()), 0.0, 1)
        else:
            make(session, model, optimizer, batch, step, log)

    def noted(sparse, how):
        found.append((sparse.step, sparse.updates))
        return rearrange(sparse, how)

    monkeypatch.setattr(loop, "optimize", made)
    monkeypatch.setattr(loop, "rearrange", noted)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("which", "again"), [("before", False), ("when it is due", True)])
def test_steps_that_are_left_out_move_it_back_with_the_last_update_and_do_it_once(
    which, again, tiny_config, monkeypatch, tmp_path
):
    """Left out before it at once, and when it is due with a stop after each of these steps."""
    config = tiny_config("name=one", "training.epochs=4", *OWN)
    at = 8  # of 12 steps
    assert rearrange_step(config.sparse, METHODS["rigl"].having(every=2), 12) == at
    left_out = range(1, 3) if which == "before" else range(at, at + 3)
    found = leave_out(left_out, monkeypatch)
    left = [at, at + 1, at + 2, at + 3] if again else []
    stop_after(left, monkeypatch)
    for _ in range(len(left)):
        with pytest.raises(KeyboardInterrupt):
            trained(config, tmp_path / "index")
    record, _, state = trained(config, tmp_path / "index")
    assert found == [(at, 4)]
    assert (state["step"], state["sparse"]["updates"]) == (12, 4)
    assert record.step == (at + 2 if which == "before" else at)
    assert state["sparse"]["step"] == state["step"] - len(left_out)


def test_a_training_that_made_too_few_steps_is_no_arm_of_rearranged_links():
    _, sparse, _ = settled("rigl", None)
    with pytest.raises(NotRearranged, match=r"after 10 optimizer steps.* ended with 9"):
        Rearranging(10).check(sparse)
    Rearranging(10, done=True).check(sparse)
    Rearranging(None).check(sparse)


def test_checkpoints_of_before_say_by_their_step_whether_it_was_done():
    assert [Rearranging.going_on(10, {"step": step}).done for step in (9, 10, 11)] == [False, False, True]
    assert not Rearranging.going_on(10, {}).done
    assert not Rearranging.going_on(10, {"step": 12, "rearranged": False}).done
    assert Rearranging.going_on(10, {"step": 10, "rearranged": True}).done
