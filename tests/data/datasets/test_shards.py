"""WebDataset shards whose labels, names and files leave a doubt: said or refused, never taken one way in silence."""

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vidsparse.data.datasets.shards import load_webdataset
from vidsparse.data.datasets.sources import Dataset
from vidsparse.utils.errors import DataError

Files = Sequence[tuple[str, str]]  # name in the shard, and what is in it
Load = Callable[..., Dataset]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A function that writes shards {path: files} and lists, and reads the data set."""
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))

    def write_and_read(shards: dict[str, Files], classes: str = "") -> Dataset:
        for name, files in shards.items():
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(path, "w") as archive:
                for file, text in files:
                    info = tarfile.TarInfo(file)
                    info.size = len(text.encode())
                    archive.addfile(info, io.BytesIO(text.encode()))
        if classes:
            (tmp_path / "set/classes.txt").write_text(classes)
        return load_webdataset(tmp_path / "set", 1)

    return write_and_read


def one(key: str, label: str, clip: str = "x") -> Files:
    return [(f"{key}.png", clip + key), (f"{key}.cls", label)]


def labels(dataset: Dataset) -> dict[str, str]:
    return {sample.id: dataset.classes[sample.label] for sample in (*dataset.train, *dataset.test)}


def test_numbers_are_ascii_digits_and_all_else_is_a_name(load: Load) -> None:
    assert labels(load({"test-0.tar": [*one("a", "²"), *one("b", "٣")]})) == {"test-0/a": "²", "test-0/b": "٣"}


def test_numbers_in_one_shard_and_names_in_another_are_refused(load: Load) -> None:
    with pytest.raises(DataError, match=r"numbers \(1.*names \(run.*classes\.txt"):
        load({"test-0.tar": one("a", "1"), "test-1.tar": one("b", "run")})


def test_numbers_and_names_are_refused_where_a_list_does_not_hold_both(load: Load) -> None:
    with pytest.raises(DataError, match="1 is none of the 2 classes"):
        load({"test-0.tar": one("a", "1"), "test-1.tar": one("b", "run")}, "run\nwalk\n")


def test_names_that_look_like_numbers_are_names_where_the_list_has_them_all(load: Load) -> None:
    shards = {"test-0.tar": [*one("a", "007"), *one("b", "run")]}
    assert labels(load(shards, "run\n007\n")) == {"test-0/a": "007", "test-0/b": "run"}


def test_numbers_that_are_names_of_other_places_in_the_list_are_refused(load: Load) -> None:
    shards = {"test-0.tar": [*one("a", "0"), *one("b", "1")]}
    assert labels(load(shards, "0\n1\n")) == {"test-0/a": "0", "test-0/b": "1"}
    with pytest.raises(DataError, match=r"classes\.txt"):
        load(shards, "1\n0\n")


def test_a_class_that_is_unknown_is_no_class(load: Load) -> None:
    with pytest.raises(DataError, match="-1"):
        load({"test-0.tar": [*one("a", "0"), *one("b", "-1")]})


@pytest.mark.parametrize("suffix", ["wmv2", "seg.png"])
def test_clips_that_no_decoder_is_known_for_are_said(load: Load, suffix: str) -> None:
    dataset = load({"test-0.tar": [*one("a", "1"), (f"b.{suffix}", "x"), ("b.cls", "0")]})
    assert [sample.id for sample in dataset.test] == ["test-0/a"]
    assert any(f"1 .{suffix}" in note for note in dataset.notes)
    assert any("test-0/b" in note for note in dataset.notes)


def test_labels_without_a_clip_and_nothing_else_are_said_or_not(load: Load) -> None:
    assert load({"test-0.tar": [*one("a", "1"), ("readme.md", "x"), ("info.json", "{}")]}).notes == ()
    assert any("test-0/b" in note for note in load({"test-0.tar": [*one("a", "1"), ("b.cls", "0")]}).notes)


def test_a_file_that_stands_twice_in_a_shard_is_refused(load: Load) -> None:
    with pytest.raises(DataError, match=r"a\.png"):
        load({"test-0.tar": [*one("a", "1"), *one("a", "0", "y")]})


@pytest.mark.parametrize("other", ["train-1.tar", "test-0.tar"])
def test_one_clip_of_one_name_in_two_shards_is_refused(load: Load, other: str) -> None:
    """It would count twice, or be trained on and tested."""
    with pytest.raises(DataError, match=r"train-0\.tar.*\ba\b"):
        load({"train-0.tar": one("a", "1"), other: [*one("b", "0"), *one("a", "1")]})


def test_names_may_begin_anew_in_every_shard_and_folder(load: Load) -> None:
    assert set(labels(load({"train-0.tar": one("a", "1"), "train-1.tar": one("a", "0", "y")}))) == {
        "train-0/a", "train-1/a",
    }  # fmt: skip


def test_shards_of_one_name_in_two_folders_are_told_apart(load: Load) -> None:
    dataset = load({"train/000.tar": one("a", "1"), "test/000.tar": one("a", "0", "y")})
    assert [sample.id for sample in (*dataset.train, *dataset.test)] == ["train/000/a", "test/000/a"]


def test_ids_of_folders_without_such_shards_stay(load: Load) -> None:
    dataset = load({"train/000.tar": one("a", "1"), "test/001.tar": one("a", "0", "y")})
    assert [sample.id for sample in (*dataset.train, *dataset.test)] == ["000/a", "001/a"]


def test_val_beside_test_is_not_mixed_with_it_and_training_is_training(load: Load) -> None:
    assert len(load({"training-0.tar": one("a", "0")}).train) == 1
    with pytest.raises(DataError, match="val"):
        load({"test-0.tar": one("c", "0"), "val-0.tar": one("b", "0")})


def test_what_systems_leave_in_shards_and_beside_them_is_no_clip(load: Load) -> None:
    left = [("._a.png", "junk"), ("__MACOSX/._a.png", "junk")]
    assert set(labels(load({"test-0.tar": [*left, *one("a", "1")], "._test-0.tar": left}))) == {"test-0/a"}
