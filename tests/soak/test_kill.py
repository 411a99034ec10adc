"""Ten kills at random moments in training and ten in evaluation: `make soak`. The figures stand in docs/trials.md."""

import random
from pathlib import Path

import pytest
from test_survival import same_end

from killing import finish, kill_after

KILLS = 10


@pytest.mark.parametrize("stage", ["training", "evaluation"])
def test_a_run_killed_ten_times_ends_as_if_nothing_had_been(stage, tiny, tiny_root, tmp_path):
    longer = ("training.epochs=40",) if stage == "training" else ("evaluation.views=8", "evaluation.batch_size=8")
    settings = [f"data.root={tiny_root}", *tiny, "engine.checkpoint_every=1", *longer]
    finish([*settings, "name=plain"], tmp_path)
    folder = tmp_path / "runs" / "hurt"
    watched = {"training": folder / "run.json", "evaluation": folder / "predictions"}[stage]
    rng, killed = random.Random(stage), 0
    for _ in range(60):
        killed += kill_after(
            [*settings, "name=hurt"], tmp_path, watched, rng.uniform(0, 8 if stage == "training" else 3)
        )
        if killed == KILLS or (folder / "report.html").exists():
            break
    said = finish([*settings, "name=hurt"], tmp_path)
    same_end(tmp_path / "runs" / "plain", Path(folder))
    print(f"\n{stage}: killed {killed} times, equal at the end", "" if killed >= KILLS else said[-300:])
