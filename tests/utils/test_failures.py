"""What the machine does is never counted against a file: it stops the work, is kept nowhere, and the work goes on."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corruptions import outside
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.index import build_index
from vidsparse.data.reading import image_files, readers
from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, MachineError

ERRNOS = ("EIO", "ESTALE", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "ETIMEDOUT", "ENOTCONN")
KINDS = ("video", "image", "frames", "class_ids", "array", "packed", "cifar_binary")


def pixels(seed=0, shape=(24, 32, 3)):
    return np.random.default_rng(seed).integers(0, 200, shape, np.uint8)


def jpeg(tmp_path):
    Image.fromarray(pixels()).save(tmp_path / "one.jpg")
    return np.frombuffer((tmp_path / "one.jpg").read_bytes(), np.uint8)


@pytest.fixture
def file_of(tmp_path, tiny_root):
    """file_of(kind): a file or folder that a row of READERS reads, in a folder of its own."""

    def make(kind):
        place = tmp_path / "data" / kind
        place.mkdir(parents=True)
        if kind == "video":
            return Path(shutil.copy(next(tiny_root.rglob("*.avi")), place / "x.avi"))
        if kind in ("image", "class_ids"):
            Image.fromarray(pixels() if kind == "image" else pixels()[..., 0]).save(place / "x.png")
            return place / "x.png"
        if kind == "frames":
            for number in range(2):
                Image.fromarray(pixels(number)).save(place / f"{number}.png")
            return place
        if kind == "array":
            np.save(place / "x.npy", pixels(0, (2, 24, 32, 3)))
            return place / "x.npy"
        if kind == "cifar_binary":
            (place / "test_batch.bin").write_bytes(bytes(2 * 3073))
            return place / "test_batch.bin"
        one = jpeg(tmp_path)
        part = {"jpeg": one, "offsets": [0, len(one)], "labels": [0]}
        np.savez(place / "x.npz", **{f"{name}_{of}": part[of] for name in ("train", "test") for of in part})
        return place / "x.npz"

    return make


@contextmanager
def no_descriptor_left():
    """Lower the limit of open files to those that are open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for handle in held:
            os.close(handle)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_away_and_descriptors_that_are_used_up_are_the_machines_in_every_reader(file_of, kind):
    path = file_of(kind)
    sample, info = Sample("x", path, 0, "x", kind), readers.inspected(kind, path)[0]
    assert len(readers.read(sample, info, None, [0], 60.0)) == 1
    away = path.parent.parent.rename(path.parents[2] / "away")
    for act in (lambda: readers.read(sample, info, None, [0], 60.0), lambda: readers.inspected(kind, path)):
        with pytest.raises(MachineError, match=r"No such file or directory; .*command continues") as caught:
            act()
        assert str(path) in str(caught.value)
    away.rename(path.parents[1])
    os.utime(path)  # archives that are open already need no descriptor
    with no_descriptor_left():
        for act in (lambda: readers.read(sample, info, None, [0], 60.0), lambda: readers.inspected(kind, path)):
            with pytest.raises(MachineError, match="Too many open files; raise the limit"):
                act()
    assert readers.inspected(kind, path)[0] == info
    assert len(readers.read(sample, info, None, [0], 60.0)) == 1


@pytest.mark.parametrize("name", ERRNOS)
@pytest.mark.parametrize("known", [False, True])
def test_every_error_of_the_machine_is_its_own_wherever_it_stands_in_the_chain(name, known):
    number = getattr(errno, name)
    outer = ClipDecodeError("x cannot be read")
    outer.__cause__ = ValueError("because")
    outer.__cause__.__context__ = OSError(number, os.strerror(number))
    assert failures.machine_errno(outer, known) == number
    with pytest.raises(MachineError, match="the same command continues"):
        failures.check(outer, "x.avi", known)


def test_what_the_data_causes_stays_the_datas():
    for error in (
        OSError("image file is truncated (3 bytes not processed)"),
        ValueError("bad"),
        FileNotFoundError(errno.ENOENT, "gone"),
        IsADirectoryError(errno.EISDIR, "a folder"),
        Image.DecompressionBombError("large"),
        RuntimeError("Error opening file"),
    ):
        assert failures.machine_errno(error) == 0
    assert failures.machine_errno(FileNotFoundError(errno.ENOENT, "gone"), known=True) == errno.ENOENT
    for error in (MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")):
        assert failures.machine_errno(error) == errno.ENOMEM


@pytest.mark.parametrize("name", ERRNOS)
def test_an_error_while_a_picture_is_read_is_no_broken_picture(file_of, tmp_path, monkeypatch, name):
    path, number = file_of("image"), getattr(errno, name)

    def fail(*_, **__):
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(image_files.Image, "open", fail)
        with pytest.raises(MachineError, match=str(path)):
            build_index([Sample("x", path, 0, "x", "image")], tmp_path / "index")
    assert not manifest.load(tmp_path / "index" / "index-v5.parquet")
    assert build_index([Sample("x", path, 0, "x", "image")], tmp_path / "index").rows["x"].info.n_frames == 1


def test_a_lack_of_memory_is_cached_nowhere(file_of, tmp_path, monkeypatch):
    path = file_of("image")
    sample = Sample("x", path, 0, "x", "image")

    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(image_files.Image, "open", fail)
        with pytest.raises(MachineError, match=r"x.png: .*memory.*engine.workers"):
            build_index([sample], tmp_path / "index")
        with pytest.raises(MachineError, match="there is not enough memory"):
            image_files.decode(path.read_bytes(), path)
    assert build_index([sample], tmp_path / "index").rows["x"].info.n_frames == 1


@pytest.mark.slow
def test_a_real_lack_of_address_space_is_the_machines(file_of):
    path = file_of("image")
    Image.fromarray(np.zeros((4000, 4000, 3), np.uint8)).save(path)
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom vidsparse.data.reading import image_files as images\n"
        "held = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + (20 << 20),) * 2)\n"
        "images.open_picture(Path(sys.argv[1]))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "vidsparse.utils.errors.MachineError" in ran.stderr.splitlines()[-1]
    assert "there is not enough memory" in ran.stderr


def test_a_folder_that_is_away_while_files_are_counted_leaves_no_trace(file_of, tmp_path):
    first = file_of("image")
    paths = [first, *(Path(shutil.copy(first, first.with_name(f"{name}.png"))) for name in "yz")]
    samples = [Sample(path.stem, path, 0, path.stem, "image") for path in paths]
    away = first.parent.with_name("away")
    with pytest.raises(MachineError, match="is a disk or a network mount away"):
        build_index(samples, tmp_path / "index", progress=lambda *_: first.parent.rename(away))
    assert [Path(file.path).name for file in manifest.load(tmp_path / "index" / "index-v5.parquet")] == ["x.png"]
    away.rename(first.parent)
    assert [row.info.n_frames for row in build_index(samples, tmp_path / "index").rows.values()] == [1, 1, 1]


def test_an_index_that_remembers_an_error_of_the_machine_heals(file_of, tmp_path):
    path = file_of("image")
    wrong = readers.image_files.unreadable(f"{path}: cannot be read as an image ([Errno 2] No such file or directory)")
    manifest.save({manifest.stamp(path): (wrong,)}, tmp_path / "index" / "index-v5.parquet")
    assert build_index([Sample("x", path, 0, "x", "image")], tmp_path / "index").rows["x"].info.n_frames == 1


@pytest.mark.slow
def test_a_mount_that_drops_during_the_evaluation_stops_it_and_the_same_command_goes_on(
    tiny_config, tiny_root, tmp_path, monkeypatch
):
    root = Path(shutil.copytree(tiny_root, tmp_path / "data"))
    settings = (f"data.root={root}", "training.epochs=1", "evaluation.views=8", "evaluation.severities=[2]",
                "evaluation.corruptions=[freeze]")  # fmt: skip
    save, away = predictions.save, root.with_name("away")

    def drop_after_the_first(path, *rest):
        save(path, *rest)
        if path.name == "unit-00000.parquet":
            root.rename(away)

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "save", drop_after_the_first)
        with pytest.raises(MachineError, match="is a disk or a network mount away"):
            run(tiny_config(*settings))
    folder = tmp_path / "runs" / "tiny"
    assert "finished" not in json.loads((folder / "run.json").read_text())
    assert [path.name for path in (folder / "predictions").glob("*.parquet")] == ["unit-00000.parquet"]
    away.rename(root)
    made = []
    monkeypatch.setattr(predictions, "save", lambda path, *rest: (made.append(path.stem), save(path, *rest)))
    run(tiny_config(*settings))
    assert "unit-00000" not in made
    table = predictions.load(folder / "predictions.parquet")
    assert len(table) == 6 * (8 + 1) * 2
    assert (table["prediction"] >= 0).all()  # -1 stands where a clip could not be read


@pytest.mark.slow
def test_a_mount_that_drops_under_a_loader_process_is_one_sentence(tiny_config, tiny_root, tmp_path):
    from vidsparse.data.clips import load_clips
    from vidsparse.data.loader import Steps, TrainingClips, batches, make_loader

    root = Path(shutil.copytree(tiny_root, tmp_path / "data"))
    clips = load_clips(tiny_config(f"data.root={root}").data, 0, tmp_path / "index")
    steps = Steps(len(clips.train), 4, seed=0)
    steps.stop = 1000
    stream = batches(make_loader(TrainingClips(clips, 0), 1, batch_sampler=steps))
    next(stream)
    root.rename(root.with_name("away"))
    with pytest.raises(MachineError, match="is a disk or a network mount away") as caught:
        list(stream)
    assert "\n" not in str(caught.value)
    assert str(root) in str(caught.value)


@pytest.mark.parametrize("name", ["EMFILE", "EIO", "EACCES", "ENOENT", "ESTALE"])
def test_what_no_reader_caught_is_one_sentence_on_the_command_line(monkeypatch, capsys, name):
    from vidsparse import cli

    def fail(*_):
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)), "/mnt/videos")

    monkeypatch.setattr(outside, "LOADED", {})  # other tests register their own functions, whose errors are shown whole
    monkeypatch.setitem(cli.COMMANDS, "run", (fail, *cli.COMMANDS["run"][1:]))
    assert cli.main(["run", "ucf101_rigl"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("/mnt/videos: ")
    assert said.endswith("the same command continues)")
