"""Networks in eight bits: calibrated on training clips, evaluated by the command that evaluates any weights."""

import json
from pathlib import Path

import pandas as pd
import pytest

from vidsparse.cli import main
from vidsparse.run_dir.record import read_record

SMALL = ["data.frames=2", "data.stride=4", "data.short_side=40", "data.size=32", "evaluation.suite=core_10"]
QUIET = ["report.figures=none", "analysis.spectral=false", "analysis.saliency=false"]
TRAINED = ["training.epochs=1", "training.schedule.warmup_epochs=0", "sparse.every=2"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r3d_18", "cifar_resnet20"])
def test_a_video_and_an_image_network_in_eight_bits_are_evaluated_over_all_corruptions(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [f"model.name={name}", *SMALL, *QUIET]
    assert main(["run", "ucf101_rigl", "name=a", *given, *TRAINED]) == 0
    assert main(["export", "runs/a", "--to", "onnx", "--int8"]) == 0
    files = {path.name: path.stat().st_size for path in Path("runs/a/exported").iterdir()}
    assert files["model_int8.onnx"] < 0.4 * (files["model.onnx"] + files.get("model.onnx.data", 0))
    assert not json.loads(Path("runs/a/exported/config.json").read_text())["files"]["model_int8.onnx"]["compact"]
    assert (
        main(["evaluate", "evaluate_pretrained", "name=b", "model.weights=runs/a/exported/model_int8.onnx", *given])
        == 0
    )
    ours, theirs = (pd.read_parquet(f"runs/{run}/predictions.parquet") for run in "ab")
    both = ours.merge(theirs, on=["id", "view", "corruption", "severity"], suffixes=("", "_int8"))
    assert len(both) == len(ours) == len(theirs) > 0
    clean = both[both.corruption == "clean"]  # what was calibrated on; noise and brightness leave that range
    assert 0 < (clean.loss - clean.loss_int8).abs().mean() < 0.6 * clean.loss.std(), "less than clips differ"
    model = read_record(Path("runs/b")).model
    assert model is not None
    assert model.parameters == 0
