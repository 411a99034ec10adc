"""The long trials of offline benchmarks, on real clips and images where they are at hand: `make soak`."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.orders import ROOT, finish, start, sums
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.plan import make_plan, units_of
from vidsparse.benchmark.write import claim, conclude, make_units, writing
from vidsparse.data.load import load_and_tell
from vidsparse.experiment import run
from vidsparse.loading import load_benchmark_config, load_config

SHARED = ROOT / "../shared/data"
EIGHT = "[gaussian_noise,defocus_blur,fog,brightness,jpeg_compression,rotate,freeze,h264_crf]"  # one of each family
REAL = ("evaluation.suite=video_c", f"evaluation.corruptions={EIGHT}", "evaluation.severities=[2,4]")


@pytest.fixture(scope="module")
def ucf101():
    root = SHARED / "ucf101"
    if not root.exists():
        pytest.skip("real data not at hand: ../shared/data/ucf101")
    return f"data.root={root}"


@pytest.fixture(scope="module")
def whole(ucf101, tmp_path_factory):
    """Eight corruptions at two severities of the real test clips, 112 px, made in this process."""
    root = tmp_path_factory.mktemp("real") / "whole"
    words = [ucf101, *REAL, "engine.workers=0", f"benchmark.dir={root}", f"logging.dir={root.parent}/runs"]
    generate(load_benchmark_config("ucf101_c", words))
    return root


@pytest.mark.parametrize("form", ["clips", "videos"])
def test_real_clips_are_predicted_as_on_the_fly_row_by_row(form, ucf101, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = ("model.name=x3d_s", "training.epochs=0", "sparse.method=dense", "engine.workers=0")
    flown = run(load_config("ucf101_dense", [ucf101, *REAL, *model, "name=fly"]))
    generate(load_benchmark_config("ucf101_c", [ucf101, *REAL, f"benchmark.materialize={form}"]))
    stored = ("data.source=corrupted", "data.root=benchmarks/ucf101_c", "name=kept")
    kept = run(load_config("ucf101_dense", [*stored, *model]))
    assert (flown / "predictions.parquet").read_bytes() == (kept / "predictions.parquet").read_bytes()


@pytest.mark.parametrize("settings", [("engine.workers=1",), ("engine.workers=2",), ("engine.workers=4",),
                                      ("engine.workers=2", "cluster.scheduler=local")])  # fmt: skip
def test_workers_and_dask_make_the_same_bytes(settings, ucf101, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_benchmark_config("ucf101_c", [ucf101, *REAL, *settings])
    generate(config)
    assert sums(config.benchmark_folder) == sums(whole)


def test_any_order_makes_the_same_bytes(ucf101, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_benchmark_config("ucf101_c", [ucf101, *REAL, "engine.workers=2"])
    plan = make_plan(config, load_and_tell(config, trains=False))
    units = list(units_of(plan.stored))
    random.Random(1).shuffle(units)
    with writing(plan.stored.root):
        claim(plan.stored)
        make_units(plan, units, "writing")
        assert conclude(plan.stored) == 0
    assert sums(plan.stored.root) == sums(whole)


def workers_of(session: int) -> list[int]:
    """The processes of a session that the pool started: grandchildren of its leader."""
    parents = {}
    for process in Path("/proc").iterdir():
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == session:
            parents[int(process.name)] = int(fields[1])
    return sorted(pid for pid, parent in parents.items() if parent != session and parents.get(parent) == session)


def test_killed_five_times_and_a_worker_killed_in_each_run(ucf101, whole, tmp_path):
    settings, root = (ucf101, *REAL, "workers=2"), tmp_path / "benchmarks" / "ucf101_c"
    rng, done = random.Random(0), []
    for _ in range(5):
        process, before = start(settings, tmp_path), len(list(root.glob("units/*/*/*.json")))
        killed: list[int] = []
        wanted = before + rng.randrange(2, 6)
        while process.poll() is None and len(list(root.glob("units/*/*/*.json"))) < wanted:
            if not killed and len(list(root.glob("units/*/*/*.json"))) > before and (some := workers_of(process.pid)):
                os.kill(some[-1], signal.SIGKILL)
                killed.append(some[-1])
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 1))
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        done.append((len(list(root.glob("units/*/*/*.json"))), len(killed)))
    finish(settings, tmp_path)
    print(f"\nunits done and workers killed at the five kills: {done}")
    assert sums(root) == sums(whole)


def test_damage_in_real_files_is_named_and_mended(ucf101, whole, tmp_path, monkeypatch):
    from vidsparse.benchmark.verify import open_sound, verify

    monkeypatch.chdir(tmp_path)
    root = Path(shutil.copytree(whole, tmp_path / "copy"))
    rng = random.Random(2)
    for _ in range(5):
        flipped, cut, gone = rng.sample(sorted(path for path in root.rglob("*.mkv")), 3)
        content = bytearray(flipped.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        flipped.write_bytes(content)
        cut.write_bytes(cut.read_bytes()[: rng.randrange(cut.stat().st_size)])
        gone.unlink()
        named = {fault.path: fault.what for fault in verify(root, open_sound(root))}
        wanted = {flipped: "changed", cut: "truncated", gone: "missing"}
        assert named == {path.relative_to(root).as_posix(): what for path, what in wanted.items()}
        generate(load_benchmark_config("ucf101_c", [ucf101, *REAL, f"benchmark.dir={root}", "benchmark.stage=repair"]))
        assert sums(root) == sums(whole)


def test_a_dask_worker_of_another_build_is_refused(tiny_root, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import cv2\ncv2.__version__ = '0'\n")
    here = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    other = {**here, "PYTHONPATH": f"{tmp_path}{os.pathsep}{here['PYTHONPATH']}"}
    address = "tcp://127.0.0.1:8799"
    run_dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "8799", "--dashboard-address", ":0"]
    scheduler = subprocess.Popen(run_dask, env=here, cwd=tmp_path)
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"], env=other, cwd=tmp_path
    )
    try:
        time.sleep(10)
        settings = (f"data.root={tiny_root}", "data.source=folder", "data.short_side=40", "data.size=32",
                    "evaluation.severities=[3]", f"cluster.scheduler={address}")  # fmt: skip
        said = finish(settings, tmp_path, expected=2)
        assert "has another build and would make other bytes" in said
        assert "cv2 0" in said
    finally:
        worker.terminate()
        scheduler.terminate()


def test_cifar_10_c_in_its_published_layout(tmp_path, monkeypatch):
    if not (SHARED / "cifar10_jpeg.npz").exists():
        pytest.skip("real data not at hand: ../shared/data/cifar10_jpeg.npz")
    import corruptions
    from vidsparse.data.clips import load_clips
    from vidsparse.data.corrupted.benchmarks import cells_of

    monkeypatch.chdir(tmp_path)
    words = ["data.source=packed", f"data.root={SHARED / 'cifar10_jpeg.npz'}"]
    config = load_benchmark_config("cifar10_c", words)
    generate(config)
    root = config.benchmark_folder
    labels = np.load(root / "labels.npy")
    assert labels.shape == (50_000,)
    for name in corruptions.suite("cifar_c_19"):
        array = np.load(root / f"{name}.npy", mmap_mode="r")
        assert (array.shape, array.dtype) == ((50_000, 32, 32, 3), np.uint8)
        assert (np.asarray(array[::5000]).std(axis=(1, 2, 3)) > 0).all()
    reads = ["data.source=corrupted", f"data.root={root}", "training.epochs=0", "sparse.method=dense"]
    clips = load_clips(load_config("cifar10_paper_vgg16", reads).data, 0, tmp_path / "index")
    cells = cells_of(clips, config.evaluation)
    assert len(cells) == 96
    source = load_clips(config.data, 0, tmp_path / "index", trains=False)
    assert (
        [sample.label for sample in clips.test] == [sample.label for sample in source.test] == labels[:10_000].tolist()
    )
    for cell in cells[1::17]:
        for sample in source.test[::2500]:
            intended = corruptions.corrupt(source.read(sample, (0,)), cell.corruption, cell.severity,
                                           f"0/{source.dataset.name}/{sample.id}", profile=cell.profile)  # fmt: skip
            assert (clips.stored.read(cell, sample.id, np.array([0])) == intended).all()
