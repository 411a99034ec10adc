"""Devices and precision that cannot be had are said; checkpoints are whole, two, and the newest wins."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from vidsparse.config import EngineConfig
from vidsparse.training.engine import Checkpoints, Engine, save_weights
from vidsparse.utils.errors import ConfigError

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")


@no_gpu
@pytest.mark.parametrize(
    ("setting", "said"),
    [({"accelerator": "cuda"}, "no GPU"), ({"precision": "16"}, "needs a GPU")],
)
def test_what_this_machine_cannot_do_is_refused(setting, said):
    with pytest.raises(ConfigError, match=said):
        Engine(EngineConfig(**setting))


def right_bf16_convolutions() -> bool:
    """Whether this build of torch gives the weight gradient of a bf16 3D convolution two frames deep."""
    conv = nn.Conv3d(16, 16, 3, padding=1, bias=False)
    low = nn.Conv3d(16, 16, 3, padding=1, bias=False, dtype=torch.bfloat16)
    low.load_state_dict(conv.state_dict())
    clips = torch.randn(2, 16, 2, 9, 9)
    for each, inputs in ((conv, clips), (low, clips.bfloat16())):
        each(inputs).float().square().sum().backward()
    return bool((low.weight.grad.float() - conv.weight.grad).norm() < 0.1 * conv.weight.grad.norm())


@no_gpu
def test_bf16_on_the_cpu_is_for_models_whose_gradients_are_right():
    engine = Engine(EngineConfig(precision="bf16"))
    engine.place(nn.Linear(3, 2))
    model = nn.Sequential(nn.Conv3d(3, 4, 3))
    if right_bf16_convolutions():
        engine.place(model)
    else:
        with pytest.raises(ConfigError, match="wrong weight gradients"):
            engine.place(model)


def test_placing_a_model_changes_memory_layout_and_nothing_else():
    model = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Conv3d(4, 4, 1), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parameters = list(model.parameters())
    placed = Engine(EngineConfig(accelerator="cpu")).place(model)
    assert placed[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert all(torch.equal(value, before[name]) for name, value in placed.state_dict().items())
    assert all(a is b for a, b in zip(parameters, placed.parameters(), strict=True))


def test_the_last_two_checkpoints_are_kept_and_the_newest_is_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c")
    assert checkpoints.load() is None
    for step in (1, 2, 10):
        checkpoints.save(step, {"w": torch.full((2, 2), float(step))}, {"step": step, "masks": torch.ones(1)})
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["step-00000002", "step-00000010"]
    weights, state = checkpoints.load()
    assert (weights["w"][0, 0], state["step"]) == (10, 10)


def test_a_checkpoint_that_a_kill_left_over_goes_when_the_run_goes_on(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "c")
    with monkeypatch.context() as killed_before_it_prunes:
        killed_before_it_prunes.setattr(Checkpoints, "prune", lambda self: None)
        for step in (1, 2, 3):
            checkpoints.save(step, {"w": torch.ones(1)}, {"step": step})
    checkpoints.prune()
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("weights", [{}, {"a": torch.arange(3.0)}])
def test_weights_are_read_back_be_there_any_or_none(tmp_path, weights):
    save_weights(tmp_path / "w.safetensors", weights)
    found = load_file(tmp_path / "w.safetensors")
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], value) for name, value in weights.items())
