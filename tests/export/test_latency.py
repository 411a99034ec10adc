"""Times of networks that take turns, and what is refused."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from vidsparse.cli import main
from vidsparse.export.footprint import peak_mb, weights_mb
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


def test_a_forward_pass_holds_what_its_two_largest_neighbours_need_at_once(capfd):
    model, given = (
        torch.nn.Sequential(torch.nn.Linear(10, 4000), torch.nn.ReLU(), torch.nn.Linear(4000, 5)),
        torch.ones(100, 10),
    )
    with torch.inference_mode():
        assert peak_mb(lambda: model(given)) == 2 * 100 * 4000 * 4 / 1e6
        model[1].inplace = True
        assert peak_mb(lambda: model(given)) == (100 * 4000 + 100 * 5) * 4 / 1e6
    assert capfd.readouterr() == ("", "")


def test_the_bytes_of_weights_are_those_of_a_file_without_its_header(tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv3d(3, 16, 3), torch.nn.BatchNorm3d(16))
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    size = (tmp_path / "weights.safetensors").stat().st_size
    header = 8 + int.from_bytes((tmp_path / "weights.safetensors").read_bytes()[:8], "little")
    assert weights_mb(model) == round((size - header) / 1e6, 3)
