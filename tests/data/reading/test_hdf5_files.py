"""Videos as JPEGs in HDF5, as the generator of Mini Kinetics-C writes them: frames, damage, sets of two kinds."""

import io
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import h5py
import numpy as np
import pytest
from PIL import Image

from vidsparse import load_config
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.published import open_published
from vidsparse.data.datasets.lists import walk
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading import hdf5_files, readers
from vidsparse.utils.errors import ClipDecodeError, ConfigError, DataError


def frames(count=5, side=32, seed=0):
    """Random frames, smooth enough for JPEG."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 4, 4, 3), np.uint8).repeat(side // 4, 1).repeat(side // 4, 2)


def jpegs(pictures):
    found = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=80)
        found.append(file.getvalue())
    return found


def write(path, contents, name="video"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        held = file.create_dataset(name, (len(contents),), dtype=h5py.vlen_dtype(np.uint8))
        for number, content in enumerate(contents):
            held[number] = np.frombuffer(content, np.uint8)
    return path


def decoded(contents):
    return np.stack([np.asarray(Image.open(io.BytesIO(content))) for content in contents])


def test_frames_are_those_of_the_jpegs_in_the_order_asked_for(tmp_path):
    contents = jpegs(frames())
    path = write(tmp_path / "0001.hdf5", contents)
    (info,) = hdf5_files.inspect(path)
    assert (info.n_frames, info.height, info.width, info.rate, info.error) == (5, 32, 32, Fraction(24), "")
    assert np.array_equal(hdf5_files.read(path, None, [4, 0, 0, 2]), decoded(contents)[[4, 0, 0, 2]])
    assert hdf5_files.read(path, 16, [1]).shape == (1, 16, 16, 3)
    with pytest.raises(IndexError, match="frames"):
        hdf5_files.read(path, None, [5])


def test_what_is_wrong_with_a_file_is_said_and_never_raised(tmp_path):
    contents = jpegs(frames())
    whole = write(tmp_path / "whole.hdf5", contents)
    cut = tmp_path / "cut.hdf5"
    cut.write_bytes(whole.read_bytes()[:-2000])
    text = tmp_path / "text.hdf5"
    text.write_text("no HDF5")
    pixels = tmp_path / "pixels.hdf5"
    with h5py.File(pixels, "w") as file:
        file["video"] = frames()
    cases = {
        cut: "cannot be read",
        text: "cannot be read as HDF5",
        pixels: r"its data set 'video' is uint8 \(5, 32, 32, 3\), not the bytes of one JPEG a frame",
        write(tmp_path / "other.hdf5", contents, "flow"): "has no data set 'video'",
        write(tmp_path / "none.hdf5", []): "frames of no sizes",
        write(tmp_path / "empty.hdf5", [*contents[:2], b""]): "frame 2 is empty",
        write(tmp_path / "torn.hdf5", [*contents[:3], contents[3][:200]]): "frame 3: cannot be read as an image",
        write(tmp_path / "sizes.hdf5", [*contents[:1], *jpegs(frames(1, 64))]): "frames of 2 sizes",
    }
    for path, said in cases.items():
        (info,) = hdf5_files.inspect(path)
        assert info.n_frames == 0, path
        assert info.error.startswith(str(path))
        assert re.search(said, info.error), info.error
    for name in ("cut", "pixels", "torn", "sizes"):
        with pytest.raises(ClipDecodeError, match=name):
            hdf5_files.read(tmp_path / f"{name}.hdf5", None, [0, 3 if name == "torn" else 1])


HUNG = """
import sys
from pathlib import Path
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.published import Published
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading import readers
from vidsparse.data.reading.frames import VideoInfo

path, sample = Path(sys.argv[2]), Sample("d", Path(sys.argv[2]), 0, "", "hdf5")
if sys.argv[1] == "source":
    readers.read(sample, VideoInfo(3, 24, 32, 32, "pillow"), None, [0, 1, 2], 0.5)
else:
    cell = Cell("fog", "published", 3)
    Published(path.parent, (cell,), {cell: path.parent}, {"d": Sample("d", Path(path.name), 0, "", "hdf5")},
              (32, 32), timeout_s=0.5).read(cell, "d", [0, 1, 2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("read_from", ["source", "published"])
def test_a_file_in_which_the_library_hangs_is_cut_off(tmp_path, read_from):
    content = bytearray(write(tmp_path / "hung.hdf5", jpegs(frames(3))).read_bytes())
    heap = content.find(b"GCOL")
    content[heap + 16 : heap + 48] = bytes(32)  # the heap of the JPEGs says that its objects take no room
    (tmp_path / "hung.hdf5").write_bytes(content)
    done = subprocess.run([sys.executable, "-c", HUNG, read_from, str(tmp_path / "hung.hdf5")], capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "hung.hdf5: the decoder hangs in this file" in done.stderr


def test_a_flipped_bit_anywhere_ends_in_an_answer(tmp_path):
    whole = write(tmp_path / "whole.hdf5", jpegs(frames(3))).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "damaged.hdf5"
    for _ in range(150):
        content = bytearray(whole)
        content[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        (info,) = hdf5_files.inspect(path)
        assert info.n_frames in (0, 3)
        assert bool(info.error) == (info.n_frames == 0)


def published(root):
    """fog and h264_crf of two classes, the first as HDF5, the second as videos: {cell: frames}."""
    seen = {}
    for at, name in enumerate(("abseiling", "archery")):
        foggy, coded = frames(seed=at), frames(seed=9 + at)
        contents = jpegs(foggy)
        write(root / "fog" / "3" / name / "0001.hdf5", contents)
        place = root / "h264_crf" / "3" / name
        place.mkdir(parents=True)
        write_video(place / "0001.mp4", coded)
        seen["fog", name], seen["h264_crf", name] = decoded(contents), coded
    return seen


def opened(root, tmp_path):
    config = DataConfig(source="corrupted", root=str(root), frames=2, stride=1, short_side=32, size=32)
    return open_published(root, config, tmp_path / "index", 0, None)


def test_a_set_holds_hdf5_for_some_corruptions_and_videos_for_others(tmp_path):
    seen = published(tmp_path / "mini_kinetics-c")
    dataset, index, stored = opened(tmp_path / "mini_kinetics-c", tmp_path)
    assert [cell.corruption for cell in stored.cells] == ["fog", "h264_crf"]
    assert [sample.id for sample in dataset.test] == ["abseiling/0001", "archery/0001"]
    assert {row.info.n_frames for row in index.rows.values()} == {5}
    for cell in stored.cells:
        for name in dataset.classes:
            found = stored.read(cell, f"{name}/0001", np.array([0, 2, 7]))
            wanted = seen[cell.corruption, name][[0, 2, 4]]
            assert np.abs(found.astype(int) - wanted).mean() < (8 if cell.corruption == "h264_crf" else 1e-9)
    (tmp_path / "mini_kinetics-c/fog/3/archery/0001.hdf5").unlink()
    with pytest.raises(DataError, match=r"0001\.hdf5.*not whole"):
        stored.read(stored.cells[0], "archery/0001", np.array([0]))


def test_a_folder_of_such_files_is_a_data_set_like_any_other(tmp_path):
    contents = {name: jpegs(frames(6, seed=at)) for at, name in enumerate(("A", "B"))}
    for name, each in contents.items():
        write(tmp_path / "data" / name / "v.hdf5", each)
    words = ["data.source=class_folders", f"data.root={tmp_path / 'data'}", "data.size=32", "data.short_side=32",
             "data.frames=2", "data.stride=1", "training.epochs=0", "training.schedule.warmup_epochs=0"]  # fmt: skip
    clips = load_clips(load_config("ucf101_dense", words).data, 0, tmp_path / "index")
    for sample in clips.test:
        assert np.array_equal(clips.read(sample, [1, 3]), decoded(contents[sample.id[0]])[[1, 3]])


def test_without_h5py_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    published(tmp_path / "set-c")
    monkeypatch.setattr(readers, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"0001\.hdf5 is read by h5py: pip install -e '\.\[hdf5\]'"):
        opened(tmp_path / "set-c", tmp_path)
    (tmp_path / "index").mkdir(exist_ok=True)
    assert not [*(tmp_path / "index").glob("index-*")], "nothing is remembered of files that nobody could read"


def test_features_beside_clips_are_no_clips(tmp_path):
    for name in ("v", "all_features"):
        write(tmp_path / "A" / f"{name}.hdf5", jpegs(frames(2)))
    assert [path for path, _ in walk(tmp_path)] == ["A/all_features.hdf5", "A/v.hdf5"]
    write_video(tmp_path / "A" / "v.mp4", frames(2))
    others = Counter()
    assert walk(tmp_path, others) == [("A/v.mp4", "video")]
    assert others == {".hdf5": 2}


def test_the_corruptions_of_a_video_may_lie_beside_each_other_as_hdf5(tmp_path):
    root, contents = tmp_path / "level_3_set", {}
    for name in ("fog", "rain"):
        contents[name] = jpegs(frames(seed=len(contents)))
        write(root / "abseiling" / "v1" / f"{name}.hdf5", contents[name])
    _, index, stored = opened(root, tmp_path)
    assert [(cell.corruption, cell.severity) for cell in stored.cells] == [("fog", 3), ("rain", 3)]
    assert {row.info.n_frames for row in index.rows.values()} == {5}
    for cell in stored.cells:
        found = stored.read(cell, "abseiling/v1", np.array([1, 4]))
        assert np.array_equal(found, decoded(contents[cell.corruption])[[1, 4]])


def test_cells_of_another_size_are_refused_where_nothing_resizes(tmp_path):
    root = tmp_path / "mini_kinetics-c"
    published(root)
    for name in ("abseiling", "archery"):
        write_video(root / "h264_crf" / "3" / name / "0001.mp4", frames(side=64))
    words = ["data.source=corrupted", f"data.root={root}", "data.size=32", "data.short_side=32", "data.frames=2",
             "data.stride=1", "training.epochs=0", "training.schedule.warmup_epochs=0"]  # fmt: skip
    config = load_config("ucf101_dense", words)
    clips = load_clips(config.data, 0, tmp_path / "index")
    with pytest.raises(ConfigError, match=r"h264_crf/3 are 64 x 64 pixels"):
        cells_of(clips, config.evaluation)
    assert [cell.corruption for cell in cells_of(clips, replace(config.evaluation, corruptions=["fog"]))] == ["fog"]
    write_video(root / "h264_crf" / "3" / "abseiling" / "0001.mp4", frames())  # the second clip alone is larger
    units = CorruptedUnits(clips, config.evaluation, cells_of(clips, config.evaluation), [(0, range(2))])
    with pytest.raises(ConfigError, match=r"h264_crf/3 are 64 x 64 pixels"):
        list(units)
