"""Files of many images: right bytes and labels, nothing unpickled that was not published, broken files named."""

import hashlib
import io
import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.datasets.sources import load_dataset
from vidsparse.data.indexing import manifest, partial_counts
from vidsparse.data.reading import archives
from vidsparse.data.reading.frames import unreadable
from vidsparse.data.reading.image_files import decode
from vidsparse.utils.errors import DataError


def pictures(n, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), np.uint8)


def rows(images):
    """uint8 (n, 3072), as CIFAR stores them: red, green, blue planes."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """publish(folder, name, content): write a pickle and have it taken for the published file of this name."""

    def write(folder, name, content):
        (tmp_path / folder).mkdir(exist_ok=True)
        raw = pickle.dumps(content, protocol=3)
        (tmp_path / folder / name).write_bytes(raw)
        monkeypatch.setitem(archives.CIFAR_MD5, name, hashlib.md5(raw).hexdigest())
        return tmp_path / folder / name

    return write


@pytest.fixture
def cifar10(publish, tmp_path):
    folder = "cifar-10-batches-py"
    publish(folder, "batches.meta", {b"label_names": [b"airplane", b"automobile", b"bird"]})
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        publish(folder, name, {b"data": rows(pictures(4, seed=number)), b"labels": [0, 1, 2, 1]})
    return tmp_path


def load(source, root, **settings):
    return load_clips(DataConfig(source=source, root=str(root), frames=1, **settings), 0, root / "index")


def test_cifar10_pickles(cifar10):
    clips = load("cifar10", cifar10, short_side=32, size=32)
    assert (len(clips.train), len(clips.test)) == (20, 4)
    assert clips.dataset.classes == ("airplane", "automobile", "bird")
    assert [sample.id for sample in clips.train[3:5]] == ["cifar10/train/00003", "cifar10/train/00004"]
    assert [sample.label for sample in clips.test] == [0, 1, 2, 1]
    np.testing.assert_array_equal(clips.read(clips.train[6], [0])[0], pictures(4, seed=1)[2])
    np.testing.assert_array_equal(clips.read(clips.test[3], [0])[0], pictures(4, seed=5)[3])


def test_cifar100_pickles_and_records_agree(publish, tmp_path):
    names = [f"class{i}" for i in range(100)]
    publish("cifar-100-python", "meta", {b"fine_label_names": [name.encode() for name in names]})
    (tmp_path / "cifar-100-binary").mkdir()
    (tmp_path / "cifar-100-binary" / "fine_label_names.txt").write_text("\n".join(names))
    for seed, name in enumerate(("train", "test")):
        data, fine = rows(pictures(6, seed=seed)), [99, 0, 7, 50, 1, 3]
        publish("cifar-100-python", name, {b"data": data, b"fine_labels": fine, b"coarse_labels": [0] * 6})
        records = np.column_stack([np.full(6, 19), fine, data]).astype(np.uint8)
        (tmp_path / "cifar-100-binary" / f"{name}.bin").write_bytes(records.tobytes())
    pickled = load("cifar100", tmp_path, short_side=32, size=32)
    expected = {s.id: pickled.read(s, [0]) for s in (*pickled.train, *pickled.test)}
    (tmp_path / "cifar-100-python").rename(tmp_path / "away")
    binary = load("cifar100", tmp_path, short_side=32, size=32)
    assert binary.dataset.classes == pickled.dataset.classes == tuple(names)
    for one, other in zip((*pickled.train, *pickled.test), (*binary.train, *binary.test), strict=True):
        assert (one.id, one.label) == (other.id, other.label)
        np.testing.assert_array_equal(expected[one.id], binary.read(other, [0]))


def test_a_file_that_was_not_published_is_not_unpickled(cifar10, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'owned'}",)

    path = cifar10 / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(pickle.dumps({b"data": Evil(), b"labels": [0]}))
    with pytest.raises(DataError, match=r"data_batch_3 .*unpickled"):
        load_dataset("cifar10", cifar10, 1, "drop")
    assert not (tmp_path / "owned").exists()


def test_even_with_the_right_md5_a_pickle_makes_arrays_only(publish, cifar10, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'owned'}",)

    path = publish("cifar-10-batches-py", "data_batch_3", {b"data": Evil(), b"labels": [0]})
    with pytest.raises(DataError, match=r"asks for (posix|nt)\.system"):
        archives.unpickle_cifar(path)
    assert not (tmp_path / "owned").exists()


def test_arrays_pickled_by_python_2_load():
    """With the old name of the module, as the published files have it."""
    raw = pickle.dumps(np.arange(6, dtype=np.uint8).reshape(2, 3), protocol=3)
    old = raw.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    np.testing.assert_array_equal(archives._Arrays(io.BytesIO(old), encoding="bytes").load(), [[0, 1, 2], [3, 4, 5]])


def packed(path, compressed=False, **changed):
    arrays = {}
    for seed, (part, n) in enumerate((("train", 5), ("test", 3))):
        files = []
        for image in pictures(n, 16, seed):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=95)
            files.append(buffer.getvalue())
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_labels"] = np.arange(n, dtype=np.uint8) % 2
    arrays = {**arrays, "classes": np.array(["cat", "dog"]), **changed}
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return arrays


@pytest.mark.parametrize("compressed", [False, True])
def test_packed_jpegs(tmp_path, compressed):
    arrays = packed(tmp_path / "pets.npz", compressed)
    for root in (tmp_path, tmp_path / "pets.npz"):
        clips = load_clips(
            DataConfig(source="packed", root=str(root), frames=1, short_side=16, size=16), 0, tmp_path / "i"
        )
        assert clips.dataset.classes == ("cat", "dog")
        assert [(s.id, s.label) for s in clips.test] == [
            ("pets/test/00000", 0),
            ("pets/test/00001", 1),
            ("pets/test/00002", 0),
        ]
        one = Image.open(
            io.BytesIO(arrays["test_jpeg"].tobytes()[arrays["test_offsets"][1] : arrays["test_offsets"][2]])
        )
        np.testing.assert_array_equal(clips.read(clips.test[1], [0])[0], np.array(one.convert("RGB")))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_offsets": np.array([0, 5])}, "train_offsets do not fit"),
        ({"test_labels": np.array([0, 9, 1])}, "labels from 0 to 9, but there are 2 classes"),
        ({"test_jpeg": np.array([os.system])}, "test_jpeg cannot be read"),
    ],
)
def test_packed_files_that_cannot_be_right(tmp_path, changed, message):
    packed(tmp_path / "x.npz", **changed)
    with pytest.raises(DataError, match=message):
        load_dataset("packed", tmp_path, 1, "drop")


def test_a_packed_file_that_was_cut_off_is_one_sentence(tmp_path):
    packed(tmp_path / "x.npz")
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:-200])
    with pytest.raises(DataError, match=r"x\.npz: classes cannot be read"):
        load_dataset("packed", tmp_path, 1, "drop")


def test_one_broken_jpeg_of_many_is_one_unreadable_sample(tmp_path):
    arrays = packed(tmp_path / "x.npz")
    hurt = arrays["train_jpeg"].copy()
    hurt[arrays["train_offsets"][2] : arrays["train_offsets"][3]] = 0
    packed(tmp_path / "x.npz", train_jpeg=hurt)
    assert list(load("packed", tmp_path, short_side=16, size=16).index.unreadable) == ["x/train/00002"]


def test_a_count_of_many_images_that_is_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    packed(tmp_path / "x.npz")
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(partial_counts, "KEEP_EVERY", -1.0)
    decoded, whole = [], load("packed", tmp_path, short_side=16, size=16).index
    shutil.rmtree(tmp_path / "index")

    def dying(content, name):
        decoded.append(name)
        if len(decoded) == 6:
            raise KeyboardInterrupt
        return decode(content, name)

    monkeypatch.setattr(archives, "decode", dying)
    with pytest.raises(KeyboardInterrupt):
        load("packed", tmp_path, short_side=16, size=16)
    assert load("packed", tmp_path, short_side=16, size=16).index == whole
    assert [str(name).rpartition(" ")[2] for name in decoded] == ["0", "1", "2", "3", "4", "5", "5", "6", "7"]
    assert not any((tmp_path / "cache" / "counting").iterdir())


def test_what_was_counted_of_a_file_that_changed_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(partial_counts, "KEEP_EVERY", -1.0)
    packed(tmp_path / "x.npz")
    before, after = (manifest.File(str(tmp_path / "x.npz"), 9, time) for time in (1, 2))
    partial_counts.PartialCount(before).add(unreadable("an older one"))
    assert len(partial_counts.PartialCount(before).found) == 1
    assert partial_counts.PartialCount(after).found == []


def test_cifar10_1(tmp_path):
    images = pictures(5)
    np.save(tmp_path / "cifar10.1_v6_data.npy", images)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.array([3, 9, 0, 1, 1], np.int32))
    clips = load("cifar10_1", tmp_path, short_side=32, size=32)
    assert clips.train == ()
    assert [sample.label for sample in clips.test] == [3, 9, 0, 1, 1]
    np.testing.assert_array_equal(np.concatenate([clips.read(s, [0]) for s in clips.test]), images)


def test_the_packed_cifar10(shared):
    data = load_dataset("packed", shared("cifar10_jpeg.npz"), 1, "error")
    assert (len(data.train), len(data.test), len(data.classes)) == (50_000, 10_000, 10)
    assert np.bincount([sample.label for sample in data.test]).tolist() == [1000] * 10
    assert archives.open_pictures("packed", data.test[0].path).at(data.test[-1].entry).shape == (32, 32, 3)
