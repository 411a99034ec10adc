"""A run that is killed, stopped or starved says so in a sentence, loses nothing, and ends as if nothing had been.

A small seeded sample of the long trials in tests/soak (`make soak`).
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from helpers.killing import finish, kill_after, start
from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.training.engine import Checkpoints
from vidsparse.utils.errors import MachineError


def settings(tiny: tuple[str, ...], root: Path, *more: str) -> list[str]:
    return [f"data.root={root}", *tiny, "engine.checkpoint_every=1", *more]


def same_end(one: Path, two: Path) -> None:
    """Final weights, optimizer state, masks and predictions are equal, bit by bit."""
    weights = [load_file(folder / "checkpoints/final.safetensors") for folder in (one, two)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    states = [Checkpoints(folder / "checkpoints").load()[1] for folder in (one, two)]
    for state in states:
        del state["run"]  # which names the run; here they have two names
    assert same(*states)
    tables = [predictions.load(folder / "predictions.parquet") for folder in (one, two)]
    pd.testing.assert_frame_equal(*tables)


def same(one: object, two: object) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def seconds(folder: Path) -> dict[str, float]:
    return json.loads((folder / "run.json").read_text())["seconds"]


@pytest.mark.slow
def test_killed_in_training_and_in_evaluation_it_ends_the_same(tiny, tiny_root, tmp_path):
    plain = settings(tiny, tiny_root, "name=plain", "evaluation.views=8")
    finish(plain, tmp_path)
    rng = random.Random(0)
    for attempt in range(3):  # a busy machine may let a run end before the kill: then once more
        hurt = settings(tiny, tiny_root, f"name=hurt{attempt}", "evaluation.views=8")
        folder = tmp_path / "runs" / f"hurt{attempt}"
        if not kill_after(hurt, tmp_path, folder / "checkpoints/step-00000002", rng.uniform(0.0, 0.3)):
            continue
        facts = (folder / "run.json").read_text()
        assert seconds(folder)["train"] > 0
        (folder / "run.json").write_text(
            facts.replace('"train": ', '"train": 9000')
        )  # as if it had been a long session
        if kill_after(hurt, tmp_path, folder / "predictions", rng.uniform(0.0, 0.01)):
            break
    else:
        pytest.fail("no run could be killed in both stages")
    finish(hurt, tmp_path)
    same_end(tmp_path / "runs" / "plain", folder)
    assert seconds(folder)["train"] > 9000 > seconds(tmp_path / "runs/plain")["train"]


@pytest.mark.slow
def test_ctrl_c_stops_after_the_step_with_130_and_continues(tiny, tiny_root, tmp_path):
    plain = settings(tiny, tiny_root, "name=plain", "training.epochs=6")
    stopped = settings(tiny, tiny_root, "name=stopped", "training.epochs=6", "engine.workers=1")
    process = start(stopped, tmp_path)
    wait_for(tmp_path / "runs/stopped/checkpoints", process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to loader processes too
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert "the same command continues" in said
    assert "Traceback" not in said
    finish(stopped, tmp_path)
    finish(plain, tmp_path)
    same_end(tmp_path / "runs/plain", tmp_path / "runs/stopped")


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_read_falls_back_to_the_one_before(tiny_config, capsys):
    whole = run(tiny_config("name=whole"))
    folder = run(tiny_config("name=hurt"))
    newest = Checkpoints(folder / "checkpoints").newest()
    (newest / "state.pt").write_bytes((newest / "state.pt").read_bytes()[:1000])
    (folder / "checkpoints" / "final.safetensors").write_bytes(b"\0" * 40)
    for name in ("predictions.parquet", "report.html"):
        (folder / name).unlink()
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"finished"', '"unfinished"'))
    run(tiny_config("name=hurt"))
    said = " ".join(capsys.readouterr().out.split())
    assert "step-00000006 cannot be read" in said
    assert "going on from the one before" in said
    same_end(whole, folder)


@pytest.mark.slow
def test_a_video_that_is_broken_is_replaced_in_training_and_wrong_in_evaluation(tiny_config, tiny_root, tmp_path):
    from vidsparse.data.clips import load_clips
    from vidsparse.data.corrupted.batches import CorruptedUnits
    from vidsparse.data.corrupted.cells import evaluation_cells
    from vidsparse.data.loader import TrainingClips

    root = Path(shutil.copytree(tiny_root, tmp_path / "copy"))
    clips = load_clips(tiny_config(f"data.root={root}").data, 0, tmp_path / "index")
    clips.train[0].path.write_bytes(b"no video")
    assert TrainingClips(clips, 0)[0, 0][2] == -1
    clips.test[1].path.write_bytes(b"no video")
    cells = evaluation_cells(tiny_config().evaluation)
    seen = list(CorruptedUnits(clips, tiny_config().evaluation, cells, [(0, range(3))]))
    assert [batch.ok.tolist() for batch in seen] == [[True, False, True]] * len(cells)


@pytest.mark.slow
def test_a_decoder_that_hangs_in_a_loader_process_costs_no_work(tiny, tiny_root, tmp_path):
    root = Path(shutil.copytree(tiny_root, tmp_path / "copy"))
    hung = settings(tiny, root, "name=hung", "training.epochs=6", "engine.workers=1", "logging.every=1",
                    "evaluation.corruptions=[freeze]", "evaluation.severities=[2]")  # fmt: skip
    process = start([*hung, "data.timeout_s=5"], tmp_path)
    folder = tmp_path / "runs/hung"
    wait_for(folder / "checkpoints", process)
    videos = [*(root / "train/Left").iterdir(), *(root / "train/Right").iterdir()]
    for video in videos:
        video.rename(video.with_suffix(".aside"))
        os.mkfifo(video)  # delivers nothing, for ever
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2, said
    assert any(f"{video}: the decoder hangs in this file (not done in 5 s)" in said for video in videos)
    assert "a loader process died, for the reason above" in " ".join(said.split())
    assert "Traceback" not in said
    for video in videos:
        video.unlink()
        video.with_suffix(".aside").rename(video)
    kept = int(Checkpoints(folder / "checkpoints").newest().name.removeprefix("step-"))
    done = (folder / "metrics.csv").read_text().splitlines()[: 1 + kept]  # with the speed of each step
    finish(hung, tmp_path)
    assert (folder / "metrics.csv").read_text().splitlines()[: 1 + kept] == done


@pytest.mark.slow
def test_a_loader_process_that_is_killed_is_one_sentence(tiny_config, tmp_path):
    from vidsparse.data.clips import load_clips
    from vidsparse.data.loader import Steps, TrainingClips, batches, make_loader

    clips = load_clips(tiny_config().data, 0, tmp_path / "index")
    steps = Steps(len(clips.train), 4, seed=0)
    steps.stop = 1000
    others = multiprocessing.active_children()
    stream = batches(make_loader(TrainingClips(clips, 0), 2, batch_sampler=steps))
    next(stream)
    worker = next(child for child in multiprocessing.active_children() if child not in others)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(MachineError, match="a loader process died") as caught:
        list(stream)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_sentence_and_the_run_continues_on_a_larger_one(tiny, tiny_root, tmp_path):
    disk = tmp_path / "runs"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        full = start(settings(tiny, tiny_root, "name=full"), tmp_path)
        said, _ = full.communicate(timeout=300)
        assert full.returncode == 2, said
        assert "cannot be written" in said
        assert "Traceback" not in said
        subprocess.run(["mount", "-o", "remount,size=300m", str(disk)], check=True)
        finish(settings(tiny, tiny_root, "name=full"), tmp_path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_memory_that_is_not_there_is_one_sentence(tiny_config, monkeypatch, capsys):
    from vidsparse import cli

    def starved(*_):
        torch.empty(1 << 60)

    monkeypatch.setitem(cli.COMMANDS, "run", (starved, *cli.COMMANDS["run"][1:]))
    assert cli.main(["run", "ucf101_rigl"]) == 2
    assert "lower training.batch_size" in capsys.readouterr().err
