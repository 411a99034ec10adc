"""Video data sets from lists as they are published; a list never leads out of the data set."""

import json
import os
import re
from collections import Counter

import pytest

from vidsparse.data.datasets.lists import walk
from vidsparse.data.datasets.sources import Sample, load_dataset, mirrored
from vidsparse.utils.errors import DataError

HMDB = "testTrainMulti_7030_splits"
BRUSH = "#20_Rhythm_(a[b];c&d!)_brush_hair_u_nm_np1_fr_goo"


def hmdb(make_tree, **lists):
    text = {
        f"{HMDB}/brush_hair_test_split1.txt": f"{BRUSH}_0.avi 1 \r\n{BRUSH}_1.avi 0 \r\n"
        "Old_brush_hair_f_cm_0.avi 2 \r\n",
        f"{HMDB}/smile_test_split1.txt": "A_smile_h_0.avi 1 \nB_smile_h_0.avi 2 \n",
    }
    files = [f"brush_hair/{BRUSH}_{i}.avi" for i in (0, 1)]
    files += ["brush_hair/Old_brush_hair_f_cm_0.avi", "smile/A_smile_h_0.avi", "smile/B_smile_h_0.avi"]
    return make_tree(*files, text={**text, **{f"{HMDB}/{name}": content for name, content in lists.items()}})


def test_hmdb51_codes_and_names_with_brackets(make_tree):
    root = hmdb(make_tree)
    data = load_dataset("hmdb51", root, 1, "error")
    assert data.classes == ("brush_hair", "smile")
    first = root / "brush_hair" / f"{BRUSH}_0.avi"
    group = f"brush_hair/{BRUSH.split('_brush')[0]}"
    assert data.train[0] == Sample(f"brush_hair/{BRUSH}_0", first, 0, group)
    assert [sample.id for sample in data.train[1:]] == ["smile/A_smile_h_0"]
    assert [sample.id for sample in data.test] == ["brush_hair/Old_brush_hair_f_cm_0", "smile/B_smile_h_0"]
    assert f"brush_hair/{BRUSH}_1" not in {s.id for s in (*data.train, *data.test)}  # code 0: not of this split


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("../../etc/passwd 1", "'brush_hair/../../etc/passwd' is not a path"),
        ("/etc/passwd 1", "'/etc/passwd' is not the name of a file"),
        ("..\\..\\boot.avi 1", "is not a path"),
        ("a/b.avi 1", "'a/b.avi' is not the name of a file"),
        ("clip.avi 3", "'clip.avi 3' is not a name and 0, 1 or 2"),
        ("clip.avi", "'clip.avi' is not a name and 0, 1 or 2"),
    ],
)
def test_hmdb51_lists_that_cannot_be_right(make_tree, line, message):
    root = hmdb(make_tree, **{"brush_hair_test_split1.txt": f"{line}\r\n"})
    with pytest.raises(DataError, match=re.escape(message)) as raised:
        load_dataset("hmdb51", root, 1, "drop")
    assert "brush_hair_test_split1.txt, line 1" in str(raised.value)


@pytest.mark.slow
def test_hmdb51_from_the_official_lists(shared, tmp_path):
    """All 6,766 clips of the three splits, in a tree of empty files with the published names."""
    splits = shared("hmdb51/splits")
    names = {}
    for path in sorted(splits.glob("*_split1.txt")):
        folder = path.name.removesuffix("_test_split1.txt")
        (tmp_path / folder).mkdir()
        for line in path.read_text().splitlines():
            names[folder, line.split()[0]] = line.split()[1]
            (tmp_path / folder / line.split()[0]).touch()
    os.symlink(splits.resolve(), tmp_path / HMDB)
    assert len(names) == 6766
    for split in (1, 2, 3):
        data = load_dataset("hmdb51", tmp_path, split, "error")
        assert (len(data.classes), len(data.train), len(data.test)) == (51, 3570, 1530)
        assert set(Counter(sample.label for sample in data.train).values()) == {70}
        assert set(Counter(sample.label for sample in data.test).values()) == {30}
        for sample in (*data.train, *data.test):
            assert sample.path.is_file()
            assert sample.id == f"{data.classes[sample.label]}/{sample.path.stem}"


KINETICS = "label,youtube_id,time_start,time_end,split\n"


def test_kinetics_lists(make_tree):
    root = make_tree(
        "train/abseiling/-3B32lodo2M_000059_000069.mp4",
        "val/zumba/ZZ9Qx_000001_000011.mkv",
        text={
            "train.csv": KINETICS + 'abseiling,-3B32lodo2M,59,69,train\n"air, drumming",gone,0,10,train\n',
            "annotations/val.csv": KINETICS + "zumba,ZZ9Qx,1,11,val\n",
        },
    )
    data = load_dataset("kinetics", root, 1, "drop")
    assert data.classes == ("abseiling", "air, drumming", "zumba")
    assert [(s.id, s.label) for s in data.train] == [("abseiling/-3B32lodo2M_000059_000069", 0)]
    assert data.missing == ("air, drumming/gone_000000_000010",)
    assert data.test[0].path == root / "val/zumba/ZZ9Qx_000001_000011.mkv"


def test_lists_of_paths_and_labels(make_tree):
    lists = {"train.csv": "path,label\nany/where/a.mp4,run\n", "test.csv": "path,label\nb.webm,sit\n"}
    data = load_dataset("kinetics", make_tree("any/where/a.mp4", "b.webm", text=lists), 1, "error")
    assert [(s.id, s.label) for s in (*data.train, *data.test)] == [("any/where/a", 0), ("b", 1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\n../../etc/passwd,run\n", r"train\.csv, line 2: '../../etc/passwd' is not a path"),
        (KINETICS + "run,../../x,0,1,train\n", r"train\.csv, line 2: '../../x' is not a path"),
        (
            "a.mp4 0\n",
            "its first line must name the columns label, time_end, time_start, youtube_id, or label and path",
        ),
        (KINETICS + "run,abc\n", r"train\.csv, line 2: a column is missing"),
        (KINETICS + "run,a,b,9,train\n", r"train\.csv, line 2: 'b' is no time in seconds"),
        (KINETICS + "run,a,,,train\n", r"train\.csv, line 2: '' is no time in seconds"),
        (KINETICS + "run,a,0,inf,train\n", r"train\.csv, line 2: 'inf' is no time in seconds"),
        (KINETICS + "run,a,0,1,train\n,b,0,1,train\n", r"train\.csv, line 3: its label is empty"),
        (KINETICS + f'run,a,0,1,"{"x" * 140_000}', r"train\.csv, line \d: not CSV"),
        ("", "its first line must name"),
    ],
)
def test_kinetics_lists_that_cannot_be_right(make_tree, content, message):
    root = make_tree(text={"train.csv": content, "val.csv": "path,label\nb.mp4,run\n"})
    with pytest.raises(DataError, match=message):
        load_dataset("kinetics", root, 1, "drop")


def test_kinetics_lists_as_spreadsheets_save_them(make_tree):
    """A byte-order mark, quotes inside quotes, blanks around cells, and line ends within a cell are part of CSV."""
    rows = KINETICS + '"a, ""b""",v1,0,10,train\n run ,v2 ,0,10,train\n"two\nlines",v3,0,10,train\n'
    for end in ("\n", "\r\n", "\r"):
        lists = {"train.csv": "\ufeff" + rows.replace("\n", end), "val.csv": KINETICS + "run,v4,0,10,val\n"}
        root = make_tree(*(f"v{i}.mp4" for i in range(1, 5)))
        for name, text in lists.items():
            (root / name).write_text(text, encoding="utf-8", newline="")
        data = load_dataset("kinetics", root, 1, "error")
        assert data.classes == ('a, "b"', "run", "two\nlines")
        assert [s.label for s in data.train] == [0, 1, 2]


@pytest.mark.parametrize("source", ["ucf101", "hmdb51"])
def test_a_clip_that_is_listed_twice_is_refused(make_tree, source):
    """Above all one that is listed for training and for test."""
    lists = {
        "ucfTrainTestlist/classInd.txt": "1 Punch\n",
        "ucfTrainTestlist/trainlist01.txt": "Punch/a.avi 1\nPunch/b.avi 1\n",
        "ucfTrainTestlist/testlist01.txt": "Punch/a.avi\n",
        f"{HMDB}/Punch_test_split1.txt": "a.avi 1\nb.avi 1\na.avi 2\n",
    }
    root = make_tree("videos/Punch/a.avi", "videos/Punch/b.avi", text=lists)
    with pytest.raises(DataError, match=r"\(Punch/a\)"):
        load_dataset(source, root, 1, "drop")


def test_a_folder_with_the_name_of_a_clip_is_no_clip(make_tree):
    root = hmdb(make_tree)
    (root / "smile" / "A_smile_h_0.avi").unlink()
    (root / "smile" / "A_smile_h_0.avi").mkdir()
    assert load_dataset("hmdb51", root, 1, "drop").missing == ("smile/A_smile_h_0",)


def test_a_link_that_leads_out_of_the_data_set_is_refused(make_tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.mp4").touch()
    root = make_tree("in.mp4", text={"train.csv": "path,label\nout.mp4,x\n", "val.csv": "path,label\nin.mp4,x\n"})
    (root / "out.mp4").symlink_to(outside / "secret.mp4")
    with pytest.raises(DataError, match=r"train\.csv, line 2: .*out\.mp4 .*link"):
        load_dataset("kinetics", root, 1, "drop")
    (root / "out.mp4").unlink()
    (root / "folder").symlink_to(outside)
    (root / "train.csv").write_text("path,label\nfolder/secret.mp4,x\n")
    with pytest.raises(DataError, match="is a link that leads out of"):
        load_dataset("kinetics", root, 1, "drop")


def test_links_that_lead_back_are_followed_once(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").touch()
        (tmp_path / name / "other").symlink_to(tmp_path / other)
    (tmp_path / "a" / "whole").symlink_to(tmp_path)
    found = [path for path, _ in walk(tmp_path)]
    assert found == ["a/clip.mp4", "a/other/clip.mp4", "b/clip.mp4", "b/other/clip.mp4"]


def test_a_whole_data_set_behind_a_link_is_fine(make_tree, tmp_path_factory):
    root = make_tree("a.mp4", text={"train.csv": "path,label\na.mp4,x\n", "val.csv": "path,label\na.mp4,x\n"})
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(root)
    with pytest.raises(DataError, match="differ only in their suffix"):
        load_dataset("kinetics", link, 1, "error")
    (root / "b.mp4").touch()
    (root / "val.csv").write_text("path,label\nb.mp4,x\n")
    assert load_dataset("kinetics", link, 1, "error").train[0].path == link / "a.mp4"


def test_something_something(make_tree):
    templates = [
        "Pulling [something] from left to right",
        "Pulling [something] from right to left",
        "Holding [something]",
    ]
    names = [re.sub(r"[\[\]]", "", template) for template in templates]

    def entries(*numbers):
        return json.dumps([{"id": str(n), "template": templates[n % 3], "placeholders": ["x"]} for n in numbers])

    root = make_tree(
        *(f"20bn-something-something-v2/{n}.webm" for n in (3, 4, 5, 8)),
        text={
            "labels/something-something-v2-labels.json": json.dumps({name: str(i) for i, name in enumerate(names)}),
            "labels/something-something-v2-train.json": entries(3, 4, 5),
            "labels/something-something-v2-validation.json": entries(8, 11),
        },
    )
    data = load_dataset("ssv2", root, 1, "drop")
    assert data.classes == tuple(names)
    assert [(s.id, s.label) for s in data.train] == [("3", 0), ("4", 1), ("5", 2)]
    assert [(s.id, s.label) for s in data.test] == [("8", 2)]
    assert data.missing == ("11",)
    assert mirrored(data.classes) == {0, 1}


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ('[{"id": "../../etc/passwd", "template": "Holding [something]"}]', "is not a path <file> inside"),
        ('[{"id": "1", "template": "Eating"}]', r"train\.json, entry 1: its template is none of"),
        ('[{"id": "1"}]', "entry 1: a clip has an id and a template"),
        ("{}", "a JSON list is expected"),
        ("[", "not JSON"),
    ],
)
def test_something_something_lists_that_cannot_be_right(make_tree, train, message):
    labels = {"labels.json": '{"Holding something": "0"}', "validation.json": "[]"}
    with pytest.raises(DataError, match=message):
        load_dataset("ssv2", make_tree(text={**labels, "train.json": train}), 1, "drop")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ('{"Holding something": "first"}', r"labels\.json: 'first' is not the number of a class"),
        ('{"Holding something": null}', r"labels\.json: None is not the number of a class"),
        ('{"Holding something": "0", "Eating": 0}', r"labels\.json: two classes have one number"),
    ],
)
def test_something_something_classes_that_cannot_be_right(make_tree, labels, message):
    lists = {"labels.json": labels, "train.json": "[]", "validation.json": "[]"}
    with pytest.raises(DataError, match=message):
        load_dataset("ssv2", make_tree(text=lists), 1, "drop")


def test_a_folder_without_labels(make_tree):
    root = make_tree("a/x.mp4", "b.JPG", "notes.txt", ".hidden.mp4", text={"classes.txt": "cat\ndog\n"})
    data = load_dataset("unlabelled", root, 1, "error")
    assert [(s.id, s.label, s.reader) for s in data.test] == [("a/x", -1, "video"), ("b", -1, "image")]
    assert data.classes == ("cat", "dog")
    assert data.train == ()


def test_walking_finds_videos_and_images_at_any_depth(make_tree):
    root = make_tree("z.mp4", "a/b/c/d.WebM", "a/e.jpeg", "a/.cache/f.jpg", "a/g.txt")
    found = [("a/b/c/d.WebM", "video"), ("a/e.jpeg", "image"), ("z.mp4", "video")]
    assert walk(root) == found
    (root / "a" / "again").symlink_to("..")  # round and round
    assert walk(root) == found
    (root / "beside").symlink_to("a/b/c")
    assert walk(root) == [*found[:2], ("beside/d.WebM", "video"), found[2]]
