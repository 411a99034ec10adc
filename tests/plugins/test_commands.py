"""Plug-ins in commands that read no config, and where code of one's own fails: what the command says last."""

import shutil

import pytest

from vidsparse.cli import main

MINE = """
from dataclasses import replace
import corruptions
import vidsparse
from corruptions import Corruption, Suite
from vidsparse.data.datasets.image_sets import load_folder

def dim(frames, level, scene):
    frames[:] = (frames * level[0]).round()

LEVELS = ((0.9,), (0.8,), (0.7,), (0.6,), (0.5,))
corruptions.register(Corruption("dim", "photometric", "frame", False, "mine", "nobody"), dim, LEVELS)
corruptions.register(Suite("dim_only", (("dim", "mine"),)))

@vidsparse.register(kind="data")
def stripes(root, split):
    return replace(load_folder(root, split), name="stripes")
"""


def test_prepare_preview_corrupt_and_list_know_what_a_plug_in_brings(put, tiny_root, tmp_path, capsys):
    put("mine.py", MINE)
    video = next(tiny_root.rglob("*.avi"))
    assert main(["corrupt", str(video), "dim", "3", "--plugins", "mine.py", "--out", "dark.mp4"]) == 0
    assert (tmp_path / "dark.mp4").is_file()
    preview = ["preview", str(video), "--corruption", "dim", "--suite", "dim_only", "--size", "32", "--severity", "1"]
    assert main([*preview, "--out", "seen", "plugins=./mine.py"]) == 0
    assert len(list((tmp_path / "seen").iterdir())) == 3
    root = tmp_path / "copy"
    shutil.copytree(tiny_root, root)
    assert main(["prepare", "stripes", str(root), "--workers", "1", "plugins=mine.py"]) == 0
    capsys.readouterr()
    assert main(["list", "data", "--plugins", "[mine.py]"]) == 0
    assert "stripes" in capsys.readouterr().out
    assert main(["corrupt", str(video), "dim", "3", "--plugins", "gone.py"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "gone.py" in said
    with pytest.raises(SystemExit):
        main(["doctor", "plugins=mine.py"])
