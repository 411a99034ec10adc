"""Weights from a file: all of them or none, and a sentence that says why."""

import re

import pytest
import torch
from safetensors.torch import save_file

from vidsparse.errors import ConfigError
from vidsparse.models.checkpoints import load_weights
from vidsparse.models.zoo import create_model


@pytest.fixture
def saved(tmp_path):
    """A small network with 5 classes, and the file of its parameters."""
    torch.manual_seed(0)
    model = create_model("x3d_s", 5)
    save_file(model.state_dict(), tmp_path / "x3d_s.safetensors")
    return model, tmp_path / "x3d_s.safetensors"


def test_a_round_trip_gives_back_every_tensor(saved):
    model, path = saved
    loaded = create_model("x3d_s", 5, weights=path).state_dict()
    assert all(torch.equal(tensor, loaded[key]) for key, tensor in model.state_dict().items())


def test_another_class_count_and_another_network_are_named(saved):
    _, path = saved
    with pytest.raises(ConfigError, match=r"x3d_s\.safetensors does not fit.*it has 5 classes, the network 7"):
        create_model("x3d_s", 7, weights=path)
    with pytest.raises(ConfigError, match=r"missing there.*and \d+ more"):
        create_model("mc3_18", 5, weights=path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"blocks.5.proj.weight": None}, "blocks.5.proj.weight is missing there"),
        ({"blocks.5.proj.weight": torch.ones(5, 8)}, "blocks.5.proj.weight is (5, 8) there, (5, 2048) here"),
        ({"ema": torch.ones(1)}, "ema is unknown here"),
    ],
)
def test_a_file_that_misses_by_one_tensor_loads_nothing(saved, tmp_path, damage, said):
    model, _ = saved
    state = {key: tensor + 1 for key, tensor in model.state_dict().items()} | damage
    state = {key: tensor for key, tensor in state.items() if tensor is not None}
    save_file(state, tmp_path / "damaged.safetensors")
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_weights(model, tmp_path / "damaged.safetensors")
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cut.safetensors", "cannot be read"),
        ("none.safetensors", "does not exist"),
        ("model.pt", "is not a .safetensors"),
    ],
)
def test_files_that_are_no_weights_are_refused(saved, tmp_path, name, said):
    model, path = saved
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:5000])
    (tmp_path / "model.pt").write_bytes(b"\x80\x04")
    with pytest.raises(ConfigError, match=f"{re.escape(name)} {said}"):
        load_weights(model, tmp_path / name)
