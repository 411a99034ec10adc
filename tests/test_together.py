"""The main job in two processes: the same predictions table and topology as in one."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from helpers.killing import finish
from vidsparse import load_config
from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.training.engine import Checkpoints
from vidsparse.utils.errors import ConfigError

TWO = ("engine.devices=2", "engine.accelerator=cpu")
SHORT = ("training.epochs=3", "data.val_fraction=0.25", "evaluation.views=4", "evaluation.severities=[3]",
         "evaluation.corruptions=[gaussian_noise]", "sparse.method=set", "training.optimizer.lr=0.01")  # fmt: skip


def first_masks(folder: Path) -> dict[str, torch.Tensor]:
    layers = Checkpoints(folder / "checkpoints").load()[1]["sparse"]["layers"]
    return {name: layer["first"] for name, layer in layers.items()}


@pytest.mark.slow
def test_two_processes_end_in_the_table_and_topology_of_one(tiny_config, tiny, tiny_root, tmp_path):
    """What happens to two processes at Ctrl-C and when one is killed is in tests/soak."""
    said = finish([f"data.root={tiny_root}", *tiny, *SHORT, *TWO, "name=two"], tmp_path)
    two, one = tmp_path / "runs/two", run(tiny_config(*SHORT, "name=one"))
    assert all(torch.equal(mask, first_masks(two)[name]) for name, mask in first_masks(one).items())
    layers = [pd.read_csv(folder / "layers.csv")[["name", "nonzero"]] for folder in (one, two)]
    pd.testing.assert_frame_equal(*layers)
    tables = [predictions.load(folder / "predictions.parquet") for folder in (one, two)]
    assert list(tables[0].columns) == list(tables[1].columns)
    same = ["corruption", "severity", "label", "view"]
    pd.testing.assert_frame_equal(tables[0][same], tables[1][same])
    lines = [pd.read_csv(folder / "metrics.csv") for folder in (one, two)]
    assert lines[0].step.tolist() == lines[1].step.tolist()
    assert lines[1].val_accuracy.notna().all()
    assert lines[0].loss.iloc[0] == pytest.approx(lines[1].loss.iloc[0], rel=0.5)
    assert json.loads((two / "run.json").read_text())["engine"]["processes"] == 2
    assert said.count("report     ") == 1
    assert not (two / "predictions").exists()


@pytest.mark.parametrize(
    ("devices", "said"),
    [(3, r"engine\.devices=3 .*batch_size=\d+ must be a multiple"), (0, r"engine\.devices=0")],
)
def test_a_number_of_processes_that_cannot_share_a_batch_is_refused(devices, said):
    with pytest.raises(ConfigError, match=said):
        load_config("ucf101_rigl", [f"engine.devices={devices}"])
