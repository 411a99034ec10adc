"""The main job on data that is not a set of labelled videos with its own test part."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.utils.errors import ConfigError

IMAGES = ("data.frames=1", "data.stride=1", "data.short_side=32", "data.size=32", "data.augment.pad=4",
          "training.epochs=1", "evaluation.severities=[3]")  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    """A class-folder data set of images: two classes of six training and three test images, 32 x 32."""
    for part, count in (("train", 6), ("val", 3)):
        for label, name in enumerate(("dark", "light")):
            (tmp_path / "pictures" / part / name).mkdir(parents=True)
            for number in range(count):
                noise = np.random.default_rng([label, number]).integers(0, 128, (32, 32, 3), np.uint8)
                Image.fromarray(noise + np.uint8(127 * label)).save(tmp_path / f"pictures/{part}/{name}/{number}.png")
    return tmp_path / "pictures"


@pytest.mark.slow
def test_images_are_trained_on_and_evaluated_like_videos(tiny_config, pictures):
    path = run(tiny_config("name=images", f"data.root={pictures}", *IMAGES, "training.mixup.mixup_alpha=0.2"))
    table = predictions.load(path / "predictions.parquet")
    assert len(table) == 6 * 4  # images x (clean and three corruptions)
    assert (table["prediction"] >= 0).all()
    assert json.loads((path / "run.json").read_text())["data"]["decoders"] == {"pillow": 18}
    assert (path / "report.html").exists()


@pytest.mark.slow
def test_clips_without_labels_get_names_and_no_accuracy(tiny_config, tiny_root, tmp_path, capsys):
    folder = tmp_path / "unlabelled"
    shutil.copytree(tiny_root / "test", folder)
    config = tiny_config(
        "name=named",
        "training.epochs=0",
        "sparse.method=dense",
        "data.eval_source=unlabelled",
        f"data.eval_root={folder}",
        "evaluation.corruptions=[freeze]",
        "evaluation.views=2",
    )
    path = run(config)
    table = pd.read_csv(path / "predictions.csv")
    assert len(table) == 6 * 3  # clips x (clean and two severities)
    assert set(table["class"]) <= {"Left", "Right", "Still"}
    assert set(table["id"]) == {f"{name}/v_{name}_g0{g}_c01" for name in ("Left", "Right", "Still") for g in (4, 5)}
    assert not (path / "report.html").exists()
    assert "nobody knows them" in capsys.readouterr().out
    assert run(config) == path


@pytest.mark.slow
def test_another_set_with_the_same_classes_is_evaluated_on(tiny_config, tiny_root, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(tiny_root / "test", other)
    (other / "Right").rename(other / "right")
    (other / "Still").rename(other / "Zebra")
    more = (
        "data.eval_source=class_folders",
        f"data.eval_root={other}",
        "training.epochs=1",
        "evaluation.severities=[2]",
    )
    table = predictions.load(run(tiny_config("name=moved", *more)) / "predictions.parquet")
    assert sorted(set(table["label"])) == [0, 1]
    assert {name.partition("/")[0] for name in table["id"]} == {"Left", "right"}
    assert "1 class name not among those trained on, left out: Zebra" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.source=class_folders"], "there is nothing to train on in it"),
        (["data.eval_source=class_folder"], "did you mean class_folders"),
        (["data.eval_source=class_folders"], "the folder of data.eval_source=class_folders is not there"),
        (["data.eval_root=elsewhere"], "it needs data.eval_source"),
    ],
)
def test_sets_that_cannot_be_used_so(tiny_config, settings, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(*settings)
