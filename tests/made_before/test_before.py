"""What the code of commit f0aee5e made is read and continued by the code of now, to the same bytes."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import before
import vidsparse.experiment
from vidsparse.benchmark.generate import generate
from vidsparse.config import identity
from vidsparse.experiment import run
from vidsparse.report.page import write_comparison
from vidsparse.run_dir.record import read_record

KEPT = json.loads((before.HERE / "digests.json").read_text())


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder with the clips, and the runs and the benchmark as they were left."""
    monkeypatch.chdir(tmp_path)
    for name, place in {"clips": "clips", "runs": "runs", "half": "benchmark"}.items():
        shutil.copytree(before.HERE / name, tmp_path / place)
    return tmp_path


@pytest.fixture
def no_page(monkeypatch):
    """Runs without the figures of their pages, which take most of their time and which nobody looks at here."""
    monkeypatch.setattr(vidsparse.experiment, "show", lambda folder: None)


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def same_as_before(kind: str, found: dict[str, str]) -> None:
    """`found` is what commit f0aee5e came to; where another build computes otherwise, that is said and skipped."""
    kept, here = KEPT["digests"][kind], before.surroundings()
    assert found.keys() == kept.keys()
    other = [
        f"{name} {here[name]}, then {value}" for name, value in KEPT["surroundings"].items() if here[name] != value
    ]
    if other:
        pytest.skip(f"bytes are promised within one build, and this is another: {'; '.join(other)}")
    assert found == kept


@pytest.mark.slow
def test_a_run_that_was_stopped_in_its_training_is_continued_to_the_same_end(here, one_thread, no_page):
    config = before.train_config("rigl", "stopped")
    assert read_record(here / "runs" / "stopped").identity.items() >= identity(config).items()
    folder = run(config)
    assert read_record(folder).finished
    whole, kept = KEPT["digests"]["rigl"], KEPT["digests"]["stopped"]
    assert {name for name in whole if whole[name] != kept[name]} == {"metrics"}  # a mean begins anew after a stop
    same_as_before("stopped", before.run_digests(folder))


@pytest.mark.slow
def test_a_run_that_was_finished_is_shown_and_nothing_is_computed(here, monkeypatch):
    folder = here / "runs" / "finished"
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in (".parquet", ".safetensors")}
    monkeypatch.setattr(vidsparse.experiment, "_work", lambda *_: pytest.fail("it works again"))
    assert run(before.train_config("rigl", "finished")).resolve() == folder
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    page = (folder / "report.html").read_text()
    assert "792" in page.replace(",", "")  # weights that changed, from run.json
    assert "1,638" in page  # weights left


@pytest.mark.slow
def test_runs_of_before_stand_on_a_page_of_comparison_beside_one_of_now(here, one_thread):
    dense = run(before.train_config("dense", "dense"))
    page = write_comparison([here / "runs" / "finished", dense], here / "page")
    assert page.exists()
    same_as_before("dense", before.run_digests(dense))


def test_the_config_that_a_run_kept_makes_the_same_run(here):
    from vidsparse import load_config

    before.tiny_network.register()
    again = load_config("runs/stopped/config.yaml")
    assert read_record(here / "runs" / "stopped").identity.items() >= identity(again).items()


def test_a_benchmark_that_was_half_written_is_finished_to_the_same_bytes(here):
    left = before.benchmark_digests(here / "benchmark")
    generate(before.benchmark_config())
    made = before.benchmark_digests(here / "benchmark")
    assert made.items() >= left.items()
    same_as_before("benchmark", made)


@pytest.mark.slow
def test_a_run_of_segmentation_comes_to_the_same_end(here, one_thread, no_page):
    before.make_masks(here / "masks")
    same_as_before("segmentation", before.run_digests(run(before.segment_config("rigl", "segmentation"))))
