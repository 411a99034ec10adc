"""A config is resolved once into a frozen, complete value; checking it changes nothing."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from vidsparse.config import Config
from vidsparse.config.change import changed
from vidsparse.config.compose import compose, shipped_configs
from vidsparse.loading import load_benchmark_config, load_config, resolve, validate
from vidsparse.loading.validate import check_keys
from vidsparse.utils.errors import ConfigError

SHIPPED = sorted(path.stem for path in shipped_configs().glob("*.yaml"))
SOME = [*SHIPPED[::9], "ucf101_granet_g", "segmentation_rigl", "evaluate_pretrained"]


def blocks(value: Any) -> list[Any]:
    """A dataclass and all below it."""
    inner = [getattr(value, field.name) for field in fields(value)]
    return [value, *(each for block in inner if is_dataclass(block) for each in blocks(block))]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", SOME)
def test_resolving_gives_a_new_config_and_checking_leaves_it_as_it_is(name):
    config, origin = compose(name)
    before = deepcopy(config)
    check_keys(config, origin)
    made = resolve(config, origin)
    kept = deepcopy(made)
    validate(made, origin)
    assert made == kept
    assert config == before
    assert resolve(made) == made
    assert load_config(name) == made


def test_no_field_of_a_config_can_be_set():
    for block in blocks(load_config("ucf101_rigl")):
        for field in fields(block):
            with pytest.raises(FrozenInstanceError):
                setattr(block, field.name, None)


@pytest.mark.parametrize("method", ["static", "set", "mest", "granet_g", "srigl"])
def test_a_resolved_config_leaves_nothing_to_a_method_or_to_weights(method):
    config = load_config("ucf101_dense", [f"sparse.method={method}", "sparse.sparsity=0.5", "data.normalize=auto",
                                          "data.frames=0", "data.size=0", "data.short_side=0"])  # fmt: skip
    from vidsparse.sparsity.methods import METHODS

    meant = METHODS[method].settings
    assert all(getattr(config.sparse, name) is not None for name in meant)
    assert config.sparse.init == "random"
    assert min(config.data.frames, config.data.size, config.data.short_side) > 0
    assert config.data.normalize != "auto"


def test_what_settles_a_key_is_not_overruled_by_the_command_line():
    for word in ("evaluation.views=3", "evaluation.canvas=source"):
        with pytest.raises(ConfigError, match=rf"{word} on the command line: evaluation.protocol=10x3 sets it"):
            load_config("ucf101_dense", ["evaluation.protocol=10x3", word])
    with pytest.raises(ConfigError, match=r"sparse.smoothing=0.5 on the command line: rigl has no such setting"):
        load_config("ucf101_rigl", ["sparse.smoothing=0.5"])


def test_a_config_of_a_benchmark_trains_nothing():
    assert load_benchmark_config("ucf101_c").training.epochs == 0


def test_a_changed_config_is_a_new_one():
    config = Config()
    other = changed(config, {"data.size": 48, "training.optimizer.lr": 0.2, "name": "other"})
    assert (other.data.size, other.training.optimizer.lr, other.name) == (48, 0.2, "other")
    assert config == Config()
    differs = {key for key, value in asdict(config).items() if value != asdict(other)[key]}
    assert differs == {"data", "training", "name"}
    with pytest.raises(TypeError):
        changed(config, {"data.sise": 48})


def test_no_module_of_the_packages_sets_a_field_of_a_config():
    import re

    package = Path(__file__).resolve().parents[2] / "vidsparse"
    block = "|".join(field.name for field in fields(Config))
    found = re.compile(rf"\bconfig\.({block})(\.\w+)* = |setattr\(config")
    assert not [path.name for path in package.rglob("*.py") if found.search(path.read_text("utf-8"))]
