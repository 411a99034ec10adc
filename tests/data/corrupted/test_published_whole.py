"""A published set is read as a whole and once: leftovers, doubles, other classes and what is not read are said."""

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from vidsparse.config import DataConfig
from vidsparse.data.corrupted.published import open_published
from vidsparse.data.corrupted.published_layouts import packed
from vidsparse.data.datasets.sources import Dataset
from vidsparse.utils.errors import DataError

Write = Callable[[Path, dict[str, int]], None]
Levels = dict[str, int]  # {path: grey level of the picture there}


def png(level: int, side: int = 32) -> bytes:
    return cv2.imencode(".png", np.full((side, side, 3), level, np.uint8))[1].tobytes()


def tar(path: Path, levels: Levels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, level in levels.items():
            content, info = png(level), tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def tree(root: Path, levels: Levels) -> None:
    for name, level in levels.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(level))


def opened(root: Path) -> tuple[Dataset, dict[tuple[str, int], float]]:
    """The data set, and the grey level of its first sample in every cell."""
    config = DataConfig(source="corrupted", root=str(root), frames=2, stride=1, short_side=32, size=32)
    dataset, _, stored = open_published(root, config, root.parent / "index", 0, None)
    seen = {(c.corruption, c.severity): stored.read(c, dataset.test[0].id, np.zeros(1, int)) for c in stored.cells}
    return dataset, {cell: float(picture.mean()) for cell, picture in seen.items()}


def test_an_archive_that_was_unpacked_and_kept_hides_nothing(tmp_path: Path) -> None:
    tar(tmp_path / "set/blur.tar", {"defocus_blur/1/A/x.png": 10})
    tree(tmp_path / "set", {f"{name}/1/A/x.png": 20 for name in ("defocus_blur", "fog", "snow")})
    dataset, seen = opened(tmp_path / "set")
    assert seen == {("defocus_blur", 1): 20, ("fog", 1): 20, ("snow", 1): 20}
    assert any("blur.tar" in note for note in dataset.notes)


def test_an_archive_that_was_not_unpacked_beside_others_that_were_is_refused(tmp_path: Path) -> None:
    tar(tmp_path / "set/weather.tar", {"weather/fog/1/A/x.png": 10, "weather/snow/1/A/x.png": 10})
    tree(tmp_path / "set", {"fog/1/A/x.png": 20})
    with pytest.raises(DataError, match="snow"):
        opened(tmp_path / "set")


@pytest.mark.parametrize("write", [tree, lambda root, levels: tar(root / "all.tar", levels)], ids=["tree", "tar"])
def test_classes_are_in_their_published_order_in_folders_and_archives(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "set", {"fog/1/n01/x.png": 10, "fog/1/n02/x.png": 20})
    (tmp_path / "set/wnids.txt").write_text("n02\nn03\nn01\n")
    dataset, _ = opened(tmp_path / "set")
    assert dataset.classes == ("n02", "n03", "n01")
    assert {sample.id: sample.label for sample in dataset.test} == {"n01/x": 2, "n02/x": 0}


@pytest.mark.parametrize("write", [tree, lambda root, levels: tar(root / "all.tar", levels)], ids=["tree", "tar"])
@pytest.mark.parametrize("other", ["snow/1/C/x.png", "fog/2/C/x.png"])
def test_a_cell_with_other_classes_is_refused(tmp_path: Path, write: Write, other: str) -> None:
    cells = {f"{cell}/{name}/x.png": 9 for cell in ("fog/1", "fog/2", "snow/1") for name in "AB"}
    write(tmp_path / "set", {**cells, other: 9})
    with pytest.raises(DataError, match="has not the class folders"):
        opened(tmp_path / "set")


@pytest.mark.parametrize("write", [tree, lambda root, levels: tar(root / "all.tar", levels)], ids=["tree", "tar"])
@pytest.mark.parametrize(
    "twice", [("blur/fog/1", "weather/fog/1"), ("fog/3", "fog/level_3"), ("fog/3", "weather/fog/severity_3")]
)
def test_a_corruption_that_lies_there_twice_is_refused(tmp_path: Path, write: Write, twice: tuple[str, str]) -> None:
    write(tmp_path / "set", {f"{place}/A/x.png": 9 for place in twice})
    with pytest.raises(DataError, match="twice"):
        opened(tmp_path / "set")


def test_two_archives_may_be_parts_of_one_cell_but_not_hold_a_file_twice(tmp_path: Path) -> None:
    tar(tmp_path / "set/a.tar", {"fog/1/A/x.png": 10})
    tar(tmp_path / "set/b.tar", {"fog/1/B/y.png": 30})
    assert [sample.id for sample in opened(tmp_path / "set")[0].test] == ["A/x", "B/y"]
    tar(tmp_path / "set/b.tar", {"weather/fog/1/B/y.png": 30})
    with pytest.raises(DataError, match="twice"):
        opened(tmp_path / "set")
    tar(tmp_path / "set/b.tar", {"fog/1/A/x.png": 90})
    with pytest.raises(DataError, match="twice"):
        opened(tmp_path / "set")


@pytest.mark.parametrize("write", [tree, lambda root, levels: tar(root / "all.tar", levels)], ids=["tree", "tar"])
@pytest.mark.parametrize("unread", ["fogg/A/x.png", "fog/6/A/x.png", "weather/mist/A/x.png"])
def test_what_is_no_corruption_of_the_set_is_said(tmp_path: Path, write: Write, unread: str) -> None:
    write(tmp_path / "set", {"fog/1/A/x.png": 9, "weather/snow/1/A/x.png": 9, unread: 9})
    dataset, seen = opened(tmp_path / "set")
    assert set(seen) == {("fog", 1), ("snow", 1)}
    assert any(unread.removesuffix("/A/x.png") in note for note in dataset.notes)


def test_names_of_corruptions_that_nobody_knows_are_said_where_no_folder_names_a_severity(tmp_path: Path) -> None:
    tree(tmp_path / "set", {f"{name}/A/x.png": 9 for name in ("gauss", "rain", "gaussian")})
    dataset, seen = opened(tmp_path / "set")
    assert set(seen) == {("rain", 5), ("gauss", 5)}
    assert any("gaussian" in note for note in dataset.notes)


def test_a_folder_with_nothing_more_than_its_set_is_said_nothing_of(tmp_path: Path) -> None:
    tree(tmp_path / "set", {"weather/fog/1/A/deep/x.png": 9, "snow/level_2/A/deep/x.png": 9})
    assert opened(tmp_path / "set")[0].notes == ()


@pytest.mark.parametrize("write", [tree, lambda root, levels: tar(root / "all.tar", levels)], ids=["tree", "tar"])
def test_two_files_of_one_name_are_refused(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "set", {"fog/1/A/x.png": 9, "fog/1/A/x.bmp": 90})
    with pytest.raises(DataError, match="A/x"):
        opened(tmp_path / "set")


def test_archives_of_many_files_are_sorted_in_one_pass(tmp_path: Path) -> None:
    """20,000 files of 1,000 classes: by class and file, the files once for each class, it took minutes."""
    (tmp_path / "set").mkdir()
    block = tarfile.TarInfo
    with (tmp_path / "set/fog.tar").open("wb") as file:
        for level in (1, 2):
            for number in range(10_000):
                file.write(block(f"fog/{level}/n{number % 1000:04d}/{number}.png").tobuf())
        file.write(bytes(1024))
    start = time.process_time()
    found = packed(tmp_path / "set")
    assert {place: len(found.classes(place)) for place in found.places.values()} == {"fog/1": 1000, "fog/2": 1000}
    assert time.process_time() - start < 5
