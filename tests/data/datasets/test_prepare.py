"""Preparing a data set: guided where it is missing, counted in processes that may hang or die, read by training."""

import csv
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.datasets.downloads import GUIDES, instructions
from vidsparse.data.datasets.prepare import PROBLEMS, prepare
from vidsparse.data.datasets.sample_videos import damage
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing import counting, index, manifest
from vidsparse.data.indexing.index import build_index
from vidsparse.data.reading import readers
from vidsparse.utils.errors import ConfigError, DataError, MachineError


@pytest.fixture
def root(tiny_root, tmp_path):
    shutil.copytree(tiny_root, tmp_path / "data")
    return tmp_path / "data"


def problems(root):
    with (root / PROBLEMS).open() as file:
        return {(row["id"], row["problem"]): row["what"] for row in csv.DictReader(file)}


def counted(monkeypatch):
    """The names of the files that are decoded from here on, in this process."""
    seen, reader = [], readers.READERS["video"]
    watching = replace(reader, inspect=lambda path: seen.append(path.name) or reader.inspect(path))
    monkeypatch.setitem(readers.READERS, "video", watching)
    return seen


def test_training_reads_the_manifest_and_decodes_nothing(root, tmp_path, monkeypatch):
    made = prepare("folder", root, workers=1)
    assert made == root / manifest.NAME
    assert problems(root) == {}
    seen = counted(monkeypatch)
    config = DataConfig(source="folder", root=str(root), frames=4, short_side=40, size=32)
    clips = load_clips(config, 0, tmp_path / "index")
    assert seen == []
    assert all(clips.n_frames(sample) == 20 for sample in (*clips.train, *clips.test))
    assert not (tmp_path / "index").exists()
    shutil.move(root, tmp_path / "moved")  # paths in a manifest are relative to its folder
    assert load_clips(replace(config, root=str(tmp_path / "moved")), 0, tmp_path / "index").index == clips.index
    changed = sorted((tmp_path / "moved" / "test" / "Left").iterdir())[0]
    os.utime(changed, ns=(1, 1))
    load_clips(replace(config, root=str(tmp_path / "moved")), 0, tmp_path / "index")
    assert seen == [changed.name]


def test_a_second_run_counts_only_what_changed_and_keeps_the_hashes(root, monkeypatch):
    hashes = manifest.hashes(prepare("folder", root, workers=1))
    assert len(hashes) == 18
    assert all(len(digest) == 64 for digest in hashes.values())
    asked = []
    monkeypatch.setattr("vidsparse.data.datasets.prepare.watched", lambda tasks, *_: asked.extend(tasks) or iter(()))
    assert manifest.hashes(prepare("folder", root, workers=1)) == hashes
    assert asked == []


def test_broken_damaged_short_and_twin_files_are_listed(root, capsys):
    left, right = (sorted((root / "test" / name).iterdir()) for name in ("Left", "Right"))
    left[0].write_bytes(b"no video")
    shutil.copy(left[0], sorted((root / "train" / "Left").iterdir())[0])  # both broken: nothing is trained on it
    shutil.move(damage(left[1], "truncated"), left[1])
    shutil.move(damage(right[0], "one_frame"), right[0])
    shutil.copy(sorted((root / "train" / "Right").iterdir())[0], right[1])
    prepare("folder", root, workers=1)
    found = problems(root)
    assert [kind for _, kind in found] == ["broken", "broken", "damaged", "short"]
    assert "cannot be opened as a video" in found["test/Left/v_Left_g04_c01", "broken"]
    assert found["test/Right/v_Right_g04_c01", "short"] == "1 frame"
    said = " ".join(capsys.readouterr().out.split())
    assert "1 test file equal to training files: test/Right/v_Right_g05_c01" in said


def test_lists_whose_files_are_missing_name_them(make_tree):
    text = {
        "ucfTrainTestlist/classInd.txt": "1 YoYo\n",
        "ucfTrainTestlist/trainlist01.txt": "YoYo/v_YoYo_g08_c01.avi 1\n",
        "ucfTrainTestlist/testlist01.txt": "YoYo/v_YoYo_g01_c01.avi\n",
    }
    root = make_tree("videos/YoYo/v_YoYo_g08_c01.avi", text=text)
    prepare("ucf101", root, workers=1)
    assert list(problems(root)) == [("YoYo/v_YoYo_g08_c01", "broken"), ("YoYo/v_YoYo_g01_c01", "missing")]


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_missing_is_told_with_address_and_command(name, tmp_path, capsys):
    with pytest.raises(DataError, match="run this command again"):
        prepare(name, tmp_path / "empty")
    said = capsys.readouterr().out
    assert GUIDES[name].layout in said
    for download in GUIDES[name].downloads:
        assert download.address in said
        assert f"cd {tmp_path / 'empty'} && {download.unpack.format(name=download.name)}" in said
        assert download.md5 in said


def test_an_archive_that_lies_there_is_checked(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"half an archive")
    assert any(line.startswith("  damaged:   https://www.cs.toronto.edu") for line in instructions("cifar10", tmp_path))


def test_an_unknown_data_set(tmp_path):
    with pytest.raises(ConfigError, match=r"ucf1001 .*did you mean ucf101"):
        prepare("ucf1001", tmp_path)


def hang(path: Path):
    time.sleep(60)


def crash(path: Path):
    os.kill(os.getpid(), signal.SIGSEGV)


def kill(path: Path):
    """As the kernel does where memory ends."""
    os.kill(os.getpid(), signal.SIGKILL)


def by_name(path: Path):
    """As a decoder behaves that some files hang and others kill."""
    if path.stem in ("hang", "crash", "killed"):
        return {"hang": hang, "crash": crash, "killed": kill}[path.stem](path)
    return readers.image_files.inspect(path)


@pytest.mark.slow
def test_a_file_that_hangs_or_kills_its_decoder_costs_itself_alone(tmp_path, monkeypatch):
    from multiprocessing import get_context

    from PIL import Image

    monkeypatch.setitem(readers.READERS, "image", replace(readers.READERS["image"], inspect=by_name))
    monkeypatch.setattr(counting.multiprocessing, "get_context", lambda _: get_context("fork"))  # inherits the patch
    names = ["a", "hang", "b", "crash", "c"]
    for name in names:
        Image.new("RGB", (8, 6)).save(tmp_path / f"{name}.png")
    tasks = [("image", manifest.stamp(tmp_path / f"{name}.png")) for name in names]
    found = {Path(file.path).stem: c for (_, file), c in counting.watched(tasks, 2, 0.5)}
    assert {name: found[name].found[0].n_frames for name in names} == {"a": 1, "hang": 0, "b": 1, "crash": 0, "c": 1}
    assert "hang.png: the decoder hangs in this file" in found["hang"].found[0].error
    assert "crash.png: the decoder crashed in this file (SIGSEGV)" in found["crash"].found[0].error


@pytest.mark.slow
def test_a_process_that_is_killed_says_nothing_of_its_file_and_all_others_are_counted(tmp_path, monkeypatch):
    from multiprocessing import get_context

    from PIL import Image

    monkeypatch.setitem(readers.READERS, "image", replace(readers.READERS["image"], inspect=by_name))
    monkeypatch.setattr(counting.multiprocessing, "get_context", lambda _: get_context("fork"))  # inherits the patch
    monkeypatch.setattr(index, "_FEW", 1)
    samples = [Sample(name, tmp_path / f"{name}.png", 0, name, "image") for name in ("a", "killed", "b", "c")]
    for sample in samples:
        Image.new("RGB", (8, 6)).save(sample.path)
    with pytest.raises(MachineError, match=r"killed.*memory .*killed.png.*command continues"):
        build_index(samples, tmp_path / "index", workers=2)
    counted = {Path(file.path).stem for file in manifest.load(tmp_path / "index" / "index-v5.parquet")}
    assert counted == {"a", "b", "c"}
    monkeypatch.undo()
    assert [row.info.n_frames for row in build_index(samples, tmp_path / "index").rows.values()] == [1, 1, 1, 1]


def test_a_folder_that_is_marked_read_only_is_left_alone(root, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))
    root.chmod(0o555)
    try:
        made = prepare("folder", root, workers=1)
        assert made.is_relative_to(tmp_path / "cache")
        assert len(manifest.prepared(root)) == 18
    finally:
        root.chmod(0o755)
