"""Averages of weights over the training are taken also where a file holds them without names, or under odd ones."""

import pytest
import torch

from vidsparse.models.weights.checkpoints import load_weights
from vidsparse.models.zoo import create_model
from vidsparse.utils.errors import ConfigError


def network() -> torch.nn.Module:
    return create_model("cifar_resnet20", 5, 1, 32)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return network().state_dict()


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


def shifted(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: tensor + 1 for key, tensor in state.items()}


def is_statistic(name: str) -> bool:
    return name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def parameters(state: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return tuple(tensor for name, tensor in state.items() if not is_statistic(name))


SAVED = {
    "NeMo's EMA": lambda s: {
        "state_dict": prefixed(shifted(s), "model."),
        "callbacks": {"EMA{'decay': 0.999}": {"cur_step": 9, "ema_weights": list(s.values())}},
    },
    "NeMo's EMA of parameters": lambda s: {
        "state_dict": {k: t if is_statistic(k) else t + 1 for k, t in s.items()},
        "optimizer_states": [{"opt": {"state": {}, "param_groups": []}, "ema": parameters(s), "decay": 0.99}],
    },
    "torch_ema": lambda s: {
        "model": {k: t if is_statistic(k) else t + 1 for k, t in s.items()},
        "ema": {"decay": 0.9, "num_updates": 3, "shadow_params": list(parameters(s)), "collected_params": None},
    },
    "Lightning's WeightAveraging": lambda s: {
        "state_dict": prefixed(s, "model."),
        "current_model_state": prefixed(shifted(s), "model."),
        "averaging_state": {"n_averaged": torch.tensor(4)},
    },
    "Lightning's SWA": lambda s: {
        "state_dict": prefixed(shifted(s), "model."),
        "callbacks": {"StochasticWeightAveraging": {"n_averaged": 2, "average_model_state": prefixed(s, "model.")}},
    },
}


@pytest.mark.parametrize("writer", SAVED)
def test_the_averages_are_taken(state, tmp_path, writer):
    torch.save(SAVED[writer](state), tmp_path / "saved.ckpt")
    model = network()
    load_weights(model, tmp_path / "saved.ckpt")
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_averages_whose_names_nobody_knows_are_not_passed_over(state, tmp_path):
    path = tmp_path / "net.ckpt"
    torch.save({"state_dict": state, "callbacks": {"EMA": {"ema_weights": list(state.values())[1:]}}}, path)
    with pytest.raises(ConfigError, match=r"callbacks/EMA/ema_weights.*model\.weights=.*net\.ckpt#state_dict"):
        load_weights(network(), path)
    model = network()
    load_weights(model, path, part="state_dict")
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
