"""A task is one row: what its training, its table and its report need is found from it."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import torch
from torch.nn.functional import mse_loss

from vidsparse import load_config
from vidsparse.evaluation.outcomes import Outcomes
from vidsparse.tasks import TASKS, VOID, Task, Words
from vidsparse.training.recipe import Objective
from vidsparse.utils.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", TASKS)
def test_every_row_leads_to_its_loss_and_its_table(name):
    row = TASKS[name]
    assert row.name == name
    assert isinstance(row.objective, Objective)
    assert isinstance(row.outcomes, Outcomes)
    assert ("confusion" in row.outcomes.schema.names) == row.masks


def squared(outputs, labels, smoothing):
    return mse_loss(outputs, labels)


DEPTH = Objective(squared, lambda outputs, labels: (outputs - labels).abs().lt(1).sum())
TABLE = Outcomes(pa.schema({"depth": pa.float32()}), torch.Tensor.cpu, lambda *_: None)
DEFINED = (("Clean share within a metre", "n / N", "Of all pixels.", "definition"),)


def test_a_task_of_ones_own_is_a_row_and_three_objects_of_its_module(monkeypatch):
    held = SimpleNamespace(DEPTH=DEPTH, TABLE=TABLE, DEFINED=DEFINED)
    monkeypatch.setitem(sys.modules, "depth_task", held)
    places = ("depth_task:DEPTH", "depth_task:TABLE", "depth_task:DEFINED")
    row = Task("depth", "ucf101", *places, words=Words(score="share within a metre"))
    assert (row.objective, row.outcomes, row.definitions) == (DEPTH, TABLE, DEFINED)
    monkeypatch.setitem(TASKS, "depth", row)
    with pytest.raises(ConfigError, match=r"model\.name=r3d_18.*for task=depth there are"):  # the next thing it needs
        load_config("ucf101_dense", ["task=depth", "data.root=built-in sample data"])


@pytest.mark.parametrize("typed", ["task=segmentaton", "task=null", "task=5"])
def test_a_task_that_is_no_row_is_refused_with_the_rows(typed):
    with pytest.raises(ConfigError, match=f"{typed}.*classification, segmentation"):
        load_config("ucf101_dense", [typed])


def test_the_report_names_the_scores_of_every_task_in_its_own_words():
    """What a user named is put in as it is: no text is searched for words to replace."""
    assert [TASKS[name].words.score for name in ("classification", "segmentation")] == ["accuracy", "mIoU"]
    defined = {name: row.definitions[0][0] for name, row in TASKS.items()}
    assert defined == {"classification": "Clean accuracy", "segmentation": "Clean mIoU"}


def test_the_label_of_pixels_that_nobody_labelled_is_defined_once():
    paths = (ROOT / "vidsparse").rglob("*.py")
    found = [path for path in paths if re.search(r"^(VOID|IGNORE\w*)(: \w+)? = ", path.read_text(), re.MULTILINE)]
    assert [path.name for path in found] == ["tasks.py"]
    assert VOID == 255
