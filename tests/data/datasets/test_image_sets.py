"""Image data sets in the layouts in which they are published."""

import pytest

from vidsparse.data.datasets.sources import load_dataset
from vidsparse.utils.errors import DataError


def test_tiny_imagenet(make_tree):
    root = make_tree(
        *(f"train/n02/images/n02_{i}.JPEG" for i in range(3)),
        "train/n01/images/n01_0.JPEG",
        *(f"val/images/val_{i}.JPEG" for i in range(2)),
        text={
            "wnids.txt": "n02\nn01\n",
            "val/val_annotations.txt": "val_0.JPEG\tn01\t0\t0\t9\t9\nval_1.JPEG n02 0 0 9 9\nval_2.JPEG n02 1 2 3 4\n",
        },
    )
    data = load_dataset("tiny_imagenet", root, 1, "drop")
    assert data.classes == ("n02", "n01")  # in the order of the official list
    assert [s.id for s in data.train][:1] == ["train/n02/images/n02_0"]
    assert [(s.id, s.label) for s in data.test] == [("val/images/val_0", 1), ("val/images/val_1", 0)]
    assert data.missing == ("val/images/val_2",)
    assert {s.reader for s in (*data.train, *data.test)} == {"image"}


def test_a_tiny_imagenet_image_without_a_class(make_tree):
    text = {"wnids.txt": "n01\n", "val/val_annotations.txt": "val_0.JPEG\n"}
    with pytest.raises(DataError, match=r"val_annotations\.txt, line 1: '' is none of"):
        load_dataset("tiny_imagenet", make_tree("train/n01/images/a.JPEG", text=text), 1, "drop")


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd"])
def test_tiny_imagenet_lists_stay_inside(make_tree, name):
    text = {"wnids.txt": "n01\n", "val/val_annotations.txt": f"{name}\tn01\t0\t0\t9\t9\n"}
    with pytest.raises(DataError, match=r"val_annotations\.txt, line 1.*inside the data set"):
        load_dataset("tiny_imagenet", make_tree("train/n01/images/a.JPEG", text=text), 1, "drop")


def test_the_real_cut_of_tiny_imagenet(shared):
    data = load_dataset("tiny_imagenet", shared("tiny-imagenet-200"), 1, "error")
    assert (len(data.classes), len(data.train), len(data.test)) == (20, 2000, 1000)
    assert all(s.path.parent.parent.name == data.classes[s.label] for s in data.train)


def test_imagenet_in_folders(make_tree):
    data = load_dataset("imagenet", make_tree("train/n2/a.JPEG", "train/n1/b.JPEG", "val/n2/c.JPEG"), 1, "error")
    assert data.classes == ("n1", "n2")
    assert [(s.id, s.label) for s in data.test] == [("val/n2/c", 1)]


@pytest.mark.parametrize(
    "lists",
    [
        {"val.txt": "V_1.JPEG 1\nV_2.JPEG 0\n"},
        {"val.txt": "V_1.JPEG n2\nV_2.JPEG n1\n"},
        {"LOC_val_solution.csv": "ImageId,PredictionString\nV_1,n2 1 2 3 4\nV_2,n1 1 2 3 4 n1 5 6 7 8\n"},
    ],
)
def test_imagenet_with_a_list_of_validation_images(make_tree, lists):
    prefix = "ILSVRC/Data/CLS-LOC/" if "LOC_val_solution.csv" in lists else ""
    root = make_tree(
        *(prefix + f for f in ("train/n1/b.JPEG", "train/n2/a.JPEG", "val/V_1.JPEG", "val/V_2.JPEG")), text=lists
    )
    data = load_dataset("imagenet", root, 1, "error")
    assert [(s.id, s.label) for s in data.test] == [("val/V_1", 1), ("val/V_2", 0)]
    assert all(s.path.is_file() for s in data.test)


def test_the_validation_set_of_imagenet_alone(make_tree):
    root = make_tree(
        "val/V_1.JPEG", text={"val.txt": "V_1.JPEG n02\n", "synset_words.txt": "n02 tench, fish\nn01 dog\n"}
    )
    with pytest.raises(DataError, match="none of the training samples"):
        load_dataset("imagenet", root, 1, "drop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({}, "a list val.txt or LOC_val_solution.csv must say"),
        ({"val.txt": "V_1.JPEG 2\n"}, "line 1: '2' is no synset"),
        ({"val.txt": "V_1.JPEG\n"}, "line 1: '' is no synset"),
        ({"val.txt": "../../etc/passwd 0\n"}, "inside the data set"),
        ({"LOC_val_solution.csv": "id,class\nV_1,n1\n"}, "its first line must name the columns ImageId and Pred"),
        ({"LOC_val_solution.csv": "ImageId,PredictionString\nV_1,\n"}, "line 2: '' is no synset"),
        ({"LOC_val_solution.csv": "ImageId,PredictionString\nV_1\n"}, "line 2: '' is no synset"),
    ],
)
def test_imagenet_lists_that_cannot_be_right(make_tree, text, message):
    with pytest.raises(DataError, match=message):
        load_dataset("imagenet", make_tree("train/n1/b.JPEG", "val/V_1.JPEG", text=text), 1, "drop")


@pytest.mark.parametrize("name", ["../other", "a/b", "..", "n" * 300])
def test_imagenet_synsets_are_names_of_folders(make_tree, name):
    """Such a name reached out of the data set, or ended in a traceback of the file system."""
    text = {"val.txt": "V_1.JPEG 0\n", "synsets.txt": f"{name}\nn1\n"}
    with pytest.raises(DataError, match="name of a class folder"):
        load_dataset("imagenet", make_tree("val/V_1.JPEG", text=text), 1, "drop")


def test_class_folders_are_all_for_testing(make_tree):
    root = make_tree("n1/0.001.jpg", "n2/deep/b.png", "README.txt")
    data = load_dataset("class_folders", root, 1, "error")
    assert data.classes == ("n1", "n2")
    assert data.train == ()
    assert [(s.id, s.label) for s in data.test] == [("n1/0.001", 0), ("n2/deep/b", 1)]
