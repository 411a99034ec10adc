"""Any weights through the evaluate command: one run each, one page for several, exact words for what cannot be."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from vidsparse.cli import main
from vidsparse.evaluation import predictions
from vidsparse.models.zoo import create_model
from vidsparse.study.leaderboard import entries
from vidsparse.utils.errors import ConfigError

SYNSETS = ("n01440764", "n01443537", "n15075141")  # numbers 0, 1 and 999 of ImageNet


@pytest.fixture
def images(tmp_path, monkeypatch):
    """An image folder of three synsets, two images each for training and testing."""
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for name in SYNSETS:
            (tmp_path / "images" / part / name).mkdir(parents=True)
            for i in range(2):
                pixels = rng.integers(0, 256, (40, 48, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "images" / part / name / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    return ["data.source=folder", f"data.root={tmp_path / 'images'}", "model.name=cifar_resnet20",
            "evaluation.suite=imagenet_c_15", "evaluation.corruptions=[contrast]", "evaluation.severities=[1,5]",
            "engine.workers=0", "analysis.spectral=off", "analysis.saliency=off"]  # fmt: skip


def save(name: str, classes: int, seed: int) -> None:
    torch.manual_seed(seed)
    torch.save({"state_dict": create_model("cifar_resnet20", classes, 1, 32).state_dict()}, name)


def facts(run: str) -> dict:
    return json.loads(Path("runs", run, "run.json").read_text())


@pytest.mark.slow
def test_a_foreign_checkpoint_of_1000_classes_is_evaluated_by_synset(images, capsys):
    save("net.pth", 1000, 0)
    assert main(["evaluate", "evaluate_pretrained", *images, "model.weights=net.pth"]) == 0
    said = capsys.readouterr().out
    assert "normalisation cifar10" in said
    assert "classes by name, imagenet; any of 1000" in said.replace("\n", " ")
    run = facts("net_evaluated")
    assert run["identity"]["data.size"] == 32
    assert run["identity"]["data.short_side"] == 32
    assert len(run["weights"]["sha256"]) == 64
    assert run["chance"] == 1 / 1000
    table = predictions.load(Path("runs/net_evaluated/predictions.parquet"))
    assert set(table.label) == {0, 1, 2}
    assert len(table) == 6 * 3

    alone = [*images, "model.weights=net.pth", "model.answers=data", "name=among_three"]
    assert main(["evaluate", "evaluate_pretrained", *alone]) == 0
    among = predictions.load(Path("runs/among_three/predictions.parquet"))
    assert set(among.prediction) <= {0, 1, 2}
    assert facts("among_three")["chance"] == 1 / 3


@pytest.mark.slow
def test_several_checkpoints_make_one_page(images, capsys):
    for name, seed in (("one.pt", 1), ("two.pt", 2)):
        save(name, 3, seed)
    assert (
        main(["evaluate", "evaluate_pretrained", *images, "model.weights=[one.pt,two.pt]", "model.labels=order"]) == 0
    )
    table = pd.read_csv("runs/leaderboard/tables/leaderboard.csv")
    assert set(table.runs) == {"one_evaluated", "two_evaluated"}
    assert "leaderboard/report.html" in capsys.readouterr().out.replace("\n", "")
    assert (
        main(["evaluate", "evaluate_pretrained", *images, "model.weights=[one.pt,two.pt]", "model.labels=order"]) == 0
    )  # reprinted


def test_weights_that_do_not_fit_the_data_leave_no_run(images, capsys):
    save("net.pth", 7, 0)
    assert main(["evaluate", "evaluate_pretrained", *images, "model.weights=net.pth"]) == 2
    said = capsys.readouterr().err
    assert "it has 7 classes, the data 3" in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_fine_tuning_begins_with_the_backbone_and_is_recorded(images):
    save("net.pth", 1000, 0)
    tuning = ["name=tuned", "training.init=net.pth", "training.epochs=1", "training.batch_size=2",
              "training.schedule.warmup_epochs=0", "training.precise_bn=0", "training.optimizer.lr=1e-9"]  # fmt: skip
    assert main(["run", "evaluate_pretrained", *images, *tuning]) == 0
    run = facts("tuned")
    assert run["weights"]["notes"][-1] == "new head: fc.weight, fc.bias"
    assert run["identity"]["training.init"] == run["weights"]["sha256"]


def test_a_list_of_weights_becomes_one_evaluation_each():
    made = entries(["model.name=[a,b]", "model.weights=pretrained", "data.split=2"])
    assert [settings for _, settings in made] == [
        ["model.name=a", "model.weights=pretrained", "data.split=2"],
        ["model.name=b", "model.weights=pretrained", "data.split=2"],
    ]
    assert [label for label, _ in made] == ["a_pretrained", "b_pretrained"]
    labels = [label for label, _ in entries(["model.weights=[x/net.pt,y/net.pt,hf://us/it@v1]", "name=try"])]
    assert labels == ["try_net", "try_net_again1", "try_hf_us_it_v1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.name=[a,b]", "model.weights=[x,y,z]"], "lists of different lengths"),
        (["model.weights=[a,[b]]"], "not a list of names"),
        (["model.weights=[a"], "not a list"),
    ],
)
def test_a_list_that_is_none_is_answered(words, said):
    with pytest.raises(ConfigError, match=said):
        entries(words)
