"""Published sets as people host them: ViTTA's, LAION-C in tars, other names of severities, snapshots of links."""

import io
import shutil
import tarfile

import cv2
import numpy as np
import pytest

from vidsparse import load_config
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.published import open_published
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.datasets.shards import load_webdataset
from vidsparse.utils.errors import DataError
from vidsparse.utils.snapshots import data_root

NUMBERS = np.arange(2)


def clip(level, side=32):
    """Four frames of one grey level."""
    return np.full((4, side, side, 3), level, np.uint8)


def jpeg(level, side=32):
    return cv2.imencode(".png", np.full((side, side, 3), level, np.uint8))[1].tobytes()


def opened(root, tmp_path):
    config = DataConfig(source="corrupted", root=str(root), frames=2, stride=1, short_side=32, size=32)
    return open_published(root, config, tmp_path / "index", 0, None)


def grey(stored, cell, sample):
    return round(float(stored.read(cell, sample.id, NUMBERS if sample.reader == "video" else NUMBERS[:1]).mean()), -1)


@pytest.fixture
def videos(tmp_path):
    """A function that writes videos of grey levels: {path: level}."""

    def write(root, levels):
        for path, level in levels.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            write_video(root / path, clip(level))
        return root

    return write


def test_vittas_sets_have_no_severity_folders(videos, tmp_path):
    paths = {
        f"{name}/{c}/v_{c}_g01_c01.avi": level for name, level in (("gauss", 40), ("rain", 80)) for c in ("A", "B")
    }
    dataset, _, stored = opened(videos(tmp_path / "ucf_corrupted", paths), tmp_path)
    assert dataset.classes == ("A", "B")
    assert {(cell.corruption, cell.severity) for cell in stored.cells} == {("rain", 5), ("gauss", 5)}
    assert {cell.corruption: grey(stored, cell, dataset.test[0]) for cell in stored.cells} == {"rain": 80, "gauss": 40}
    named = shutil.copytree(tmp_path / "ucf_corrupted", tmp_path / "level_3_ucf_val_split_1")
    assert {cell.severity for cell in opened(named, tmp_path)[2].cells} == {3}
    (named / "gauss").rename(named / "fog")
    named.rename(tmp_path / "mine")
    with pytest.raises(DataError, match="severe"):
        opened(tmp_path / "mine", tmp_path)


def test_corruptions_of_a_video_may_lie_beside_each_other(videos, tmp_path):
    paths = {
        f"{c}/v{n}/{name}.avi": level for c in "AB" for n in (1, 2) for name, level in (("pepper", 30), ("jpeg", 90))
    }
    root = videos(tmp_path / "set", paths)
    dataset, _, stored = opened(root, tmp_path)
    assert [sample.id for sample in dataset.test] == ["A/v1", "A/v2", "B/v1", "B/v2"]
    assert {cell.corruption: grey(stored, cell, dataset.test[3]) for cell in stored.cells} == {"pepper": 30, "jpeg": 90}
    (root / "B" / "v2" / "pepper.avi").unlink()
    with pytest.raises(DataError, match=r"B/v2/pepper\.avi"):
        opened(root, tmp_path)


@pytest.mark.parametrize("spelled", ["{}", "severity_{}", "level_{}", "intensity_level_{}"])
def test_severities_are_spelled_in_several_ways(spelled, videos, tmp_path):
    paths = {f"fog/{spelled.format(level)}/A/v.avi": 40 * level for level in (1, 3)}
    dataset, _, stored = opened(videos(tmp_path / "set", paths), tmp_path)
    assert {cell.severity: grey(stored, cell, dataset.test[0]) for cell in stored.cells} == {1: 40, 3: 120}


def tar_of(path, files):
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_laion_c_is_read_from_its_archives_where_they_lie(tmp_path):
    root = tmp_path / "laion_c"
    root.mkdir()
    for name, level in (("glitched", 50), ("mosaic", 100)):
        tar_of(root / f"{name}.tar", {
            f"{name}/intensity_level_{s}/{c}/{n}.png": jpeg(level + 10 * s)
            for s in (1, 2) for c in ("ball", "bird") for n in "ab"
        })  # fmt: skip
    before = {path.name for path in root.rglob("*")}
    dataset, index, stored = opened(root, tmp_path)
    assert dataset.classes == ("ball", "bird")
    assert [sample.label for sample in dataset.test] == [0, 0, 1, 1]
    assert {(c.corruption, c.severity): grey(stored, c, dataset.test[2]) for c in stored.cells} == {
        ("glitched", 1): 60, ("glitched", 2): 70, ("mosaic", 1): 110, ("mosaic", 2): 120,
    }  # fmt: skip
    assert len(index.rows) == 4
    assert {path.name for path in root.rglob("*")} == before


def test_archives_that_lead_out_of_themselves_are_compressed_or_cut_off_are_refused(tmp_path):
    root = tmp_path / "laion_c"
    root.mkdir()
    inside = "mosaic/1/ball/a.png"
    tar_of(root / "mosaic.tar", {inside: jpeg(9), "../../evil.png": jpeg(9)})
    with pytest.raises(DataError, match="outside"):
        opened(root, tmp_path)
    whole = tar_of(root / "mosaic.tar", {inside: jpeg(9, 200), "mosaic/1/ball/b.png": bytes(20_000)}).read_bytes()
    (root / "mosaic.tar").write_bytes(whole[:9_000])
    with pytest.raises(DataError, match=r"mosaic\.tar"):
        opened(root, tmp_path)
    with tarfile.open(root / "mosaic.tar", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("mosaic/1/ball/a.png"), io.BytesIO())
    with pytest.raises(DataError, match="uncompressed"):
        opened(root, tmp_path)


def test_a_snapshot_of_hugging_face_is_read_through_its_links(videos, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    cache = tmp_path / "hub" / "datasets--org--fog-c"
    snapshot, blobs = cache / "snapshots" / "abc123", cache / "blobs"
    made = videos(tmp_path / "made", {f"fog/{s}/{c}/v.avi": 20 * s for s in (1, 2) for c in "AB"})
    blobs.mkdir(parents=True)
    for number, path in enumerate(sorted(made.rglob("*.avi"))):
        link = snapshot / path.relative_to(made)
        link.parent.mkdir(parents=True)
        path.rename(blobs / str(number))
        link.symlink_to(blobs / str(number))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("abc123\n")
    assert data_root("hf://datasets/org/fog-c") == data_root("hf://datasets/org/fog-c@abc123") == snapshot
    assert data_root("hf://datasets/org/fog-c/fog") == snapshot / "fog"
    words = ["data.source=corrupted", "data.root=hf://datasets/org/fog-c", "data.size=32", "data.short_side=32",
             "data.frames=2", "data.stride=1", "training.epochs=0", "training.schedule.warmup_epochs=0"]  # fmt: skip
    config = load_config("ucf101_dense", words)
    clips = load_clips(config.data, 0, tmp_path / "index")
    assert [sample.id for sample in clips.test] == ["A/v", "B/v"]
    assert [cell.severity for cell in clips.stored.cells] == [1, 2]
    for missing in ("hf://datasets/org/other", "hf://datasets/org/fog-c/snow", "hf://org/fog-c"):
        with pytest.raises(DataError, match=missing):
            data_root(missing)


def test_webdataset_shards_are_a_data_set(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "shards"
    root.mkdir()
    write_video(tmp_path / "v.mp4", clip(70), "libx264")
    video = (tmp_path / "v.mp4").read_bytes()
    tar_of(root / "train-000.tar", {"a/001.mp4": video, "a/001.cls": b"1", "a/002.mp4": video, "a/002.cls": b"0\n"})
    tar_of(root / "val-000.tar", {"003.png": jpeg(5), "003.json": b'{"label": 1}', "readme.md": b"x"})
    dataset = load_webdataset(root, 1)
    assert [(s.id, s.label, s.reader) for s in dataset.train] == [("train-000/a/001", 1, "video"),
                                                                  ("train-000/a/002", 0, "video")]  # fmt: skip
    assert [(s.id, s.label, s.reader) for s in dataset.test] == [("val-000/003", 1, "image")]
    assert dataset.classes == ("0", "1")
    assert dataset.train[0].path.read_bytes() == video
    (root / "classes.txt").write_text("run\nwalk\n")
    assert load_webdataset(root, 1).classes == ("run", "walk")
    config = DataConfig(source="webdataset", root=str(root), frames=2, stride=1, short_side=32, size=32)
    clips = load_clips(config, 0, tmp_path / "index")
    assert clips.read(clips.train[0], [0, 1]).shape == (2, 32, 32, 3)
    tar_of(root / "val-000.tar", {"004.png": jpeg(5)})
    with pytest.raises(DataError, match="004 has no label"):
        load_webdataset(root, 1)
    tar_of(root / "val-000.tar", {"004.png": jpeg(5), "004.cls": b"7"})
    with pytest.raises(DataError, match="7 is none of the 2 classes"):
        load_webdataset(root, 1)
