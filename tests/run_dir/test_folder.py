"""A run folder belongs to one experiment."""

import contextlib
import os
import shutil

import pytest

from vidsparse.run_dir import folder as run_folder
from vidsparse.run_dir.csv_log import CsvLog
from vidsparse.run_dir.folder import RunFolder
from vidsparse.run_dir.record import read_record
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.locks import Locked


def test_the_same_experiment_continues_and_another_is_refused_with_what_differs(tiny_config):
    config = tiny_config()
    RunFolder(config.folder).claim(config, "data-1")
    RunFolder(config.folder).claim(tiny_config("training.epochs=3"), "data-1")  # nothing made yet: nothing to lose
    RunFolder(config.folder).claim(config, "data-1")
    (config.folder / "checkpoints").mkdir()
    RunFolder(config.folder).claim(tiny_config("engine.workers=1", "logging.every=3"), "data-1")
    with pytest.raises(RunFolderError) as caught:
        RunFolder(config.folder).claim(tiny_config("training.epochs=9"), "data-1")
    for said in ("training.epochs (was 2, now 9)", "name=", "--fresh", str(config.folder)):
        assert said in str(caught.value)
    with pytest.raises(RunFolderError, match=r"data fingerprint \(was data-1, now data-2\)"):
        RunFolder(config.folder).claim(config, "data-2")


def test_fresh_replaces_a_run_but_nothing_that_is_not_one(tiny_config):
    config = tiny_config()
    RunFolder(config.folder).claim(config, "data-1")
    (config.folder / "metrics.csv").write_text("old")
    other = tiny_config("training.seed=4")
    RunFolder(config.folder).claim(other, "data-1", fresh=True)
    assert not (config.folder / "metrics.csv").exists()
    assert "seed: 4" in (config.folder / "config.yaml").read_text()
    (config.folder / "run.json").unlink()
    (config.folder / "thesis.tex").write_text("mine")
    with pytest.raises(RunFolderError, match="not a run"):
        RunFolder(config.folder).claim(other, "data-1", fresh=True)
    assert (config.folder / "config.yaml").exists()
    assert (config.folder / "thesis.tex").read_text() == "mine"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("fresh", [False, True])
def test_wherever_a_claim_is_cut_off_the_folder_can_be_claimed_again(tiny_config, monkeypatch, fresh):
    config, real = tiny_config(), {name: getattr(os, name) for name in ("replace", "unlink", "rmdir", "fsync")}
    left = iter(())

    def dying(name):
        def call(*arguments, **options):
            if next(left, None) == 0:
                raise Killed
            return real[name](*arguments, **options)

        return call

    for cut in range(60):
        folder = config.folder
        shutil.rmtree(folder, ignore_errors=True)
        RunFolder(folder).claim(config, "data-1")
        (folder / "checkpoints" / "step-1").mkdir(parents=True)
        (folder / "predictions.parquet").write_text("old")
        if not fresh:
            shutil.rmtree(folder)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            for name in real:
                patch.setattr(os, name, dying(name))
            left = iter(range(cut, -1, -1))
            RunFolder(folder).claim(config, "data-1", fresh)
            break
        again = RunFolder(folder)
        again.claim(config, "data-1")
        if "predictions.parquet" in os.listdir(folder):  # killed before --fresh began: the old run, whole
            assert (folder / "checkpoints" / "step-1").exists()
        assert again.record.identity
        assert sorted(set(os.listdir(folder)) - {"checkpoints", "predictions.parquet"}) == ["config.yaml", "run.json"]
    assert 3 < cut < 59


def test_a_folder_with_a_config_and_no_run_file_is_claimed_again(tiny_config):
    config = tiny_config()
    RunFolder(config.folder).claim(config, "data-1")
    (config.folder / "run.json").unlink()
    RunFolder(config.folder).claim(config, "data-1")
    (config.folder / "run.json").unlink()
    (config.folder / "checkpoints").mkdir()
    with pytest.raises(RunFolderError, match="--fresh"):
        RunFolder(config.folder).claim(config, "data-1")
    RunFolder(config.folder).claim(config, "data-1", fresh=True)
    assert sorted(os.listdir(config.folder)) == ["config.yaml", "run.json"]


def test_fresh_does_not_touch_the_folder_of_a_living_run(tiny_config):
    config = tiny_config()
    folder = RunFolder(config.folder)
    with folder.owned():
        folder.claim(config, "data-1")
        (config.folder / "metrics.csv").write_text("growing")
        with pytest.raises(Locked, match=rf"process {os.getpid()} on .* is at work"), RunFolder(config.folder).owned():
            raise AssertionError
    assert (config.folder / "metrics.csv").read_text() == "growing"
    with RunFolder(config.folder).owned():
        RunFolder(config.folder).claim(config, "data-1", fresh=True)
    assert sorted(os.listdir(config.folder)) == ["config.yaml", "run.json"]


def test_fresh_mends_a_broken_run_file_and_leftovers_of_a_kill_are_swept(tiny_config):
    config = tiny_config()
    RunFolder(config.folder).claim(config, "data-1")
    (config.folder / "run.json").write_text("{")
    (config.folder / ".step-1.123.tmp").mkdir()
    with pytest.raises(RunFolderError, match="--fresh"):
        RunFolder(config.folder).claim(config, "data-1")
    RunFolder(config.folder).claim(config, "data-1", fresh=True)
    assert sorted(path.name for path in config.folder.iterdir()) == ["config.yaml", "run.json"]


def test_a_log_that_resumes_forgets_what_came_after_the_checkpoint(tmp_path):
    log = CsvLog(tmp_path / "m.csv", ("step", "loss"), 0)
    for step in (10, 20, 30):
        log.add(step=step, loss=1 / step)
    log.close()
    log = CsvLog(tmp_path / "m.csv", ("step", "loss"), 20)
    log.add(step=25, loss=0.5)
    log.close()
    assert (tmp_path / "m.csv").read_text().split() == ["step,loss", "10,0.1", "20,0.05", "25,0.5"]


@pytest.mark.parametrize("theirs", ["mood,step,loss", "step,loss,mood", "step,mood,loss"])
def test_a_log_with_a_column_that_we_do_not_write_goes_on_with_all_its_rows(tmp_path, theirs):
    row = {"step": "10", "loss": "0.1", "mood": "fine"}
    (tmp_path / "m.csv").write_text(f"{theirs}\n" + ",".join(row[name] for name in theirs.split(",")) + "\n")
    log = CsvLog(tmp_path / "m.csv", ("step", "loss", "val"), 20)
    log.add(step=25, loss=0.5)
    log.close()
    assert (tmp_path / "m.csv").read_text().split() == ["step,loss,val,mood", "10,0.1,,fine", "25,0.5,,"]


@pytest.mark.parametrize(
    ("text", "kept", "line"),
    [
        ("stop,loss\n10,0.1\n20,0.2\n", [], 1),
        ("step,step\n10,0.1\n20,0.2\n", [], 1),
        ("step,loss\n10,0.1\n15\n20,0.2\n", ["10,0.1"], 3),
        ('step,loss\n10,0.1\n15,"0.2\n20,0.2\n', ["10,0.1"], 3),
        ("step,loss\n10,0.1\n15\n", ["10,0.1"], None),  # as a kill leaves it
        ("step,loss\n10,0.1\n15,0.", ["10,0.1"], None),
        ("step,loss\n10,0.1\n30,0.3\n", ["10,0.1"], None),  # above the checkpoint
        ("", [], None),
    ],
)
def test_rows_that_a_damaged_log_loses_are_kept_beside_it_and_said(tmp_path, capsys, text, kept, line):
    path = tmp_path / "m.csv"
    path.write_text(text)
    CsvLog(path, ("step", "loss"), 20).close()
    assert path.read_text().split() == ["step,loss", *kept]
    aside = tmp_path / "m.csv.damaged"
    assert aside.exists() == (line is not None)
    if line:
        assert aside.read_text() == text
        assert f"line {line}" in " ".join(capsys.readouterr().out.split())


def test_a_log_that_begins_anew_needs_nothing_of_a_damaged_one(tmp_path):
    (tmp_path / "m.csv").write_text("stop,loss\n10,0.1\n20,0.2\n")
    CsvLog(tmp_path / "m.csv", ("step", "loss"), 0).close()
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_the_time_of_a_stage_adds_up_over_sessions_and_a_kill_costs_what_was_not_kept(tiny_config, monkeypatch):
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(run_folder, "monotonic", lambda: next(now))
    config = tiny_config()

    def session() -> RunFolder:
        folder = RunFolder(config.folder)
        folder.claim(config, "data-1")
        (config.folder / "checkpoints").mkdir(exist_ok=True)
        return folder

    def seconds() -> dict:
        return read_record(config.folder).seconds

    with session().timed("train") as keep:
        keep()
        assert seconds() == {"train": 10}
        keep()
        assert seconds() == {"train": 20}  # where it is killed now, this stays
    assert seconds() == {"train": 30}
    with pytest.raises(KeyboardInterrupt), session().timed("train"):
        raise KeyboardInterrupt
    with session().timed("evaluate"):
        pass
    assert seconds() == {"train": 40, "evaluate": 10}
    (config.folder / "checkpoints").rmdir()
    session()
    assert not read_record(config.folder).seconds  # nothing came of it: another experiment may begin here


def test_a_run_that_began_with_the_old_draws_keeps_them_and_no_new_one_is_its_control(tiny_config):
    config = tiny_config()
    RunFolder(config.folder).claim(config, "data-1")
    new = read_record(config.folder)
    (config.folder / "checkpoints").mkdir()
    run_file = config.folder / "run.json"
    run_file.write_text(run_file.read_text().replace('"draws": 2,', ""))
    RunFolder(config.folder).claim(config, "data-1")
    old = read_record(config.folder)
    assert (new.draws, old.draws) == (2, 1)
    assert new.control != old.control
    judged = tiny_config("training.epochs=0", "name=judged", "sparse.method=dense")
    RunFolder(judged.folder).claim(judged, "data-1")
    assert "draws" not in read_record(judged.folder).control
    RunFolder(config.folder).claim(config, "data-1", fresh=True)
    assert read_record(config.folder).draws == 2
