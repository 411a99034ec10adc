"""A run that is killed, stopped or starved says so in a sentence, loses nothing, and ends as if nothing had been.

A small seeded sample of the long trials in tests/soak (`make soak`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from killing import finish, kill_after, start
from vidsparse.engine import Checkpoints
from vidsparse.errors import VidsparseError
from vidsparse.evaluation import predictions
from vidsparse.experiment import run


def settings(tiny: tuple[str, ...], root: Path, *more: str) -> list[str]:
    return [f"data.root={root}", *tiny, "engine.checkpoint_every=1", *more]


def same_end(one: Path, two: Path) -> None:
    """Final weights, optimizer state, masks and predictions are equal, bit by bit."""
    weights = [load_file(folder / "checkpoints/final.safetensors") for folder in (one, two)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    states = [Checkpoints(folder / "checkpoints").load()[1] for folder in (one, two)]
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


def test_killed_in_training_and_in_evaluation_it_ends_the_same(tiny, tiny_root, tmp_path):
    plain = settings(tiny, tiny_root, "name=plain", "evaluation.views=8")
    finish(plain, tmp_path)
    rng = random.Random(0)
    for attempt in range(3):  # a busy machine may let a run end before the kill: then once more
        hurt = settings(tiny, tiny_root, f"name=hurt{attempt}", "evaluation.views=8")
        folder = tmp_path / "runs" / f"hurt{attempt}"
        stages = (folder / "checkpoints", rng.uniform(0.0, 0.3)), (folder / "predictions", rng.uniform(0.0, 0.01))
        if all(kill_after(hurt, tmp_path, begun, moment) for begun, moment in stages):
            break
    else:
        pytest.fail("no run could be killed in both stages")
    finish(hurt, tmp_path)
    same_end(tmp_path / "runs" / "plain", folder)


def test_ctrl_c_stops_after_the_step_with_130_and_continues(tiny, tiny_root, tmp_path):
    plain = settings(tiny, tiny_root, "name=plain", "training.epochs=6")
    stopped = settings(tiny, tiny_root, "name=stopped", "training.epochs=6", "engine.workers=1")
    process = start(stopped, tmp_path)
    while not (tmp_path / "runs/stopped/checkpoints").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to loader processes too
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command continues" in said
    assert "Traceback" not in said
    finish(stopped, tmp_path)
    finish(plain, tmp_path)
    same_end(tmp_path / "runs/plain", tmp_path / "runs/stopped")


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


def test_a_video_that_vanishes_is_replaced_in_training_and_wrong_in_evaluation(tiny_config, tiny_root, tmp_path):
    import shutil

    from vidsparse.data.cells import evaluation_cells
    from vidsparse.data.clips import load_clips
    from vidsparse.data.corrupted import CorruptedUnits
    from vidsparse.data.loader import TrainingClips

    root = Path(shutil.copytree(tiny_root, tmp_path / "copy"))
    clips = load_clips(tiny_config(f"data.root={root}").data, 0, tmp_path / "index")
    clips.train[0].path.unlink()
    assert TrainingClips(clips, 0)[0, 0][2] == -1
    clips.test[1].path.unlink()
    cells = evaluation_cells(tiny_config().evaluation)
    seen = list(CorruptedUnits(clips, tiny_config().evaluation, cells, [(0, range(3))]))
    assert [batch.ok.tolist() for batch in seen] == [[True, False, True]] * len(cells)


def test_a_decoder_that_hangs_is_cut_off_and_its_file_named(tmp_path):
    code = (
        "import time; from pathlib import Path; from vidsparse.data.watchdog import limited\n"
        "with limited(Path('fine.avi'), 5): pass\n"
        "with limited(Path('clips/hangs.avi'), 0.2): time.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "clips/hangs.avi: the decoder hangs in this file" in done.stderr
    assert "fine" not in done.stderr


def test_a_loader_process_that_dies_is_one_sentence(tiny_config, monkeypatch):
    from vidsparse.data import loader

    class Dying(torch.utils.data.Dataset):
        def __getitem__(self, _):
            os.kill(os.getpid(), signal.SIGKILL)

        def __len__(self):
            return 4

    with pytest.raises(VidsparseError, match="a loader process died"):
        list(loader.batches(torch.utils.data.DataLoader(Dying(), num_workers=1)))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_sentence_and_the_run_continues_on_a_larger_one(tiny, tiny_root, tmp_path):
    disk = tmp_path / "runs"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        full = start(settings(tiny, tiny_root, "name=full"), tmp_path)
        said, _ = full.communicate(timeout=120)
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
