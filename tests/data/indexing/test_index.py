import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import damage
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing import index as index_module
from vidsparse.data.indexing.index import build_index
from vidsparse.data.reading import readers
from vidsparse.data.reading.video_files import VideoReader


@pytest.fixture
def samples(avi, tmp_path):
    (tmp_path / "clips").mkdir()
    paths = [shutil.copy(avi, tmp_path / "clips" / f"{name}.avi") for name in "abc"]
    return [Sample(path.stem, path, label, path.stem) for label, path in enumerate(paths)]


@pytest.fixture
def counted(monkeypatch):
    """The paths that `inspect` was called with."""
    seen = []
    reader = readers.READERS["video"]
    counting = replace(reader, inspect=lambda path: seen.append(path.name) or reader.inspect(path))
    monkeypatch.setitem(readers.READERS, "video", counting)
    return seen


def test_files_are_counted_once_and_again_when_they_change(samples, tmp_path, counted):
    progress = []
    first = build_index(samples, tmp_path / "cache", progress=lambda *step: progress.append(step))
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert [row.info.n_frames for row in first.rows.values()] == [40, 40, 40]
    assert [row.label for row in first.rows.values()] == [0, 1, 2]
    counted.clear()
    assert build_index(samples, tmp_path / "cache") == first
    assert counted == []
    os.utime(samples[1].path, ns=(1, 1))
    assert build_index(samples, tmp_path / "cache") == first
    assert counted == ["b.avi"]


def test_broken_files_are_rows_with_a_reason(samples, tmp_path):
    empty = damage(samples[0].path, "empty")
    samples += [Sample("empty", empty, 0, "e")]
    index = build_index(samples, tmp_path / "cache")
    assert set(index.unreadable) == {"empty"}
    assert str(empty) in index.unreadable["empty"]
    assert index.rows["empty"].info.n_frames == 0
    assert build_index(samples, tmp_path / "cache").unreadable == index.unreadable  # also from the cache


def test_an_interrupted_count_is_kept(samples, tmp_path, counted):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(samples, tmp_path / "cache", progress=stop)
    counted.clear()
    build_index(samples, tmp_path / "cache")
    assert counted == ["c.avi"]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["index-v5.parquet"]


def test_an_unreadable_cache_is_made_again(samples, tmp_path):
    first = build_index(samples, tmp_path / "cache")
    (tmp_path / "cache" / "index-v5.parquet").write_bytes(b"half a fi")
    assert build_index(samples, tmp_path / "cache") == first


def test_worker_processes_count_the_same(avi, tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "_FEW", 2)
    samples = [Sample(name, shutil.copy(avi, tmp_path / f"{name}.avi"), 0, name) for name in "abcd"]
    assert build_index(samples, tmp_path / "two", workers=2) == build_index(samples, tmp_path / "none")


def test_the_fingerprint_is_of_the_content(samples, avi, tmp_path):
    def fingerprint(samples):
        return build_index(samples, tmp_path / "cache").fingerprint(sample.id for sample in samples)

    def moved(sample, label=None):
        path = tmp_path / "elsewhere" / sample.path.name
        path.parent.mkdir(exist_ok=True)
        return Sample(sample.id, shutil.copyfile(sample.path, path), sample.label if label is None else label, "x")

    first = fingerprint(samples)
    assert len(first) == 32
    assert fingerprint([moved(sample) for sample in reversed(samples)]) == first  # place, order, mtime, group
    changed = [
        samples[:2],
        [*samples[:2], moved(samples[2], label=7)],
        [*samples[:2], Sample("other", samples[2].path, 2, "c")],
        [*samples[:2], Sample("c", damage(samples[2].path, "truncated"), 2, "c")],
    ]
    assert len({first, *map(fingerprint, changed)}) == 5


@pytest.mark.parametrize("kind", ["truncated", "bit_flipped", "no_key_frame", "one_frame", "odd_size"])
def test_every_counted_frame_can_be_read(samples, tmp_path, kind):
    path = damage(samples[0].path, kind)
    info = build_index([Sample("x", path, 0, "x")], tmp_path / "cache").rows["x"].info
    frames = VideoReader(path, 48, info=info).read(range(info.n_frames))
    assert len(np.unique(frames.reshape(len(frames), -1), axis=0)) == info.n_frames
