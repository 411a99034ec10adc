"""Data sets with a class for every pixel: who is in them, and what is said where something is wrong."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from helpers.regions import COLOURS, VOID, agree, image_set, regions, save, video_set
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.datasets.mask_sets import CITYSCAPES_CLASSES, VOC_CLASSES
from vidsparse.data.datasets.prepare import PROBLEMS, prepare
from vidsparse.data.datasets.sources import evaluated_on, load_dataset
from vidsparse.data.indexing import manifest
from vidsparse.data.reading.image_files import still
from vidsparse.utils.errors import DataError


def picture(path: Path, labels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(COLOURS[labels]).save(path, quality=97, subsampling=0)
    return path


def mask(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def text(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in names))


def voc(root: Path) -> Path:
    base = root / "VOCdevkit" / "VOC2012"
    for number in range(4):
        labels = regions(50, 60, 9 * number)
        picture(base / f"JPEGImages/2007_{number:06d}.jpg", labels)
        bordered = labels.copy()
        bordered[20:22] = VOID
        path = mask(base / f"SegmentationClass/2007_{number:06d}.png", bordered)
        palette = Image.open(path).convert("L")
        palette.putpalette([255, 0, 255] * 256)
        palette.save(path)
    text(base / "ImageSets/Segmentation/train.txt", "2007_000000", "2007_000002")
    text(base / "ImageSets/Segmentation/val.txt", "2007_000003")
    return root


def cityscapes(root: Path) -> Path:
    for part, city in (("train", "ulm"), ("val", "bonn")):
        for number in range(2):
            stem = f"{city}/{city}_000003_{number:06d}"
            picture(root / f"leftImg8bit/{part}/{stem}_leftImg8bit.png", regions(50, 60))
            values = np.array([7, 8, 0, 26], np.uint8)[regions(50, 60)]  # road, sidewalk, unlabelled, car
            mask(root / f"gtFine/{part}/{stem}_gtFine_labelIds.png", values)
            mask(root / f"gtFine/{part}/{stem}_gtFine_instanceIds.png", values)
    return root


def davis(root: Path, year: str = "2017") -> Path:
    for number, name in enumerate(("bear", "camel", "swan")):
        for t in range(3):
            picture(root / f"JPEGImages/480p/{name}/{t:05d}.jpg", (regions(50, 60, t) > 1).astype(np.uint8))
            values = (regions(50, 60, t) > 1) * (255 if year == "2016" else 1 + number)
            mask(root / f"Annotations/480p/{name}/{t:05d}.png", values)
    text(root / f"ImageSets/{year}/train.txt", "bear", "camel")
    text(root / f"ImageSets/{year}/val.txt", "swan")
    return root


def loaded(source: str, root: Path, **settings):
    return load_clips(DataConfig(source, str(root), short_side=50, **settings), 0, root / ".index")


def test_pascal_voc(tmp_path):
    clips = loaded("voc", voc(tmp_path))
    assert clips.dataset.classes == VOC_CLASSES
    assert len(VOC_CLASSES) == 21
    assert [s.id for s in clips.train] == ["2007_000000", "2007_000002"]
    (sample,) = clips.test
    labels = clips.masks(sample, [0])[0]
    expected = regions(50, 60, 27)
    expected[20:22] = VOID
    assert np.array_equal(labels, expected)
    assert agree(clips.read(sample, [0])[0], labels, tolerance=30) > 0.4
    assert clips.index.rows[sample.id].info.top == 3


def test_cityscapes_has_its_nineteen_classes(tmp_path):
    clips = loaded("cityscapes", cityscapes(tmp_path))
    assert (clips.dataset.classes, len(clips.dataset.classes)) == (CITYSCAPES_CLASSES, 19)
    assert [s.id for s in clips.test] == ["val/bonn/bonn_000003_000000", "val/bonn/bonn_000003_000001"]
    assert {s.group for s in clips.test} == {"bonn_000003"}
    expected = np.array([0, 1, VOID, CITYSCAPES_CLASSES.index("car")], np.uint8)[regions(50, 60)]
    assert np.array_equal(clips.masks(clips.test[0], [0])[0], expected)


@pytest.mark.parametrize("year", ["2017", "2016"])
def test_davis_folders_of_frames_are_videos_and_any_object_is_one(year, tmp_path):
    clips = loaded("davis", davis(tmp_path, year), frames=3)
    assert [s.id for s in clips.train] == ["bear", "camel"]
    (swan,) = clips.test
    info = clips.index.rows["swan"].info
    assert (info.n_frames, info.height, info.width, clips.fps(swan)) == (3, 50, 60, 24.0)
    labels = clips.masks(swan, [2, 0, 2])
    assert np.array_equal(labels, np.stack([regions(50, 60, t) > 1 for t in (2, 0, 2)]))
    assert agree(clips.read(swan, [2, 0, 2]), labels, tolerance=30) > 0.4


def test_folders_of_images_and_of_videos(tmp_path):
    clips = loaded("image_masks", image_set(make(tmp_path / "images")))
    assert clips.dataset.classes == ("sky", "roof", "grass", "wall")
    assert [s.id for s in clips.test] == [f"test/near/picture{n}" for n in range(3)]
    videos = loaded("video_masks", video_set(make(tmp_path / "videos")))
    assert [s.id for s in videos.train] == ["train/video0", "train/video1"]
    assert {videos.n_frames(s) for s in videos.train} == {9}


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_parts_may_lie_within_images_and_masks(tmp_path):
    text(tmp_path / "classes.txt", "a", "b", "c", "d")
    for part in ("train", "val"):
        picture(tmp_path / "images" / part / "x.jpg", regions(50, 60))
        mask(tmp_path / "masks" / part / "x.png", regions(50, 60))
    assert [s.id for s in loaded("image_masks", tmp_path).test] == ["test/x"]


def test_a_video_file_has_a_folder_of_masks(tmp_path, avi):
    text(tmp_path / "classes.txt", "a", "b")
    for part in ("train", "test"):
        (tmp_path / part / "images").mkdir(parents=True)
        (tmp_path / part / "images/clip.avi").write_bytes(avi.read_bytes())
        for t in range(40 if part == "test" else 39):
            mask(tmp_path / part / f"masks/clip/{t:05d}.png", np.full((72, 96), t % 2))
    clips = loaded("video_masks", tmp_path)
    assert clips.masks(clips.test[0], [3, 4]).mean(axis=(1, 2)).tolist() == [1, 0]
    assert "39 masks for the 40 frames of" in clips.index.unreadable["train/clip"]


def test_a_missing_mask_is_missing_and_named(tmp_path):
    root = voc(tmp_path)
    os.remove(root / "VOCdevkit/VOC2012/SegmentationClass/2007_000002.png")
    clips = loaded("voc", root)
    assert [s.id for s in clips.train] == ["2007_000000"]
    assert clips.dataset.missing == ("the mask of 2007_000002 as a whole",)
    with pytest.raises(DataError, match=r"1 of 3 .*missing .*2007_000002"):
        load_dataset("voc", root, 1, "error")


def test_a_frame_without_a_mask_is_named(tmp_path):
    root = davis(tmp_path)
    os.remove(root / "Annotations/480p/camel/00001.png")
    with pytest.raises(DataError, match=r"the mask of camel, frame 00001.jpg"):
        load_dataset("davis", root, 1, "error")


def test_a_mask_of_another_size_and_a_broken_one_are_named_and_the_others_stay(tmp_path):
    root = image_set(tmp_path, count=4)
    small, broken = (root / f"train/masks/near/picture{number}.png" for number in (1, 2))
    mask(small, regions(30, 40))
    broken.write_bytes(broken.read_bytes()[:60])
    clips = loaded("image_masks", root)
    bad = clips.index.unreadable
    assert set(bad) == {"train/near/picture1", "train/near/picture2"}
    assert bad["train/near/picture1"].startswith(f"{small}: the mask has 30 x 40 pixels, and ")
    assert "has 61 x 85" in bad["train/near/picture1"]
    assert bad["train/near/picture2"].startswith(f"{broken}: cannot be read as a mask")


@pytest.mark.parametrize(("source", "make_set", "where", "value", "classes"), [
    ("image_masks", image_set, "test/masks/near/picture1.png", 4, 4),
    ("video_masks", video_set, "train/masks/video1/00003.png", 254, 4),
    ("voc", voc, "VOCdevkit/VOC2012/SegmentationClass/2007_000003.png", 21, 21),
    ("cityscapes", cityscapes, "gtFine/val/bonn/bonn_000003_000001_gtFine_labelIds.png", 40, 19),
])  # fmt: skip
def test_a_class_id_out_of_range_stops_and_is_named(source, make_set, where, value, classes, tmp_path):
    root = make_set(tmp_path)
    values = np.asarray(Image.open(root / where)).copy()
    values[5, 5] = value
    mask(root / where, values)
    name = Path(where).parent.name if source == "video_masks" else Path(where).stem.removesuffix("_gtFine_labelIds")
    with pytest.raises(DataError, match=rf"1 sample .*\({value} in .*{name}\)"):
        loaded(source, root)
    with pytest.raises(DataError, match=f"{classes} classes, 0 to {classes - 1}"):
        prepare(source, root, workers=1)


def test_a_list_never_leads_out_of_the_data_set(tmp_path):
    root = voc(make(tmp_path / "set"))
    lists = root / "VOCdevkit/VOC2012/ImageSets/Segmentation"
    for name in ("../../secret", "/etc/passwd"):
        text(lists / "val.txt", name)
        with pytest.raises(DataError, match=r"val.txt, line 1: .*<file>"):
            load_dataset("voc", root, 1, "drop")
    outside = mask(tmp_path / "outside.png", regions(50, 60))
    linked = davis(make(tmp_path / "davis")) / "Annotations/480p/swan/00001.png"
    linked.unlink()
    linked.symlink_to(outside)
    with pytest.raises(DataError, match=r"val.txt, line 1: .*swan/00001.png .*link"):
        load_dataset("davis", tmp_path / "davis", 1, "drop")


@pytest.mark.parametrize(("source", "said"), [
    ("image_masks", "classes.txt is not there"),
    ("voc", "JPEGImages/ is not in it"),
    ("cityscapes", "leftImg8bit/ is not in it"),
    ("davis", "JPEGImages/ is not in it"),
])  # fmt: skip
def test_a_folder_that_is_something_else_is_one_sentence(source, said, tmp_path):
    with pytest.raises(DataError, match=said):
        load_dataset(source, tmp_path, 1, "drop")
    with pytest.raises(DataError, match=r"data.split=2: .* has one split"):
        load_dataset(source, tmp_path, 2, "drop")


def test_masks_are_not_translated_between_data_sets(tmp_path):
    one, other = (load_dataset("image_masks", image_set(make(tmp_path / name)), 1, "drop") for name in "ab")
    assert evaluated_on(one, load_dataset("image_masks", image_set(other.root), 1, "drop", train=False)).test
    text(tmp_path / "b/classes.txt", "roof", "sky", "grass", "wall")
    with pytest.raises(DataError, match="masks are not translated"):
        evaluated_on(one, load_dataset("image_masks", other.root, 1, "drop"))


def test_prepare_counts_masks_and_training_decodes_nothing(tmp_path, monkeypatch):
    root = davis(tmp_path)
    (root / "Annotations/480p/swan/00002.png").write_bytes(b"no mask")
    target = prepare("davis", root, workers=1)
    known = manifest.load(target)
    assert len(known) == 6
    assert all(manifest.hashes(target).values())
    problems = pd.read_csv(root / PROBLEMS)
    assert problems[["id", "problem"]].to_numpy().tolist() == [["swan", "broken"]]
    before = target.read_bytes()
    prepare("davis", root, workers=1)
    assert target.read_bytes() == before
    monkeypatch.setattr("vidsparse.data.indexing.index._inspect", lambda *_: pytest.fail("a file was decoded"))
    assert set(loaded("davis", root).index.unreadable) == {"swan"}


def test_a_frame_that_changes_is_counted_again_and_the_fingerprint_knows_masks(tmp_path):
    root = video_set(tmp_path)
    before = loaded("video_masks", root).fingerprint
    assert loaded("video_masks", root).fingerprint == before
    save(root / "test", "video0/00004", np.zeros((61, 83), np.uint8))
    assert loaded("video_masks", root).fingerprint != before
    save(root / "test", "video0/00004", regions(40, 50))
    assert "frames of 2 sizes" in loaded("video_masks", root).index.unreadable["test/video0"]


def test_a_table_from_before_there_were_masks_is_still_read(tmp_path):
    path = picture(tmp_path / "x.png", regions(20, 30))
    target = tmp_path / "table.parquet"
    manifest.save({manifest.stamp(path): (still(20, 30, "pillow"),)}, target)
    pq.write_table(pq.read_table(target).drop_columns("top"), target)
    assert manifest.load(target) == {manifest.stamp(path): [still(20, 30, "pillow")]}
