"""Times of networks that take turns, and what is refused."""

from pathlib import Path

import numpy as np
import torch

from vidsparse.cli import main
from vidsparse.export.latency import in_turns, of_turns


def test_each_call_takes_its_turn_and_the_first_turn_does_not_count():
    said: list[str] = []
    before = torch.get_num_threads()
    times = in_turns({name: lambda name=name: said.append(name) for name in "ab"}, 1, 3)
    assert {name: len(each) for name, each in times.items()} == {"a": 3, "b": 3}
    assert "".join(said) == "baabbaab"
    assert torch.get_num_threads() == before


def test_the_threads_are_those_asked_for():
    seen: list[int] = []
    in_turns({"a": lambda: seen.append(torch.get_num_threads())}, 2, 1)
    assert seen == [2, 2]


def test_a_rare_slow_pass_is_in_the_percentile_and_not_in_the_median():
    found = of_turns([0.010] * 18 + [0.1, 0.2])
    assert found["median_ms"] == 10
    assert found["p95_ms"] == round(float(np.percentile([10.0] * 18 + [100, 200], 95)), 3) > 100


def test_a_folder_without_a_trained_network_is_refused(tmp_path, capsys):
    assert main(["latency", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "holds no trained network" in " ".join(capsys.readouterr().err.split())
    assert not Path(tmp_path / "out").exists()
