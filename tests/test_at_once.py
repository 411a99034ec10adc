"""Two processes of one command at the same instant: one does the work, the other is told by whom, or finds it done."""

import json
import re

import pytest

from helpers.at_once import twice
from vidsparse.utils.errors import VidsparseError
from vidsparse.utils.launch import check_alone

TAKEN = re.compile(r"process \d+ on \S+ (is at work there|writes the same units)")


@pytest.mark.slow
def test_two_commands_on_one_benchmark_make_it_once(tiny_root, tmp_path):
    settings = ["ucf101_c", f"data.root={tiny_root}", "data.source=folder", "data.frames=4", "data.size=32",
                "data.short_side=40", "evaluation.suite=core_10", "evaluation.corruptions=[gaussian_noise]",
                "evaluation.severities=[1]", "name=b", "workers=0"]  # fmt: skip
    (code, said), (other, why) = twice("generate", settings, tmp_path)
    assert code == 0, said
    assert (other == 2 and TAKEN.search(why)) or other == 0, why
    assert "Traceback" not in said + why
    assert not list((tmp_path / "benchmarks" / "b").rglob(".*"))


@pytest.mark.slow
def test_two_commands_on_one_run_train_it_once(tiny, tiny_root, tmp_path):
    (code, said), (other, why) = twice("run", ["ucf101_rigl", *tiny, f"data.root={tiny_root}"], tmp_path)
    assert code == 0, said
    assert (other == 2 and TAKEN.search(why)) or other == 0, why
    assert "Traceback" not in said + why
    run = tmp_path / "runs" / "tiny"
    assert json.loads((run / "run.json").read_text())["finished"]
    assert not list(run.rglob(".*"))


def test_ranks_of_another_launcher_are_told_what_to_say_instead(monkeypatch):
    check_alone("")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(VidsparseError, match=r"process 1 of 2 .*set engine\.devices"):
        check_alone("set engine.devices")
