"""A task is one row: what its training, its table and its report need is found from it."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import torch
from torch.nn.functional import mse_loss

from vidsparse.evaluation.outcomes import Outcomes
from vidsparse.tasks import TASKS, VOID, Task
from vidsparse.training.recipe import Objective

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


def test_a_task_of_ones_own_is_a_row_and_two_objects_of_its_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "depth_task", SimpleNamespace(DEPTH=DEPTH, TABLE=TABLE))
    words = (("accuracy", "share within a metre"),)
    row = Task("depth", "ucf101", "depth_task:DEPTH", "depth_task:TABLE", words=words)
    assert (row.objective, row.outcomes) == (DEPTH, TABLE)
    assert row.say("{who}: accuracy", who="accuracy of chance") == "accuracy of chance: share within a metre"


def test_the_label_of_pixels_that_nobody_labelled_is_defined_once():
    paths = (ROOT / "vidsparse").rglob("*.py")
    found = [path for path in paths if re.search(r"^(VOID|IGNORE\w*)(: \w+)? = ", path.read_text(), re.MULTILINE)]
    assert [path.name for path in found] == ["tasks.py"]
    assert VOID == 255
