"""Ten kills at random moments in training and ten in evaluation: `make soak`. The figures stand in docs/trials.md."""

import random
import time
from pathlib import Path

import pytest

from helpers.killing import finish, kill_after
from test_survival import same_end

KILLS = 10
BETWEEN = (3.0, 12.0)  # seconds from start to kill; a start takes 3 to 6
LONGER = {
    "training": ("training.epochs=40",),
    "evaluation": ("evaluation.corruptions=null", "evaluation.severities=[1,2,3,4,5]", "evaluation.views=8",
                   "evaluation.batch_size=8"),
}  # fmt: skip


@pytest.mark.parametrize("stage", ["training", "evaluation"])
def test_a_run_killed_ten_times_ends_as_if_nothing_had_been(stage, tiny, tiny_root, tmp_path):
    settings = [f"data.root={tiny_root}", *tiny, "engine.checkpoint_every=1", *LONGER[stage]]
    began = time.monotonic()
    finish([*settings, "name=plain"], tmp_path)
    whole, folder = time.monotonic() - began, tmp_path / "runs" / "hurt"
    begun = folder / ("checkpoints" if stage == "training" else "predictions")
    rng, kills = random.Random(stage), []
    while len(kills) < KILLS and not (folder / "report.html").exists():
        first = not begun.exists()
        moment = rng.uniform(0, 0.3) if first else rng.uniform(*BETWEEN)
        if kill_after([*settings, "name=hurt"], tmp_path, begun, moment):
            kills.append(round(moment, 2))
    finish([*settings, "name=hurt"], tmp_path)
    same_end(tmp_path / "runs" / "plain", Path(folder))
    print(f"\n{stage}: killed {len(kills)} times, after {kills} s; equal at the end (alone it takes {whole:.0f} s)")
    assert len(kills) == KILLS
