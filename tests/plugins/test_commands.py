"""Plug-ins in commands that read no config, and where code of one's own fails: what the command says last."""

import multiprocessing
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from operator import attrgetter

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

import corruptions
from corruptions import outside
from vidsparse.cli import main
from vidsparse.config import to_yaml
from vidsparse.data.loader import batches, make_loader
from vidsparse.plugins.blame import culprit_of
from vidsparse.plugins.travelling import Travelling
from vidsparse.utils.errors import ConfigError

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


BAD = """
import torch
import corruptions
import vidsparse
from corruptions import Corruption, Suite
from torch import nn

def loss(outputs, labels):
    return outputs.mean() / CONSTANT

def flip(frames, level, scene):
    return frames[level[0]]

corruptions.register(Corruption("flip", "photometric", "frame", False, "bad", "nobody"), flip, ((99,),) * 5)
corruptions.register(Suite("bad_1", (("flip", "bad"),)))

def stripes(root, split):
    return open(root / "no_such_list")

class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.out = nn.Linear(3, num_classes)

    def forward(self, clips):
        if self.training and torch.is_grad_enabled():
            raise KeyError("stage_9")
        return self.out(clips.mean((2, 3, 4)))
"""


def line_of(text: str) -> int:
    return BAD.splitlines().index(text) + 1


@pytest.mark.slow
def test_the_place_in_a_plug_in_is_found_in_what_was_raised_in_its_causes_and_in_what_a_worker_sends(put):
    file = put("bad.py", BAD)
    outside.load("bad.py")
    module = sys.modules["bad"]

    def culprit(act):
        with pytest.raises(Exception) as caught:
            act()
        return culprit_of(caught.value)

    def wrapped():
        try:
            module.loss(torch.ones(3), None)
        except NameError as error:
            raise RuntimeError("in training") from error

    for act in (wrapped, lambda: module.loss(torch.ones(3), None)):
        found = culprit(act)
        assert (found.plugin, found.function, found.file) == ("bad", "loss", str(file))
        assert found.line == line_of("    return outputs.mean() / CONSTANT")
        assert "CONSTANT" in found.said
    sent = culprit(lambda: list(make_loader(Corrupted(), 1, batch_size=None)))
    assert (sent.function, sent.line) == ("flip", line_of("    return frames[level[0]]"))
    assert "IndexError" in sent.said
    assert culprit(lambda: {}["here"]) is None
    assert culprit(lambda: outside.load("nowhere.py")) is None


class Corrupted(Travelling, Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, place):
        return corruptions.corrupt(np.zeros((4, 16, 16, 3), np.uint8), "flip", 1)


@pytest.mark.slow
def test_a_worker_that_has_another_version_of_a_plug_in_says_so_in_a_sentence(put, capfd):
    put("bad.py", BAD)
    outside.load("bad.py")
    loader = make_loader(Corrupted(), 1, batch_size=None)
    put("bad.py", BAD + "# edited")
    with pytest.raises(ConfigError, match=r"bad.*is not what it was") as caught:
        list(batches(loader))
    assert "\n" not in str(caught.value)
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool,
        pytest.raises(ConfigError, match=r"bad.*is not what it was"),
    ):
        pool.submit(attrgetter("strange"), Corrupted()).result()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("function", "line", "words"), [
    ("forward", '            raise KeyError("stage_9")', ["model.name=bad:Net", "sparse.method=dense"]),
    ("stripes", '    return open(root / "no_such_list")', ["data.source=bad:stripes"]),
    ("flip", "    return frames[level[0]]",
     ["plugins=bad.py", "evaluation.suite=bad_1", "evaluation.corruptions=null", "training.epochs=1"]),
])  # fmt: skip
def test_a_run_ends_with_a_sentence_that_names_function_file_and_line(
    put, tiny_config, capfd, tmp_path, function, line, words
):
    file = put("bad.py", BAD)
    put("run.yaml", to_yaml(tiny_config(*words, "name=mine", "engine.workers=1")))
    assert main(["run", "run.yaml"]) == 2
    said = capfd.readouterr().err
    last = said.strip().splitlines()[-1]
    assert function in last
    assert f"{file}, line {line_of(line)}" in last
