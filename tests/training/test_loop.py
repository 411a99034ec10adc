"""One optimizer step in parts is the step of one batch; half precision with its scaler goes through a whole run."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from torch import nn

from helpers.toy import DYNAMIC
from vidsparse.config import Config, EngineConfig, TrainingConfig
from vidsparse.data.clips import load_clips
from vidsparse.run_dir.folder import RunFolder
from vidsparse.sparsity.topology import sparsify
from vidsparse.training import engine as engine_module
from vidsparse.training.engine import Checkpoints, Engine
from vidsparse.training.loop import optimize, plan_steps, train
from vidsparse.training.session import Session


class Double(nn.Module):
    """A network in float64 without statistics over the batch: a sum over its parts is the sum over the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(3, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.LayerNorm(6 * 2 * 6 * 6), nn.Linear(432, 4)
        ).double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.double())


def trained(method: str, batch: int, accumulate: int, clip_norm: float | None, steps: int = 9):
    """Weights and topology after a few steps of `training.optimize`, with three updates of the topology."""
    torch.manual_seed(0)
    recipe = TrainingConfig(accumulate=accumulate, label_smoothing=0.1, clip_norm=clip_norm)
    engine = Engine(EngineConfig(accelerator="cpu"))
    session = Session(Config(training=recipe), None, engine, None)
    model = Double()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(model, optimizer, method, 0.7, total_steps=14, every=3)
    wrapped, stepper = engine.setup(model, optimizer)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        pixels = torch.randint(256, (batch, 2, 6, 6, 3), generator=generator, dtype=torch.uint8)
        optimize(session, wrapped, stepper, (pixels, torch.randint(4, (batch,), generator=generator)))
    return model.state_dict(), sparse


@pytest.mark.slow
@settings(max_examples=12)
@given(st.sampled_from(DYNAMIC), st.integers(1, 9), st.integers(2, 10), st.sampled_from([None, 0.5]))
def test_a_step_in_parts_gives_the_masks_and_weights_of_one_batch(method, batch, accumulate, clip_norm):
    """Also where parts are uneven (8 clips in 3 are 3, 3, 2) or fewer than asked (5 clips in 4 are 2, 2, 1)."""
    whole, one = trained(method, batch, 1, clip_norm)
    parts, many = trained(method, batch, accumulate, clip_norm)
    assert (one.updates, one.step) == (many.updates, many.step) == (2 if method.startswith("granet") else 3, 9)
    assert one.changed == many.changed > 0
    assert all(torch.equal(mask, many.masks[name]) for name, mask in one.masks.items())
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-9, atol=1e-12)


@pytest.fixture
def half_precision(monkeypatch):
    """Every engine computes in fp16 on the CPU with a scaler that starts too high and rises again soon."""

    def fabric(**_):
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=3)
        return Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])

    monkeypatch.setattr(engine_module, "Fabric", fabric)


def half_trained(config: Config, index: Path) -> dict:
    """The state of the last checkpoint, after training from the one before if there is any."""
    folder, clips = RunFolder(config.folder), load_clips(config.data, 0, index)
    folder.claim(config, clips.fingerprint)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv3d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool3d(4), nn.Flatten(), nn.Linear(512, 3)
    )
    engine, optimizer = Engine(config.engine), torch.optim.SGD(model.parameters(), momentum=0.9)
    steps = plan_steps(config.training, len(clips.train)).stop
    train(Session(config, clips, engine, folder), model, sparsify(model, optimizer, "rigl", 0.5, steps, every=2))
    return Checkpoints(folder.path / "checkpoints").load()


@pytest.mark.slow
def test_half_precision_skips_overflows_and_continues_exactly_with_its_scaler(
    tiny_config, half_precision, monkeypatch, tmp_path
):
    small = "training.epochs=8", "training.clip_norm=5", "engine.checkpoint_every=1", "logging.tensorboard=false"
    config = {name: tiny_config(f"name={name}", *small) for name in ("whole", "stopped")}
    weights, state = half_trained(config["whole"], tmp_path / "index")
    save, scales = Checkpoints.save, []

    def stop(self, step, weights, state):
        save(self, step, weights, state)
        scales.append(state["scaler"]["scale"])
        if step in (3, 14):
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", stop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            half_trained(config["stopped"], tmp_path / "index")
    other_weights, other = half_trained(config["stopped"], tmp_path / "index")
    overflows = sum(after < before for before, after in pairwise([2.0**24, *scales]))
    assert 4 < overflows == state["step"] - state["sparse"]["step"]
    assert any(after > before for before, after in pairwise(scales))
    assert state["sparse"]["updates"] == state["sparse"]["step"] // 2 > 4
    assert state["scaler"] == other["scaler"]
    assert all(torch.equal(mask, other["sparse"]["masks"][name]) for name, mask in state["sparse"]["masks"].items())
    assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())
    assert all(bool(value.isfinite().all()) for value in weights.values())
