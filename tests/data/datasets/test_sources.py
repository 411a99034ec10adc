import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.data.datasets.sources import (
    ABSENT,
    Dataset,
    Sample,
    evaluated_on,
    load_dataset,
    part_of,
    split_validation,
)
from vidsparse.data.datasets.video_sets import load_ucf101
from vidsparse.utils.errors import DataError

LISTS = {
    "ucfTrainTestlist/classInd.txt": "1 HandstandPushups\r\n2 YoYo\r\n3 Punch\r\n",
    "ucfTrainTestlist/trainlist01.txt": (
        "HandstandPushups/v_HandStandPushups_g08_c01.avi 1\r\nYoYo/v_YoYo_g09_c02.avi 2\r\n"
    ),
    "ucfTrainTestlist/testlist01.txt": "HandstandPushups/v_HandStandPushups_g01_c01.avi\r\nYoYo/v_YoYo_g01_c01.avi\r\n",
}
CLIPS = (
    "HandstandPushups/v_HandStandPushups_g08_c01.avi",
    "HandstandPushups/v_HandStandPushups_g01_c01.avi",
    "YoYo/v_YoYo_g09_c02.avi",
    "YoYo/v_YoYo_g01_c01.avi",
)


@pytest.mark.parametrize("folder", ["videos/", "UCF-101/", ""])
def test_ucf101_reads_crlf_lists_one_based_labels_and_every_usual_layout(make_tree, folder):
    root = make_tree(*(folder + clip for clip in CLIPS), text=LISTS)
    data = load_dataset("ucf101", root, 1, "error")
    assert data.classes == ("HandstandPushups", "YoYo", "Punch")
    assert data.missing == ()
    assert data.train == (
        Sample("HandstandPushups/v_HandStandPushups_g08_c01", root / (folder + CLIPS[0]), 0, "HandstandPushups/g08"),
        Sample("YoYo/v_YoYo_g09_c02", root / (folder + CLIPS[2]), 1, "YoYo/g09"),
    )
    assert [sample.label for sample in data.test] == [0, 1]


def test_lists_beside_the_folder_of_clips(make_tree):
    root = make_tree(*(f"UCF-101/{clip}" for clip in CLIPS), text=LISTS) / "UCF-101"
    assert len(load_dataset("ucf101", root, 1, "error").train) == 2


def test_names_match_without_regard_to_case_and_the_id_is_the_lists(make_tree):
    on_disk = ("HandStandPushups/v_HandstandPushups_g08_c01.avi", "HandStandPushups/v_handstandPushups_g01_c01.AVI")
    root = make_tree(*(f"videos/{clip}" for clip in (*on_disk, *CLIPS[2:])), text=LISTS)
    data = load_dataset("ucf101", root, 1, "error")
    assert data.train[0].id == "HandstandPushups/v_HandStandPushups_g08_c01"
    assert [data.train[0].path, data.test[0].path] == [root / "videos" / clip for clip in on_disk]
    assert data.train[0].path.is_file()


def test_missing_clips_are_an_error_that_counts_and_names_them_or_are_dropped(make_tree):
    root = make_tree(
        *(f"videos/{clip}" for clip in CLIPS[:3]),
        "videos/YoYo/v_YoYo_g02_c01.avi",
        text=LISTS | {"ucfTrainTestlist/testlist01.txt": LISTS["ucfTrainTestlist/testlist01.txt"]},
    )
    with pytest.raises(DataError, match=r"1 of 4 .*missing \(YoYo/v_YoYo_g01_c01\)"):
        load_dataset("ucf101", root, 1, "error")
    data = load_dataset("ucf101", root, 1, "drop")
    assert data.missing == ("YoYo/v_YoYo_g01_c01",)
    assert [sample.label for sample in data.test] == [0]
    assert len(data.classes) == 3  # class ids come from the official list, whatever is there


@pytest.mark.parametrize(
    ("text", "split", "message"),
    [
        ({"ucfTrainTestlist/testlist01.txt": "../../etc/passwd\r\n"}, 1, "testlist01.txt, line 1.*inside"),
        ({"ucfTrainTestlist/testlist01.txt": "/etc/passwd\n"}, 1, "'/etc/passwd' is not a path"),
        (
            {"ucfTrainTestlist/trainlist01.txt": "YoYo/v_YoYo_g09_c02.avi 3\r\n"},
            1,
            "list01.txt, line 1: the class",
        ),
        ({"ucfTrainTestlist/testlist01.txt": "Yodel/v_Yodel_g09_c02.avi\r\n"}, 1, "'Yodel/.*' is not that of"),
        ({"ucfTrainTestlist/testlist01.txt": "\r\n"}, 1, "none of the test samples of ucf101, split 1"),
        ({}, 2, r"trainlist02.txt: this list does not exist"),
    ],
)
def test_lists_that_cannot_be_right_are_named(make_tree, text, split, message):
    root = make_tree(*(f"videos/{clip}" for clip in CLIPS), text=LISTS | text)
    with pytest.raises(DataError, match=message):
        load_dataset("ucf101", root, split, "drop")


def test_absent_folder_and_absent_lists(tmp_path: Path):
    with pytest.raises(DataError, match=r"data\.root: .*nowhere"):
        load_dataset("ucf101", tmp_path / "nowhere", 1, "drop")
    with pytest.raises(DataError, match="official lists of UCF101 are not there"):
        load_dataset("ucf101", tmp_path, 1, "drop")


def test_the_official_lists(shared):
    root = shared("ucf101")
    for split, sizes in {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}.items():
        data = load_ucf101(root, split)
        assert len(data.classes) == 101
        assert (data.classes[0], data.classes[100]) == ("ApplyEyeMakeup", "YoYo")
        assert (len(data.train), len(data.test)) == sizes
        assert not {sample.group for sample in data.train} & {sample.group for sample in data.test}
        for sample in (each for each in (*data.train, *data.test) if each.path != ABSENT):
            assert data.classes[sample.label] == sample.path.parent.name
    split_1 = load_dataset("ucf101", root, 1, "drop")
    there = {path.stem for path in root.glob("videos/*/*.avi")}
    listed = [(root / "ucfTrainTestlist" / f"{part}list01.txt").read_text() for part in ("train", "test")]
    here = [sum(name in text for name in there) for text in listed]
    assert [len(split_1.train), len(split_1.test)] == here
    assert here[1] == 48


@pytest.mark.parametrize("test_folder", ["test", "val"])
def test_class_folders(make_tree, test_folder):
    root = make_tree(
        "train/run/a.mp4",
        "train/run/deep/b.MKV",
        "train/jump/c.avi",
        "train/jump/notes.txt",
        f"{test_folder}/run/d.webm",
        f"{test_folder}/sit/e.avi",
    )
    data = load_dataset("folder", root, 1, "error")
    assert data.classes == ("jump", "run", "sit")
    assert [(s.id, s.label) for s in data.train] == [("train/jump/c", 0), ("train/run/a", 1), ("train/run/deep/b", 1)]
    assert [(s.id, s.label) for s in data.test] == [(f"{test_folder}/run/d", 1), (f"{test_folder}/sit/e", 2)]
    assert len({s.group for s in data.train}) == 3


def test_class_folders_group_by_name_where_names_say_so(make_tree):
    root = make_tree("train/run/x_g01_c01.avi", "train/run/x_g01_c02.avi", "train/run/x_g02_c01.avi", "test/run/y.avi")
    assert Counter(s.group for s in load_dataset("folder", root, 1, "error").train) == {"run/g01": 2, "run/g02": 1}


@pytest.mark.parametrize(
    ("files", "split", "message"),
    [
        (["run/a.mp4", "jump/b.mp4"], 1, r"needs train/<Class>/ and test/<Class>/"),
        (["train/run/a.mp4", "train/run/a.avi", "test/run/b.avi"], 1, r"two samples have one name \(train/run/a\)"),
        (["train/run/a.mp4", "test/run/b.txt"], 1, "none of the test samples"),
        (["train/run/a.mp4", "test/run/b.avi"], 2, "data.split=2: a class-folder data set has one split"),
    ],
)
def test_class_folders_that_cannot_be_right(make_tree, files, split, message):
    with pytest.raises(DataError, match=message):
        load_dataset("folder", make_tree(*files), split, "error")


groups = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=60)


@given(groups, st.floats(0.05, 0.9), st.integers(0, 9))
def test_validation_takes_whole_groups_of_every_class_and_leaves_some(clips, fraction, seed):
    samples = [Sample(str(i), Path(str(i)), c, f"class{c}/g{g:02d}") for i, (c, g) in enumerate(clips)]
    train, validation = split_validation(samples, fraction, seed)
    assert sorted((*train, *validation), key=lambda s: int(s.id)) == samples
    assert not {s.group for s in train} & {s.group for s in validation}
    assert {s.label for s in train} == {s.label for s in samples}
    for label in {s.label for s in samples}:
        total, held = (len({s.group for s in part if s.label == label}) for part in (samples, validation))
        assert held == min(total - 1, max(1, round(fraction * total)))
    assert split_validation(samples, fraction, seed) == (train, validation)
    assert split_validation(samples, 0, seed) == (tuple(samples), ())


def test_the_seed_chooses_the_validation_groups():
    samples = [Sample(str(i), Path(str(i)), 0, f"c/g{i:02d}") for i in range(20)]
    assert len({split_validation(samples, 0.2, seed)[1] for seed in range(5)}) > 1


def labelled(name, classes, train=(), test=()):
    """A data set of samples with these labels, numbered through both parts."""
    names = [f"{name}/{i}" for i in range(len(train) + len(test))]
    samples = [Sample(each, Path(each), label, each) for each, label in zip(names, (*train, *test), strict=True)]
    return Dataset(name, Path(name), classes, tuple(samples[: len(train)]), tuple(samples[len(train) :]))


def test_another_set_is_evaluated_on_by_the_names_of_its_classes():
    trained = labelled("ours", ("cat", "dog", "Yo-Yo"), train=(0, 1, 2), test=(0,))
    other = labelled("theirs", ("yo yo", "Zebra", "Cat"), test=(0, 1, 2, 2))
    both = evaluated_on(trained, other)
    assert both.name == "theirs"  # corruptions are drawn for the samples of the other set
    assert both.classes == trained.classes
    assert both.train == trained.train
    assert [(s.id, s.label) for s in both.test] == [("theirs/0", 2), ("theirs/2", 0), ("theirs/3", 0)]
    assert both.foreign == ("Zebra",)


def test_sets_that_cannot_be_evaluated_on():
    trained = labelled("ours", ("cat", "dog"), train=(0, 1))
    with pytest.raises(DataError, match=r"\(ant, bee\) .*\(cat, dog\)"):
        evaluated_on(trained, labelled("theirs", ("ant", "bee"), test=(0,)))
    same = replace(labelled("ours", ("cat", "dog"), test=(0, 1)), test=trained.train)
    with pytest.raises(DataError, match="ours/0, ours/1 is also a training sample"):
        evaluated_on(trained, same)
    renamed = replace(same, test=tuple(replace(sample, id=f"theirs/{i}") for i, sample in enumerate(same.test)))
    with pytest.raises(DataError, match="theirs/0, theirs/1 is also a training sample"):
        evaluated_on(trained, renamed)  # the same files under other names


def test_samples_without_labels_keep_none():
    other = Dataset("x", Path(), (), (), (Sample("a", Path("a"), -1, "a"),))
    assert evaluated_on(labelled("ours", ("cat",), train=(0,)), other).test == other.test


def test_a_part_that_is_not_wanted_need_not_be_there(make_tree):
    root = make_tree("val/n1/a.jpg")
    with pytest.raises(DataError, match="none of the training samples of imagenet"):
        load_dataset("imagenet", root, 1, "error")
    data = load_dataset("imagenet", root, 1, "error", train=False)
    assert (data.train, len(data.test)) == ((), 1)


def test_a_part_has_its_share_of_every_class_grows_with_it_and_keeps_the_order():
    samples = tuple(
        Sample(f"{label}/{n:03d}", Path("x"), label, f"{n}") for label in range(3) for n in range(40 + label)
    )
    tenth, half = part_of(samples, 0.1), part_of(samples, 0.5)
    assert [sum(each.label == label for each in tenth) for label in range(3)] == [4, 4, 4]
    assert set(tenth) < set(half) < set(samples)
    assert list(half) == sorted(half, key=samples.index)
    assert part_of(samples[::-1], 0.1) == tenth[::-1]
    assert len(part_of(samples, 1e-9)) == 3
    assert part_of(samples, 1) == samples


def test_a_name_that_is_no_utf_8_is_refused_by_name(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split / "A").mkdir(parents=True)
        (tmp_path / split / "A" / "fine.mp4").write_text("")
    name = os.path.join(os.fsencode(tmp_path), b"test", b"A", b"caf\xe9.mp4")
    try:
        os.close(os.open(name, os.O_CREAT))
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    with pytest.raises(DataError, match=r"no UTF-8 \('test/A/caf\\udce9'\); rename"):
        load_dataset("folder", tmp_path, 1, "error")
