"""A benchmark carries the masks: what is read back is what was there on the fly, and what is damaged is mended."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.orders import sums
from helpers.regions import image_set, video_set
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.plan import make_plan
from vidsparse.benchmark.verify import open_sound, verify, verify_deep
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.layout import MASKS, open_stored
from vidsparse.data.loader import split_units
from vidsparse.loading import load_benchmark_config
from vidsparse.utils.errors import BenchmarkError, ConfigError, DataError

SETTINGS = ("task=segmentation", "model.name=unet",
            "data.frames=4", "data.stride=2", "data.short_side=48", "data.size=40", "evaluation.suite=ucf101_p_16",
            "evaluation.corruptions=[gaussian_noise,rotate,freeze]", "evaluation.severities=[2,4]",
            "benchmark.unit=2", "engine.workers=0")  # fmt: skip
STILL = {"clean/0", "rotate/2", "rotate/4", "freeze/2", "freeze/4"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return video_set(tmp_path_factory.mktemp("videos"))


def config(root: Path, source: Path, *more: str, kind: str = "video_masks"):
    place = (f"data.root={source}", f"data.source={kind}", f"benchmark.dir={root}", f"logging.dir={root.parent}/runs")
    return load_benchmark_config("ucf101_c", [*place, *SETTINGS, *more])


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    root = tmp_path_factory.mktemp("whole") / "set"
    generate(config(root, source))
    return root


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def batches(clips, evaluation, cells):
    units = list(enumerate(split_units(len(clips.test), 4)))
    return list(CorruptedUnits(clips, evaluation, cells, units))


@pytest.mark.parametrize("more", [
    (),
    ("benchmark.materialize=videos", "benchmark.format=webp"),
    ("evaluation.canvas=frame", "evaluation.crops=3", "benchmark.format=npy"),
    ("evaluation.canvas=source", "benchmark.materialize=videos"),
])  # fmt: skip
def test_batches_are_those_made_on_the_fly(more, source, tmp_path):
    made = config(tmp_path / "set", source, *more)
    generate(made)
    flown, data = load_clips(made.data, 0, tmp_path / "index"), vars(made.data)
    kept = load_clips(DataConfig(**{**data, "source": "corrupted", "root": str(tmp_path / "set")}), 0, tmp_path / "i")
    cells = cells_of(kept, EvaluationConfig(suite="ucf101_p_16"))
    assert len(cells) == 7
    for here, there in zip(batches(flown, made.evaluation, cells), batches(kept, made.evaluation, cells), strict=True):
        assert torch.equal(here.clips, there.clips)
        assert torch.equal(here.masks, there.masks)
        assert here.masks.unique().numel() > 3


@pytest.mark.slow
def test_images_too(tmp_path):
    made = config(tmp_path / "set", image_set(tmp_path), "data.frames=1", "benchmark.format=webp", kind="image_masks")
    generate(made)
    stored, clips = open_stored(tmp_path / "set"), load_clips(made.data, 0, tmp_path / "index")
    cell = next(cell for cell in stored.cells if cell.corruption == "rotate")
    (batch,) = batches(clips, made.evaluation, [cell])
    for entry, mask in zip(stored.entries, batch.masks, strict=True):
        assert np.array_equal(stored.masks(cell, entry.id, np.array([0])), mask)
    assert "decord" not in stored.recipe.build
    more = ("data.frames=1", "benchmark.format=cifar_npy")
    other = config(tmp_path / "other", tmp_path, *more, kind="image_masks")
    with pytest.raises(ConfigError, match=r"benchmark\.format=cifar_npy.*masks"):
        make_plan(other, clips)


def test_masks_are_written_once_where_nothing_moves_them_and_any_tool_reads_them(whole):
    folders = {path.relative_to(whole / MASKS).as_posix() for path in (whole / MASKS).glob("*/*")}
    assert folders == STILL
    stored = open_stored(whole)
    for cell in stored.cells:
        place = f"{cell.corruption}/{cell.severity}" if cell.moves_masks else "clean/0"
        for entry in stored.entries:
            seen = np.stack(
                [np.asarray(Image.open(path)) for path in sorted((whole / MASKS / place / entry.stem).iterdir())]
            )
            assert np.array_equal(seen, stored.masks(cell, entry.id, entry.kept))
    assert f"{MASKS}/clean/0" in (whole / "BENCHMARK.md").read_text()


def test_made_twice_it_is_the_same_and_sha256sum_knows_every_mask(whole, source, tmp_path):
    generate(config(tmp_path / "again", source))
    assert sums(tmp_path / "again") == sums(whole)
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=whole, capture_output=True, text=True, check=False)
    assert checked.returncode == 0
    assert checked.stdout.count(f"{MASKS}/") == 2 * len(STILL) * 4


@pytest.mark.parametrize("harm", ["changed", "truncated", "missing", "extra"])
def test_a_damaged_mask_is_named_and_mended(harm, copy, whole, source):
    path = copy / MASKS / "rotate/4/test/video1/00002.png"
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "extra":
        path = path.with_name("00009.png")
        path.write_bytes(content)
    else:
        path.write_bytes(content[:-5] if harm == "truncated" else content[:-5] + b"other")
    assert {fault.path: fault.what for fault in verify(copy, open_sound(copy))} == {
        path.relative_to(copy).as_posix(): harm
    }
    if harm == "missing":
        stored = open_stored(copy)
        cell = next(c for c in stored.cells if (c.corruption, c.severity) == ("rotate", 4))
        with pytest.raises(DataError, match=r"00002.png: .*generate.py with stage=verify"):
            stored.masks(cell, "test/video1", stored.entries[1].kept)
    if harm != "extra":
        generate(config(copy, source, "benchmark.stage=repair"))
        assert sums(copy) == sums(whole)


def test_a_folder_of_masks_that_is_missing_is_found_before_the_evaluation(copy):
    shutil.rmtree(copy / MASKS / "freeze")
    with pytest.raises(DataError, match=r"missing \(masks/freeze/2"):
        load_clips(DataConfig("corrupted", str(copy)), 0, copy.parent / "index")


@pytest.mark.slow
def test_deep_verification_makes_masks_again(copy, source, tmp_path):
    made = config(copy, source)
    plan = make_plan(made, load_clips(made.data, 0, tmp_path / "index"))
    assert verify_deep(plan, 14) == ([], 14)
    for path in (copy / MASKS / "freeze/4/test/video0").iterdir():
        Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)
    differ, _ = verify_deep(plan, 14)
    assert differ == ["freeze/4/test/video0.mkv (test/video0, severity 4)"]


def test_a_benchmark_without_masks_is_what_it_was(tiny_root, tmp_path):
    made = config(tmp_path / "set", tiny_root, "task=classification", "model.name=x3d_s", kind="folder")
    generate(made)
    assert '"masks"' not in (tmp_path / "set" / "benchmark.json").read_text()
    assert not (tmp_path / "set" / MASKS).exists()
    assert "the class of every pixel" not in (tmp_path / "set" / "BENCHMARK.md").read_text()
    with pytest.raises(BenchmarkError, match="holds another benchmark"):
        generate(config(tmp_path / "set", video_set(tmp_path)))
