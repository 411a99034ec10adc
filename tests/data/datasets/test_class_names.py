"""One class, one name: folders that differ in their writing, leftovers, numbers that are no classes."""

import unicodedata

import av
import numpy as np
import pytest
from PIL import Image

from vidsparse.classes.spaces import listed
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_corrupted
from vidsparse.data.datasets.class_names import joined_names
from vidsparse.data.datasets.sources import load_dataset
from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import DataError

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
LEFT = ("train/@eaDir/x.mp4", "train/__MACOSX/run/._a.mp4", "train/run/Thumbs.db", "train/run/@eaDir/a.mp4/thumb.jpg",
        "train/.DS_Store", "train/lost+found/x.avi", "train/$RECYCLE.BIN/x.mp4", "train/run/._a.mp4",
        "test/.ipynb_checkpoints/a.jpg", "test/run/desktop.ini")  # fmt: skip


@pytest.mark.parametrize(("trained", "tested"), [("Jump", "jump"), (NFC, NFD), ("Baby Crawling", "baby_crawling")])
def test_folders_of_one_class_in_two_writings_are_one_class_and_that_is_said(make_tree, trained, tested):
    data = load_dataset(
        "folder", make_tree(f"train/{trained}/a.mp4", "train/run/b.mp4", f"test/{tested}/c.mp4"), 1, "error"
    )
    assert data.classes == (trained, "run")
    assert [(s.id, data.classes[s.label]) for s in data.test] == [(f"test/{tested}/c", trained)]
    assert data.notes == (f"test and training classes whose names differ, joined: {tested} is {trained}",)
    assert data.untrained == ()


def test_folders_that_could_be_two_classes_or_one_are_refused(make_tree):
    with pytest.raises(DataError, match="jump of the test part is like Jump"):
        load_dataset("folder", make_tree("train/Jump/a.mp4", "test/Jump/b.mp4", "test/jump/c.mp4"), 1, "error")
    assert joined_names(["A", "a"], ["a", "A"], "") == {"a": "a", "A": "A"}  # exact names are beyond doubt
    with pytest.raises(DataError, match="Unicode form"):
        joined_names([NFC, NFD], [], "")


def test_a_test_class_that_nobody_trained_is_named(make_tree):
    data = load_dataset("folder", make_tree("train/run/a.mp4", "test/run/b.mp4", "test/sit/c.mp4"), 1, "error")
    assert data.untrained == ("sit",)


def test_leftovers_are_neither_clips_nor_classes_and_other_kinds_are_counted_by_suffix(make_tree):
    root = make_tree(*LEFT, "train/run/a.mp4", "train/run/b.GIF", "train/run/c.m2ts", "train/run/d.y4m",
                     "train/run/e.part", "train/run/f.PART", "train/run/g.heic", "train/run/notes.txt",
                     "test/run/h.vob")  # fmt: skip
    data = load_dataset("folder", root, 1, "error")
    assert data.classes == ("run",)
    assert [s.id[-1] for s in (*data.train, *data.test)] == list("abcdh")
    assert data.notes == ("3 files with suffixes that no decoder here is known for, not read: 2 .part, 1 .heic",)


CSV = "label,youtube_id,time_start,time_end\n{}\n"


def test_a_picture_of_the_same_name_is_not_read_in_place_of_a_video(make_tree):
    text = {"train.csv": CSV.format("run,abc,0,10"), "val.csv": CSV.format("run,xyz,0,10")}
    data = load_dataset(
        "kinetics", make_tree("v/abc.mp4", "v/abc.webp", "v/xyz.jpg", "v/xyz.webm", text=text), 1, "drop"
    )
    assert [s.path.name for s in (*data.train, *data.test)] == ["abc.mp4", "xyz.webm"]
    only = load_dataset("kinetics", make_tree("v/abc.mp4", "v/xyz.jpg", text=text), 1, "drop", test=False)
    assert [s.path.name for s in only.train] == ["abc.mp4"]


def test_a_name_that_fits_two_videos_is_refused(make_tree):
    text = {"train.csv": CSV.format("run,abc,0,10"), "val.csv": CSV.format("Run,xyz,0,10")}
    with pytest.raises(DataError, match=r"train.csv, line 2: 'abc' .*\(v/abc.mkv, v/abc.mp4\)"):
        load_dataset("kinetics", make_tree("v/abc.mp4", "v/abc.mkv", "v/xyz.mp4", text=text), 1, "drop")


def test_labels_of_lists_that_differ_in_case_are_one_class(make_tree):
    text = {"train.csv": CSV.format("run,abc,0,10"), "val.csv": CSV.format("Run,xyz,0,10")}
    data = load_dataset("kinetics", make_tree("v/abc.mp4", "v/xyz.mp4", text=text), 1, "error")
    assert (data.classes, data.test[0].label) == (("run",), 0)


def test_a_list_of_classes_with_one_twice_is_refused_with_its_lines(make_tree):
    text = {"wnids.txt": "n02\nn01\nn02\n", "val/val_annotations.txt": ""}
    with pytest.raises(DataError, match=r"wnids.txt: n02 \(lines 1, 3\)"):
        load_dataset("tiny_imagenet", make_tree("train/n01/images/a.JPEG", text=text), 1, "drop")


@pytest.mark.parametrize("numbers", [(1, 2), (0, 1), (1, 1)])
def test_numbers_of_which_nobody_knows_where_they_begin_are_refused(make_tree, numbers):
    files = [f"train/n{i}/a.JPEG" for i in range(4)]
    text = {"val.txt": "".join(f"V_{i}.JPEG {number}\n" for i, number in enumerate(numbers))}
    with pytest.raises(DataError, match=r"val.txt: .*synset"):
        load_dataset("imagenet", make_tree(*files, "val/V_0.JPEG", "val/V_1.JPEG", text=text), 1, "drop")


def picture_tree(root, classes, side):
    """A corrupted set of one picture a class."""
    for name in classes:
        folder = root / "fog" / "1" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(folder / "a.JPEG")
    return root


def corrupted(root, tmp_path):
    return load_corrupted(DataConfig("corrupted", str(root), frames=1), root, tmp_path / "index")


@pytest.mark.parametrize("where", ["none", "beside"])
def test_a_tiny_imagenet_c_tree_numbers_its_classes_as_tiny_imagenet_does(tmp_path, where):
    some = listed("tiny_imagenet")[:4]
    assert some != tuple(sorted(some))
    root = picture_tree(tmp_path / "Tiny-ImageNet-C", some, 64 if where == "none" else 32)
    if where == "beside":
        (tmp_path / "wnids.txt").write_text("\n".join(some))
    clips = corrupted(root, tmp_path)
    assert clips.dataset.classes == some
    assert [(s.id.split("/")[0], s.label) for s in clips.test] == [(name, i) for i, name in enumerate(some)]


def test_leftovers_in_a_published_tree_are_no_corruptions_and_no_classes(tmp_path):
    root = picture_tree(tmp_path / "set", ("a", "b"), 48)
    picture_tree(root / "__MACOSX", ("a",), 48)
    (root / "fog" / "1" / "@eaDir").mkdir()
    clips = corrupted(root, tmp_path)
    assert clips.dataset.classes == ("a", "b")
    assert [cell.corruption for cell in clips.stored.cells] == ["fog"]


@pytest.mark.parametrize(
    ("folder", "labels", "side", "classes"),
    [
        ("CIFAR-10-C", range(10), 32, "cifar10"),
        ("CIFAR-100-C", range(100), 32, "cifar100"),
        ("CIFAR-100-C", range(5), 32, "cifar100"),
        ("CIFAR-10-C", range(1, 11), 32, None),
        ("CIFAR-10-C", range(1, 10), 32, None),
        ("STL10-C", range(10), 96, None),
        ("CIFAR-100-C", range(101), 32, None),
    ],
)
def test_numbers_in_arrays_are_the_published_classes_or_refused(tmp_path, folder, labels, side, classes):
    root = tmp_path / folder
    root.mkdir()
    np.save(root / "labels.npy", np.tile(np.array(labels), 5))
    np.save(root / "fog.npy", np.zeros((5 * len(labels), side, side, 3), np.uint8))
    (root / "._fog.npy").write_bytes(b"\0\5\x16\7")
    if classes is None:
        with pytest.raises(DataError, match=r"labels.npy: numbers from .*classes.txt"):
            corrupted(root, tmp_path)
        (root / "classes.txt").write_text("\n".join(f"class {i}" for i in range(102)))
        assert corrupted(root, tmp_path).dataset.classes[5] == "class 5"
    else:
        assert corrupted(root, tmp_path).dataset.classes == listed(classes)


def test_orders_are_the_published_ones(shared):
    ucf = (shared("ucf101") / "ucfTrainTestlist" / "classInd.txt").read_text().split()
    assert listed("ucf101") == tuple(ucf[1::2])
    split_files = shared("hmdb51").glob("splits/*_test_split1.txt")
    assert listed("hmdb51") == tuple(sorted(path.name.removesuffix("_test_split1.txt") for path in split_files))
    cut = (shared("tiny-imagenet-200") / "wnids.txt").read_text().split()
    assert [name for name in listed("tiny_imagenet") if name in cut] == cut != sorted(cut)


@pytest.mark.parametrize(
    ("suffix", "muxer", "codec", "pixels"),
    [
        ("gif", "gif", "gif", "rgb8"),
        ("m2ts", "mpegts", "mpeg2video", "yuv420p"),
        ("MTS", "mpegts", "mpeg2video", "yuv420p"),
        ("ogv", "ogg", "libvpx", "yuv420p"),
        ("vob", "vob", "mpeg2video", "yuv420p"),
        ("y4m", "yuv4mpegpipe", "rawvideo", "yuv420p"),
        ("mxf", "mxf", "mpeg2video", "yuv420p"),
        ("asf", "asf", "wmv2", "yuv420p"),
        ("rm", "rm", "rv10", "yuv420p"),
        ("qt", "mov", "mpeg4", "yuv420p"),
    ],
)
def test_files_of_less_common_suffixes_are_clips_with_all_their_frames(tmp_path, suffix, muxer, codec, pixels):
    (tmp_path / "Class").mkdir()
    with av.open(str(tmp_path / "Class" / f"a.{suffix}"), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 176, 144, pixels
        for level in range(6):
            grey = av.VideoFrame.from_ndarray(np.full((144, 176, 3), 40 * level, np.uint8), "rgb24")
            for packet in stream.encode(grey.reformat(format=pixels)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    (sample,) = load_dataset("class_folders", tmp_path, 1, "error").test
    info = inspect(sample.path)
    assert (info.n_frames, info.damage, info.error) == (6, "", "")
    means = VideoReader(sample.path, None, info).read(range(6)).mean(axis=(1, 2, 3))
    assert means == pytest.approx([0, 40, 80, 120, 160, 200], abs=20)
