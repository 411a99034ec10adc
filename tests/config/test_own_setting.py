"""The recipe "a method with one new setting", carried out: one file of one's own, and every place knows it."""

import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest
import torch
import yaml
from torch import nn

import vidsparse
from tools.docs.method_pages import method_page
from tools.docs.note import Note
from vidsparse.config import identity, to_yaml
from vidsparse.sparsity.methods import METHODS
from vidsparse.training.topology_plan import Length, topology_plan
from vidsparse.utils.errors import ConfigError

THE_FILE = '''
"""SET that drops by |w|^power / its neuron's mean, a rule nobody published."""

from vidsparse.sparsity.method import Method
from vidsparse.sparsity.methods import register
from vidsparse.sparsity.scores import RANDOM, Score
from vidsparse.sparsity.settings import Own, described


def relative_magnitude(layer):
    seen.append(layer.settings["power"])
    size = layer.weight.abs()
    return size / size.flatten(1).mean(1).view(-1, *[1] * (size.dim() - 1)).clamp_min(1e-12) ** layer.settings["power"]


seen = []
ROW = register(
    Method(
        "relative",
        "SET by relative magnitude",
        source="nobody",
        drop=Score("relative magnitude", relative_magnitude),
        grow=RANDOM,
        own=(Own("power", 0.5, described(0.5, "the exponent of a neuron's mean", at_least=0, at_most=2)),),
        decay="cosine",
        drop_fraction=0.3,
        every=4,
        stop=0.75,
    )
)
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The module that the file is, imported as a user's plug-in is."""
    (tmp_path / "my_method.py").write_text(dedent(THE_FILE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield import_module("my_method")
    del METHODS["relative"], sys.modules["my_method"]


def load(*words: str) -> vidsparse.config.Config:
    return vidsparse.load_config("ucf101_dense", ["sparse.method=relative", "sparse.sparsity=0.5", *words])


def test_a_config_takes_the_setting_from_the_row_from_a_file_and_from_the_command_line(mine):
    assert load().sparse.settings == {"power": 0.5}
    assert load("sparse.settings.power=1.5").sparse.settings == {"power": 1.5}
    Path("mine.yaml").write_text(
        "base: ucf101_dense\nsparse: {method: relative, sparsity: 0.5, settings: {power: 0.25}}"
    )
    config = vidsparse.load_config("mine.yaml")
    assert config.sparse.settings == {"power": 0.25}
    assert identity(config)["sparse.settings.power"] == 0.25
    Path("again.yaml").write_text(to_yaml(config))
    assert identity(vidsparse.load_config("again.yaml")) == identity(config)
    assert topology_plan(config.sparse, Length(16, 10, 8)).settings["power"] == 0.25


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sparse.settings.power=3", "sparse.settings.power=3: .*the exponent of a neuron's mean.*at most 2"),
        ("sparse.settings.power=high", "sparse.settings.power=high: .*number"),
        ("sparse.settings.powr=1", "sparse.settings.powr .*command line.*power"),
        ("sparse.every=0", "sparse.every=0"),
        ("sparse.soft_bound=0.1", "relative has no such setting"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(mine, word, said):
    with pytest.raises(ConfigError, match=said):
        load(word)


def test_other_methods_have_no_such_setting(mine):
    assert "settings" not in yaml.safe_load(to_yaml(vidsparse.load_config("ucf101_rigl")))["sparse"]
    with pytest.raises(ConfigError, match=r"sparse.settings.power"):
        vidsparse.load_config("ucf101_rigl", ["sparse.settings.power=1"])
    Path("base.yaml").write_text("base: ucf101_dense\nsparse: {settings: {power: 0.25}}")
    assert vidsparse.load_config("base.yaml", ["sparse.method=set", "sparse.sparsity=0.5"]).sparse.settings == {}


def test_the_score_sees_the_setting_while_a_network_trains(mine):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    sparse = vidsparse.sparsify(model, optimizer, "relative", 0.5, total_steps=12, power=1.25)
    before = sparse.nonzero
    for _ in range(12):
        optimizer.zero_grad()
        model(torch.randn(8, 20)).square().mean().backward()
        optimizer.step()
    assert sparse.updates == 2
    assert sparse.nonzero == before
    assert set(mine.seen) == {1.25}
    with pytest.raises(ConfigError, match="power=-1"):
        vidsparse.sparsify(nn.Linear(9, 9), optimizer, "relative", 0.5, power=-1)


def test_the_page_of_the_method_says_what_the_setting_is(mine):
    page = method_page(mine.ROW, Note("", "", dict.fromkeys(mine.ROW.settings, "nobody")))
    assert "| `power` | exponent of a neuron's mean | 0.5 | nobody |" in page


def test_names_that_are_taken_are_refused(mine):
    from dataclasses import replace

    from vidsparse.sparsity.methods import register

    with pytest.raises(ConfigError, match="relative already"):
        register(mine.ROW)
    with pytest.raises(ConfigError, match="stop is a setting of all"):
        register(replace(mine.ROW, name="other", own=(replace(mine.ROW.own[0], name="stop"),)))
    with pytest.raises(ConfigError, match="power=3"):
        register(replace(mine.ROW, name="other", own=(replace(mine.ROW.own[0], value=3),)))
