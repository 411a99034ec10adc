"""The examples in the README, and on the pages that it sends a newcomer to, run as they stand there."""

import re
from pathlib import Path

import pytest
import torch

import vidsparse

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = [block for page in ("README.md", "docs/training_loop.md")
          for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.S)]  # fmt: skip
PAGES = ("README.md", *(f"docs/{name}.md" for name in ("runs", "data", "checkpoints", "benchmarks", "segmentation")))
LOOPS = [block for block in BLOCKS if "sparsify" in block]


@pytest.mark.parametrize("code", LOOPS, ids=["plain", "fabric"])
def test_training_loops(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(code.strip().splitlines()) <= 16
    names: dict[str, object] = {}
    exec(code, names)
    sparse = names["sparse"]
    assert sparse.nonzero == round(0.5 * sparse.total)
    assert sparse.updates >= 3
    assert sparse.changed > 0
    weights = dict(names["model"].named_parameters())
    for name, mask in sparse.masks.items():
        weight = weights.get(name, weights.get(f"_forward_module.{name}"))
        assert not weight[~mask].any()


@pytest.mark.slow
def test_a_checkpoint_of_ones_own_is_a_table_in_ten_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = (block for block in BLOCKS if "vidsparse.evaluate(" in block)
    assert len(code.strip().splitlines()) <= 10
    torch.save(vidsparse.create_model("x3d_s", num_classes=8, frames=4, size=64).state_dict(), "mine.pth")
    names: dict[str, object] = {}
    exec(code, names)
    table = names["result"].table
    assert table["corruption"].nunique() == 17
    assert table["id"].nunique() * 17 == len(table)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pth"]


@pytest.mark.slow
def test_the_accounts_of_a_trained_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = (block for block in BLOCKS if "compact(" in block)
    names: dict[str, object] = {}
    exec(LOOPS[0] + code, names)
    assert 0.5 < names["flops"].sparse(names["sparse"].densities()) / names["flops"].dense < 1
    assert "% of the FLOPs" in capsys.readouterr().out
    clips = names["clips"]
    expected = names["model"].eval()(clips)
    assert (names["small"](clips) - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)


def test_the_corruption_example():
    import numpy as np

    (code,) = (block for block in BLOCKS if "corruptions.corrupt" in block)
    names = {"frames": np.full((4, 32, 32, 3), 128, np.uint8)}
    exec(code, names)
    assert names["noisy"].shape == (4, 32, 32, 3)
    assert (names["noisy"] != names["frames"]).any()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_names_a_script_and_a_config_that_exist(page):
    commands = re.findall(r"python (scripts/\w+\.py) (configs/\w+\.yaml)", (ROOT / page).read_text())
    assert len(commands) >= (4 if page == "README.md" else 1)
    for script, config in commands:
        assert (ROOT / script).is_file()
        assert (ROOT / config).is_file()


def test_the_pictures_of_the_readme_are_there_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert len(pictures) == 2
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 60_000
