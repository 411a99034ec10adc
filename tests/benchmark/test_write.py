"""The same bytes however they are made, whatever happens meanwhile."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from helpers.orders import SETTINGS, finish, start, sums
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.plan import make_plan, units_of
from vidsparse.benchmark.unit import make, tasks_of
from vidsparse.benchmark.write import claim, conclude, make_units, missing, writing
from vidsparse.data.corrupted.layout import LOG, RECIPE
from vidsparse.data.load import load_and_tell
from vidsparse.utils.errors import BenchmarkError, DataError, WriteError


def plan_of(config):
    return make_plan(config, load_and_tell(config, trains=False))


def write(plan, units):
    with writing(plan.stored.root):
        claim(plan.stored)
        return make_units(plan, units, "writing"), conclude(plan.stored)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [("engine.workers=1",), ("engine.workers=2",), ("cluster.scheduler=local",)])
def test_workers_and_dask_make_the_same_bytes(order, whole, settings):
    config = order(*settings, *(["engine.workers=2"] if settings[0].startswith("cluster") else []))
    generate(config)
    assert sums(config.benchmark_folder) == sums(whole)


def test_any_order_makes_the_same_bytes(order, whole):
    plan = plan_of(order())
    units = list(units_of(plan.stored))
    random.Random(0).shuffle(units)
    assert write(plan, units)[1] == 0
    assert sums(plan.stored.root) == sums(whole)


def test_shards_make_the_same_bytes_and_the_last_one_finishes(order, whole):
    for shard in ("2/3", "3/3"):
        config = order(f"benchmark.shard={shard}")
        generate(config)
        assert not (config.benchmark_folder / "manifest.parquet").exists()
    generate(order("benchmark.shard=1/3"))
    assert sums(config.benchmark_folder) == sums(whole)


def test_the_same_command_again_changes_nothing(order, whole, tmp_path):
    root = Path(shutil.copytree(whole, tmp_path / "copy"))
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    generate(order(f"benchmark.dir={root}"))
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


def test_nothing_on_disk_tells_when_or_where_it_was_made(whole):
    host = os.uname().nodename
    told = [str(whole.parent), time.strftime("%Y-%m-%d"), *([host] if len(host) > 5 else [])]
    for path in whole.rglob("*"):
        if path.is_file() and path.name != LOG:
            assert not [word for word in told if word.encode() in path.read_bytes()], path


@pytest.mark.slow
def test_killed_and_started_again_it_ends_as_if_nothing_had_been(whole, tiny_root, tmp_path):
    settings = (f"data.root={tiny_root}", *SETTINGS, "workers=2")
    root, rng, left = tmp_path / "benchmarks" / "ucf101_c", random.Random(1), []
    for kill in range(2):
        process = start(settings, tmp_path)
        while process.poll() is None and len(list(root.glob("units/*/*/*.json"))) <= 5 * kill:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.02))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        left.append((root / "manifest.parquet").exists())
    assert not left[0]  # killed at its first unit
    said = finish(settings, tmp_path)
    assert "were there" in said or "nothing is missing" in said
    assert sums(root) == sums(whole)


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(order, whole, small_disk):
    root = small_disk("size=300k") / "benchmark"
    with pytest.raises(BenchmarkError, match=r"needs about .*choose benchmark.dir"):
        generate(order(f"benchmark.dir={root}"))
    plan = plan_of(order(f"benchmark.dir={root}"))
    with pytest.raises(WriteError, match="cannot be written: No space left on device"):
        write(plan, units_of(plan.stored))
    done = len(units_of(plan.stored)) - len(missing(plan.stored, units_of(plan.stored)))
    assert 0 < done < len(units_of(plan.stored))
    assert not list(root.rglob(".*.tmp"))
    small_disk("size=16m")
    generate(order(f"benchmark.dir={root}"))
    assert sums(root) == sums(whole)


@pytest.mark.slow
def test_a_read_only_target_is_one_sentence(order, small_disk, tiny_root, tmp_path):
    root = small_disk("size=8m")
    small_disk("ro")
    said = finish((f"data.root={tiny_root}", *SETTINGS, f"benchmark.dir={root / 'benchmark'}"), tmp_path, expected=2)
    assert "cannot be written: Read-only file system" in said
    assert "Traceback" not in said
    with pytest.raises(WriteError, match="cannot be written: Read-only"):
        generate(order(f"benchmark.dir={root / 'benchmark'}"))


def test_a_source_that_cannot_be_read_is_named_before_and_meanwhile(order, whole, tiny_root, tmp_path):
    source = Path(shutil.copytree(tiny_root, tmp_path / "source"))
    clip = source / "test" / "Right" / "v_Right_g04_c01.avi"
    config = order(f"data.root={source}")
    plan, content = plan_of(config), clip.read_bytes()
    clip.write_bytes(b"no video")
    tally, left = write(plan, units_of(plan.stored))
    assert left == len(tally.failed) == 7  # the units of its shard
    assert all(str(clip) in done.error for done in tally.failed)
    with pytest.raises(BenchmarkError, match=r"1 of .*6 clips .*v_Right_g04_c01.avi"):
        generate(config)
    clip.write_bytes(content)
    generate(config)
    assert sums(config.benchmark_folder) == sums(whole)


@pytest.mark.slow
def test_a_file_that_hangs_its_decoder_is_cut_off_and_named(order, whole, tiny_root, tmp_path):
    source = Path(shutil.copytree(tiny_root, tmp_path / "source"))
    clip = source / "test" / "Right" / "v_Right_g04_c01.avi"
    settings = (f"data.root={source}", "data.timeout_s=1.5", "engine.workers=1", "evaluation.corruptions=[freeze]")
    plan = plan_of(order(*settings))
    content = clip.read_bytes()
    clip.unlink()
    os.mkfifo(clip)  # whoever opens it waits for ever
    tally, left = write(plan, units_of(plan.stored))
    assert left == len(tally.failed) == 3
    assert all(f"{clip}: the decoder hangs in this file" in done.error for done in tally.failed)
    clip.unlink()
    clip.write_bytes(content)
    assert write(plan, missing(plan.stored, units_of(plan.stored)))[1] == 0


def test_another_benchmark_another_build_and_other_files_are_refused(order, whole, tmp_path):
    root = Path(shutil.copytree(whole, tmp_path / "copy"))
    with pytest.raises(BenchmarkError, match=r"corruption_seed \(was 0, now 1\)"):
        generate(order(f"benchmark.dir={root}", "evaluation.corruption_seed=1"))
    recipe = (root / RECIPE).read_text()
    (root / RECIPE).write_text(recipe.replace("numpy 2", "numpy 3"))
    with pytest.raises(BenchmarkError, match=r"begun with another build.*numpy 3"):
        generate(order(f"benchmark.dir={root}"))
    (root / RECIPE).unlink()
    with pytest.raises(BenchmarkError, match=r"benchmark\.json.*stage=repair"):
        generate(order(f"benchmark.dir={root}"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(BenchmarkError, match="not empty and not a benchmark"):
        generate(order(f"benchmark.dir={tmp_path / 'mine'}"))


def test_a_plan_is_refused_where_writing_would_be(order, whole, tmp_path):
    with pytest.raises(BenchmarkError, match=r"corruption_seed \(was 0, now 1\)"):
        generate(order(f"benchmark.dir={whole}", "evaluation.corruption_seed=1", "benchmark.stage=plan"))
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BenchmarkError, match="file is not empty and not a benchmark"):
        generate(order(f"benchmark.dir={file}", "benchmark.stage=plan"))
    with pytest.raises(WriteError, match=r"it is a file; choose another benchmark\.dir"):
        generate(order(f"benchmark.dir={file}"))


def test_what_is_not_there_is_not_repaired(order, tmp_path):
    with pytest.raises(DataError, match="there is no benchmark in this folder"):
        generate(order(f"benchmark.dir={tmp_path / 'typo'}", "benchmark.stage=repair"))
    assert not (tmp_path / "typo").exists()


def test_a_worker_with_another_build_is_refused(order, monkeypatch):
    plan = plan_of(order())
    claim(plan.stored)
    task = tasks_of(plan, units_of(plan.stored)[:1], strange=True)[0]
    assert not make(task).error
    monkeypatch.setattr("vidsparse.benchmark.unit.build", lambda *_: "another build")
    with pytest.raises(BenchmarkError, match=r"another build.*\[another build\].*was begun with \[numpy"):
        make(task)


def test_lossy_formats_say_what_they_lost(order):
    import pyarrow.parquet as pq

    config = order("benchmark.format=h264_444", "evaluation.corruptions=[gaussian_noise]")
    generate(config)
    table = pq.read_table(config.benchmark_folder / "manifest.parquet").to_pandas()
    noisy = table[table.corruption == "gaussian_noise"]
    assert noisy.psnr.between(25, 60).all()
    assert noisy.kept.between(0.8, 1.1).all()
    assert table[table.corruption == "clean"].kept.isna().all()
    assert "| PSNR, dB | strength kept |" in (config.benchmark_folder / "BENCHMARK.md").read_text()
