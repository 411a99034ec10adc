"""Clips that weights of other actions are asked about: those of classes that they know; the rest is said."""

from pathlib import Path

import pytest

from vidsparse.config import Config, DataConfig, EvaluationConfig, ModelConfig, TrainingConfig
from vidsparse.config.change import changed
from vidsparse.data.datasets.sources import Dataset, Sample, evaluated_on
from vidsparse.evaluation.answerable import judged, load_answerable
from vidsparse.utils.errors import DataError


def dataset(name, classes, part):
    """A data set of one sample a class, all for training or all for testing."""
    samples = tuple(Sample(f"{name}/{each}", Path(name, each), label, each) for label, each in enumerate(classes))
    return Dataset(name, Path(name), classes, **{"train": (), "test": (), part: samples})


def test_a_set_of_other_actions_is_evaluated_on_by_the_actions_that_both_have():
    ucf = dataset("ucf101", ("Archery", "GolfSwing", "Punch", "YoYo"), "train")
    both = evaluated_on(ucf, dataset("hmdb51", ("golf", "punch", "shoot_bow", "wave"), "test"))
    assert [(s.id, ucf.classes[s.label]) for s in both.test] == [
        ("hmdb51/golf", "GolfSwing"), ("hmdb51/punch", "Punch"), ("hmdb51/shoot_bow", "Archery")]  # fmt: skip
    assert both.foreign == ("wave",)
    assert both.notes == ("classes joined by the actions they show: golf is GolfSwing, shoot_bow is Archery",)
    kinetics = dataset("kinetics", ("golf driving", "golf putting", "punching person (boxing)"), "train")
    several = evaluated_on(kinetics, dataset("ucf101", ("GolfSwing", "Punch"), "test"))
    assert [s.id for s in several.test] == ["ucf101/Punch"]
    assert "GolfSwing: several classes of those trained on" in several.notes[-1]


def config(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Config(
        name="asked",
        data=DataConfig("class_folders", str(root), frames=1, short_side=32, size=32),
        model=ModelConfig("cifar_resnet20", "net.pt"),
        training=TrainingConfig(epochs=0),
        evaluation=EvaluationConfig(),
    )


def pictures(root, *names):
    import numpy as np
    from PIL import Image

    for name in names:
        (root / name).mkdir(parents=True)
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(root / name / "a.png")
    return root


def test_clips_of_actions_that_the_weights_do_not_know_are_left_out_and_said(tmp_path, monkeypatch, capsys):
    import torch

    from vidsparse.models.zoo import create_model

    root = pictures(tmp_path / "set", "CricketBowling", "CricketShot", "Punch", "PushUps", "YoYo")
    asked = config(root, tmp_path, monkeypatch)
    torch.save(create_model("cifar_resnet20", 400, 1, 32).state_dict(), "net.pt")
    clips = load_answerable(asked)
    assert clips.dataset.classes == ("Punch", "PushUps")
    assert [(s.id, s.label, clips.index.rows[s.id].label) for s in clips.test] == [
        ("Punch/a", 0, 0), ("PushUps/a", 1, 1)]  # fmt: skip
    assert clips.dataset.foreign == ("CricketBowling", "CricketShot", "YoYo")
    said = " ".join(capsys.readouterr())
    said = " ".join(said.split())
    assert "left out, the weights have no such action: YoYo" in said
    assert "several of them are one class of the weights: CricketBowling, CricketShot" in said
    only = pictures(tmp_path / "other", "YoYo", "Nunchucks")
    asked = changed(asked, {"data.root": str(only), "model.labels": "kinetics400"})
    with pytest.raises(DataError, match="no class of its test clips is one that the weights know"):
        load_answerable(asked)


def test_a_class_is_judged_alone():
    assert judged([("a", "b"), ("b",), ("c",), ()]) == [False, False, True, False]
