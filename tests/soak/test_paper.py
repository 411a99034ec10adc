"""The paper's eight configs really make a step at their full size, 8 frames at 224 pixels and 101 classes: `make soak`.

Of the batch there are 2 clips, which is what a small machine has room and time for.
"""

from pathlib import Path

import pytest

from vidsparse.cli import main

CONFIGS = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "configs").glob("*_paper_*.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_papers_settings_dry_run_at_their_full_size(name, ucf101_root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", name, f"data.root={ucf101_root}", "training.batch_size=2", "--dry-run"]) == 0
    said = capsys.readouterr().out
    print(f"\n{name}: " + " ".join(said.split()))
    assert "dry run all is well; a step took" in " ".join(said.split())
