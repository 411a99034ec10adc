"""Kept frames are the decoded bytes, or made again; never more than was allowed, never half of them."""

import multiprocessing
import os
import pickle
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CLEAN, Cell, CorruptedUnits
from vidsparse.data.indexing import cache as cache_module
from vidsparse.data.indexing.cache import FrameCache, frame_key


def pictures(seed, n=4):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 3), np.uint8)


def never():
    raise AssertionError("it was to come from the cache")


@pytest.fixture
def clips(tiny_root, tmp_path):
    config = DataConfig(source="folder", root=str(tiny_root), frames=4, stride=2, short_side=40, size=32)
    return load_clips(config, 0, tmp_path / "index")


@pytest.mark.slow
def test_what_was_kept_is_the_same_bytes_in_every_process(tmp_path):
    one = FrameCache(tmp_path, 1 << 20)
    one.get("a", (4, 8, 8, 3), lambda: pictures(0))
    other = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(other.get("a", (4, 8, 8, 3), never), pictures(0))
    assert (one.hits, one.misses, other.hits) == (0, 1, 1)


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "shape"])
def test_a_damaged_file_is_made_again(tmp_path, harm):
    cache = FrameCache(tmp_path, 1 << 20)
    cache.get("a", (4, 8, 8, 3), lambda: pictures(0))
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[-7] ^= 1
    path.write_bytes({"cut": content[:-9], "empty": b""}.get(harm, content))
    shape, n = ((2, 8, 8, 3), 2) if harm == "shape" else ((4, 8, 8, 3), 4)
    np.testing.assert_array_equal(cache.get("a", shape, lambda: pictures(1, n)), pictures(1, n))
    np.testing.assert_array_equal(cache.get("a", shape, never), pictures(1, n))


def test_the_least_recently_used_go_when_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_LOOK_AFTER", 1)
    cache = FrameCache(tmp_path, 5 * 800)
    for number in range(4):
        cache.get(f"{number}", (4, 8, 8, 3), lambda n=number: pictures(n))
        os.utime(tmp_path / f"{number}.frames", (number, number))
    cache.get("0", (4, 8, 8, 3), never)  # used just now
    for number in (4, 5):
        cache.get(f"{number}", (4, 8, 8, 3), lambda n=number: pictures(n))
    kept = {path.stem for path in tmp_path.iterdir()}
    assert {"0", "4", "5"} <= kept
    assert "1" not in kept
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5 * 800


def test_what_does_not_fit_or_cannot_be_written_is_not_kept(tmp_path, caplog):
    FrameCache(tmp_path / "small", 100).get("a", (4, 8, 8, 3), lambda: pictures(0))
    assert not (tmp_path / "small").exists()
    (tmp_path / "file").write_text("")
    cache = FrameCache(tmp_path / "file", 1 << 20)
    for _ in range(3):
        np.testing.assert_array_equal(cache.get("a", (4, 8, 8, 3), lambda: pictures(0)), pictures(0))
    assert len([r for r in caplog.records if "frames are not kept" in r.getMessage()]) == 1


def test_keys_tell_everything_apart():
    numbers = np.arange(4)
    parts = [
        ("a", 1, numbers),
        ("a", 1, numbers[::-1]),
        ("a", 11, numbers),
        ("a", 1, numbers.astype(np.int32)),
        ("a1", numbers),
        ("a", 1, numbers[:2], numbers[2:]),
    ]
    keys = [frame_key(*each) for each in parts]
    assert len(set(keys)) == len(keys)
    assert frame_key("a", 1, np.arange(4)) == keys[0]


CELLS = (Cell(CLEAN, "", 0), Cell("gaussian_noise", "imagenet_c", 3), Cell("freeze", "ucf101_p", 4))


def batches(clips):
    return [batch.clips.numpy() for batch in CorruptedUnits(clips, EvaluationConfig(views=2), CELLS, [(0, range(6))])]


def test_evaluation_from_the_cache_is_the_same_and_decodes_nothing(clips, tmp_path, monkeypatch):
    plain = batches(clips)
    cached = replace(clips, kept=FrameCache(tmp_path / "frames", 1 << 30))
    np.testing.assert_array_equal(plain, batches(cached))
    monkeypatch.setattr("vidsparse.data.reading.video_files.VideoReader.read", lambda *_: never())
    np.testing.assert_array_equal(plain, batches(cached))
    assert (cached.kept.hits, cached.kept.misses) == (6, 6)


def test_a_changed_file_is_decoded_again(clips, tmp_path):
    cached = replace(clips, kept=FrameCache(tmp_path / "frames", 1 << 30))
    cached.read(clips.test[0], [0, 3], keep=True)
    os.utime(clips.test[0].path)
    cached.read(clips.test[0], [0, 3], keep=True)
    assert (cached.kept.hits, cached.kept.misses) == (0, 2)


def keep_on_writing(folder):
    cache = FrameCache(folder, 1 << 30)
    number = 0
    while True:
        cache.get(f"{number}", (64, 64, 64, 3), lambda: np.zeros((64, 64, 64, 3), np.uint8))
        number += 1


@pytest.mark.slow
def test_a_kill_leaves_whole_files_only(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=keep_on_writing, args=(tmp_path / "kept",))
    process.start()
    while not list((tmp_path / "kept").glob("*.frames") if (tmp_path / "kept").exists() else ()):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    cache = FrameCache(tmp_path / "kept", 1 << 30)
    for path in (tmp_path / "kept").glob("*.frames"):
        assert not cache.get(path.stem, (64, 64, 64, 3), never).any()
