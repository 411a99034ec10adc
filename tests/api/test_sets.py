"""Benchmarks written and corrupted sets read from Python, metrics by their public door, and lists of names."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import corruptions
import vidsparse
from vidsparse import metrics
from vidsparse.api.generating import key_of
from vidsparse.cli import main
from vidsparse.evaluation.metrics import example_table
from vidsparse.utils.errors import ConfigError, DataError

CLIP = {"frames": 4, "stride": 2, "size": 32, "short_side": 40}
SMALL = {"suite": "core_10", "corruptions": ["gaussian_noise"], "severities": [2, 4], **CLIP}


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """A set laid out as CIFAR-10-C is published: two corruptions, twelve images."""
    root = tmp_path_factory.mktemp("CIFAR-10-C")
    rng = np.random.default_rng(0)
    for name in ("fog", "gaussian_noise"):
        np.save(root / f"{name}.npy", rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8))
    np.save(root / "labels.npy", np.tile(np.arange(12) % 10, 5))
    return root


def test_a_published_set_is_a_dataset_for_a_loader(cifar):
    clips = vidsparse.CorruptedClips(cifar, "fog", 3)
    assert (len(clips), clips.classes[0], clips.conditions["fog"]) == (12, "airplane", (1, 2, 3, 4, 5))
    stored = np.load(cifar / "fog.npy")[24:36]
    seen = [(batch, labels) for batch, labels in DataLoader(clips, batch_size=5)]
    pixels = torch.cat([batch for batch, _ in seen])
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (12, 3, 1, 32, 32)
    assert np.array_equal(pixels[:, :, 0].permute(0, 2, 3, 1).numpy(), stored)
    assert torch.cat([labels for _, labels in seen]).tolist() == [number % 10 for number in range(12)]
    scaled = vidsparse.CorruptedClips(cifar, "fog", 3, transform=lambda clip: clip.float() / 255)
    assert scaled[0][0].max() <= 1
    for name, severity in (("fgo", 3), ("fog", 6), ("clean", 0)):
        with pytest.raises(ConfigError, match="holds no"):
            vidsparse.CorruptedClips(cifar, name, severity)
    with pytest.raises(DataError, match="no such folder"):
        vidsparse.CorruptedClips(cifar / "nowhere", "fog", 3)


@pytest.mark.slow
def test_a_benchmark_from_python_has_the_bytes_of_the_script(tiny_root, tmp_path):
    made = vidsparse.generate("folder", tiny_root, tmp_path / "python", workers=0, **SMALL)
    words = [f"evaluation.{key}={value}".replace("'", "").replace(" ", "")
             for key, value in SMALL.items() if key not in CLIP]  # fmt: skip
    words += [f"data.{key}={value}" for key, value in CLIP.items()]
    script = [
        "generate",
        "ucf101_c",
        "data.source=folder",
        f"data.root={tiny_root}",
        "name=python",
        "workers=0",
        *words,
    ]
    assert main([*script, f"benchmark.dir={tmp_path / 'script'}"]) == 0
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ("python", "script")]
    assert sums[0] == sums[1]
    assert vidsparse.generate("folder", tiny_root, made, stage="verify", workers=0, **SMALL) == made
    clips = vidsparse.CorruptedClips(made, "gaussian_noise", 4)
    assert clips[0][0].shape == (3, 4, 32, 32)
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3))
    offline = vidsparse.evaluate(model, "corrupted", made, labels="order", normalize="unit", **CLIP)
    online = vidsparse.evaluate(model, "folder", tiny_root, labels="order", normalize="unit", **SMALL)
    assert offline.table["confidence"].tolist() == online.table["confidence"].tolist()


def test_a_setting_that_there_is_not_is_refused_with_the_nearest(tiny_root, tmp_path):
    assert key_of("format") == "benchmark.format"
    with pytest.raises(ConfigError, match="did you mean severities"):
        vidsparse.generate("folder", tiny_root, tmp_path / "b", severitis=[3])
    with pytest.raises(ConfigError, match="stage"):
        vidsparse.generate("folder", tiny_root, tmp_path / "b", stage="writ")
    assert not (tmp_path / "b").exists()


def test_every_public_metric_has_a_docstring_and_is_what_the_report_computes():
    assert metrics.summary(example_table())["robust"] == 0.75
    undocumented = [name for name in metrics.__all__ if not getattr(metrics, name).__doc__]
    assert undocumented == []
    assert vidsparse.metrics is metrics


def test_names_are_listed_as_tuples_by_a_pattern():
    assert vidsparse.list_corruptions() == corruptions.names()
    assert vidsparse.list_suites("*bar*") == ("imagenet_c_bar_10", "cifar_c_bar_10")
    assert "rigl" in vidsparse.list_methods()
    assert "ucf101" in vidsparse.list_data()
    assert vidsparse.list_configs("nothing*") == ()


def test_the_front_door_shows_its_names_before_they_are_loaded():
    assert set(vidsparse.__all__) <= set(dir(vidsparse))
    assert all(getattr(vidsparse, name) is not None for name in vidsparse.__all__)
    assert {"corrupt", "Corrupt", "RandomCorrupt", "ForAlbumentations"} <= set(dir(corruptions))
