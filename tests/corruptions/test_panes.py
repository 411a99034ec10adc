"""Frost from one's own photographs, which are drawn here: crops as published, in every process, and never unsaid."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import corruptions
from corruptions import corrupt, ice, panes

BLACK = np.zeros((1, 64, 64, 3), np.uint8)


@pytest.fixture(autouse=True)
def _grown_again() -> Iterator[None]:
    yield
    corruptions.frost_textures(None)
    os.environ.pop(panes.VARIABLE, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs of 90 x 120 and 100 x 80 pixels: red = 100 + column, blue 10 or 20, green = 100 + row."""
    for name, (height, width), blue in (("b.png", (100, 80), 20), ("a.png", (90, 120), 10)):
        y, x = np.mgrid[:height, :width]
        Image.fromarray(np.stack([100 + x, 100 + y, np.full_like(x, blue)], -1).astype(np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def places(folder: Path, n: int = 400) -> NDArray[np.int64]:
    """(n, 3): which photograph, and the top and left of the window that severity 5 of imagenet_c shows."""
    with corruptions.frost_textures(folder):
        seen = [corrupt(BLACK, "frost", 5, f"key {i}")[0, 0, 0] for i in range(n)]
    red, green, blue = (np.array(seen) / 0.75 + 0.5).T
    return np.stack([(blue > 15).astype(int), (green - 100).astype(int), (red - 100).astype(int)], -1)


def test_windows_lie_wherever_they_fit_and_each_photograph_is_as_likely(folder: Path) -> None:
    drawn = places(folder)
    assert 0.4 < drawn[:, 0].mean() < 0.6
    for number, (height, width) in enumerate([(90, 120), (100, 80)]):
        tops, lefts = drawn[drawn[:, 0] == number, 1:].T
        assert tops.min() <= 2
        assert height - 64 - 3 <= tops.max() <= height - 64
        assert lefts.min() <= 2
        assert width - 64 - 3 <= lefts.max() <= width - 64


def test_a_window_is_the_photograph_pixel_for_pixel(folder: Path) -> None:
    picture = np.asarray(Image.open(folder / "a.png"))
    with corruptions.frost_textures(folder):
        assert np.array_equal(panes.window(0.2, 0.5, 0.5, (64, 64), 1), picture[13:77, 28:92])
        small = cv2.resize(picture, None, fx=0.3, fy=0.3)
        assert np.array_equal(panes.window(0.2, 0, 0.999, (20, 20), 0.3), small[:20, 15:35])
        assert panes.window(0.2, 0.9, 0.9, (200, 300), 1).shape == (200, 300, 3)  # enlarged


def test_inside_a_block_only_and_undone_by_none(folder: Path) -> None:
    grown = corrupt(BLACK, "frost", 5, "k")
    with corruptions.frost_textures(folder):
        photographed = corrupt(BLACK, "frost", 5, "k")
        with corruptions.frost_textures(None):
            assert np.array_equal(corrupt(BLACK, "frost", 5, "k"), grown)
    assert np.array_equal(corrupt(BLACK, "frost", 5, "k"), grown)
    corruptions.frost_textures(folder)
    assert np.array_equal(corrupt(BLACK, "frost", 5, "k"), photographed)
    assert not np.array_equal(grown, photographed)
    corruptions.frost_textures(None)
    assert np.array_equal(corrupt(BLACK, "frost", 5, "k"), grown)


@pytest.mark.slow
def test_the_fingerprint_names_the_photographs_and_a_process_inherits_them(folder: Path) -> None:
    grown = corruptions.fingerprint()
    with corruptions.frost_textures(folder):
        mine = corruptions.fingerprint()
        code = "import corruptions; print(corruptions.fingerprint())"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert mine.startswith(grown)
    assert mine != grown
    assert child.stdout.strip() == mine
    assert corruptions.fingerprint() == grown
    other = folder / "other"
    other.mkdir()
    Image.fromarray(np.full((64, 64, 3), 9, np.uint8)).save(other / "a.png")
    with corruptions.frost_textures(other):
        assert corruptions.fingerprint() not in (mine, grown)


def test_one_window_in_static_a_wandering_one_in_drift_another_each_frame_in_independent(folder: Path) -> None:
    clip = np.zeros((50, 64, 64, 3), np.uint8)
    with corruptions.frost_textures(folder):
        still, drifting, other = (
            corrupt(clip, "frost", 5, "k", temporal=mode).astype(int)[:, 0, 0]
            for mode in ("static", "drift", "independent")
        )
    assert np.all(still == still[0])
    assert np.all(drifting[:, 2] == drifting[0, 2])  # the same photograph
    assert 0 < np.abs(np.diff(drifting[:, :2], axis=0)).max() <= 2
    assert np.array_equal(drifting[0], still[0])
    assert len(np.unique(other[:, 2])) == 2


def test_what_is_no_set_of_photographs_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(corruptions.CorruptionError, match=r"cannot list .*nowhere"):
        corruptions.frost_textures(tmp_path / "nowhere")
    with pytest.raises(corruptions.CorruptionError, match="holds no picture"):
        corruptions.frost_textures(tmp_path)
    picture = np.asarray(ice.texture(0)[:64, :64])
    Image.fromarray(picture).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "whole.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(corruptions.CorruptionError, match=r"cannot read .*whole\.jpg"):
        corruptions.frost_textures(tmp_path)
    Image.fromarray(picture[:8]).save(tmp_path / "whole.jpg")
    with pytest.raises(corruptions.CorruptionError, match="fewer than 16"):
        corruptions.frost_textures(tmp_path)
    assert panes.folder_in_use() == ""


@pytest.mark.slow
def test_png_photographs_are_read_where_decord_came_first(tmp_path):
    """Behind decord, which brings a zlib of its own, OpenCV reads no PNG: it returns None without an error."""
    pytest.importorskip("decord")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    for mode in ("RGB", "RGBA", "L", "P"):
        Image.fromarray(pixels).convert(mode).save(tmp_path / f"{mode}.png")
    code = "import sys, {first}, cv2\nfrom corruptions.panes import photographs\nprint(photographs(sys.argv[1])[1])"
    digests = [
        subprocess.run(
            [sys.executable, "-c", code.format(first=first), str(tmp_path)], capture_output=True, text=True, check=True
        ).stdout
        for first in ("cv2", "decord")
    ]
    assert digests[0] == digests[1]
