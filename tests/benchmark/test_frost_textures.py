"""Photographs of one's own for frost: the same bytes in every worker, and named in manifest and run."""

import numpy as np
import pytest
from PIL import Image

from helpers.orders import sums
from vidsparse import load_config
from vidsparse.benchmark.fingerprint import build
from vidsparse.benchmark.generate import generate
from vidsparse.config import identity
from vidsparse.data.corrupted.layout import RECIPE
from vidsparse.training.build import digests
from vidsparse.utils.errors import ConfigError

FROST = ("evaluation.suite=imagenet_c_15", "evaluation.corruptions=[frost]", "evaluation.severities=[3]")


@pytest.fixture
def photographs(tmp_path):
    """Two folders of the same two noise pictures, and one with another."""
    for folder, seed in (("one", 0), ("same", 0), ("other", 1)):
        (tmp_path / folder).mkdir()
        rng = np.random.default_rng(seed)
        for name in ("a.png", "b.png"):
            Image.fromarray(rng.integers(0, 256, (200, 240, 3), np.uint8)).save(tmp_path / folder / name)
    return {name: f"evaluation.frost_textures={tmp_path / name}" for name in ("one", "same", "other")}


@pytest.mark.slow
def test_workers_make_the_same_bytes_and_the_manifest_names_the_photographs(order, photographs):
    made = []
    for name, settings in {
        "grown": (),
        "here": (photographs["one"], "engine.workers=0"),
        "workers": (photographs["same"], "engine.workers=2"),
    }.items():
        config = order(*FROST, f"benchmark.dir={name}", *settings)
        generate(config)
        made.append(sums(config.benchmark_folder))
    assert made[1] == made[2]
    assert made[0].keys() == made[1].keys()
    differing = [path for path in made[0] if made[0][path] != made[1][path]]
    assert any(str(path).endswith(".mkv") for path in differing)
    assert ", frost " in (config.benchmark_folder / RECIPE).read_text()
    assert ", frost " not in build("ffv1", None, True)


def test_the_pictures_and_not_their_place_are_a_runs_identity(tiny_root, photographs):
    def named(*settings):
        config = load_config("ucf101_dense", [f"data.root={tiny_root}", *settings])
        return {**identity(config), **digests(config)}

    plain, one, same, other = named(), *(named(photographs[name]) for name in ("one", "same", "other"))
    assert "evaluation.frost_textures" not in plain
    assert one == same
    assert one != other
    assert {key for key in {**one, **other} if one.get(key) != other.get(key)} == {"evaluation.frost_textures"}


def test_a_folder_without_photographs_is_refused_before_anything_is_done(tiny_root, tmp_path):
    with pytest.raises(ConfigError, match=r"evaluation\.frost_textures.*holds no picture"):
        load_config("ucf101_dense", [f"data.root={tiny_root}", f"evaluation.frost_textures={tmp_path}"])
