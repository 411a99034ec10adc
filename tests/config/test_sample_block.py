"""What a person said of a key and the built-in sample data replaces is told in one line, whatever the key."""

from pathlib import Path

import pytest

from vidsparse import load_config
from vidsparse.config.compose import compose
from vidsparse.config.sample_block import say_replaced
from vidsparse.utils.progress import aside

TAIL = "; to keep them, say them on the command line or in a sample: block of your own"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    aside.cache_clear()


def told(capsys, text: str, *words: str) -> str:
    Path("mine.yaml").write_text(f"base: ucf101_rigl.yaml\n{text}\n")
    load_config("mine.yaml", words)
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sparse: {every: 50}", "sparse.every=50 by 8"),
        ("sparse: {every_epochs: 0.5}", "sparse.every_epochs=0.5 by sparse.every=8"),
        ("training: {epochs: 5}", "training.epochs=5 by 7"),
        ("training: {optimizer: {lr: 0.2}}", "training.optimizer.lr=0.2 by 0.02"),
        ("training: {schedule: {warmup_epochs: 0}}", "training.schedule.warmup_epochs=0.0 by 0.5"),
        ("data: {frames: 8, size: 48}", "data.frames=8 by 4, data.size=48 by 32"),
        ("evaluation: {severities: [1, 2]}", "evaluation.severities=[1, 2] by [3]"),
    ],
)
def test_a_key_of_ones_own_that_a_base_replaces_is_named_with_both_values(capsys, text, said):
    assert told(capsys, text) == f"warning: the built-in sample data replaces {said} in mine.yaml{TAIL}"


def test_every_key_that_the_block_sets_is_told(capsys):
    _, origin = compose("ucf101_rigl")
    block = [key for key, place in origin.items() if "sample: block" in place]
    assert len(block) > 8
    text = "sparse: {every: 51}\ntraining: {epochs: 51, batch_size: 51, clip_norm: 51, optimizer: {lr: 51.0}"
    text += ", schedule: {warmup_epochs: 5}}\ndata: {frames: 51, stride: 51, short_side: 152, size: 52, "
    text += "augment: {scale: [0.51, 1]}}\nevaluation: {severities: [5]}"
    line = told(capsys, text)
    assert [key for key in block if f"{key}=" not in line] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: mine", ()),
        ("training: {epochs: 7}", ()),  # what the block says too
        ("training: {seed: 3}", ()),  # of which the block says nothing
        ("training: {epochs: 5}\nsample: {training: {epochs: 6}}", ()),  # the file's own block
        ("sparse: {every: 50}", ("sparse.every=50",)),
        ("sparse: {every_epochs: 0.5}", ("sparse.every_epochs=0.5",)),
    ],
)
def test_nothing_is_told_where_nothing_is_lost(capsys, text, words):
    assert told(capsys, text, *words) == ""


def test_nothing_is_told_of_data_of_ones_own(capsys):
    Path("clips").mkdir()
    assert told(capsys, "training: {epochs: 9}\ndata: {root: clips}") == ""


def test_another_split_is_replaced_wherever_it_stands(capsys):
    assert "data.split=2 by 1 in mine.yaml" in told(capsys, "data: {split: 2}")
    assert "data.split=3 by 1 on the command line" in told(capsys, "name: mine", "data.split=3")


def test_it_is_told_once_and_never_among_what_is_printed(capsys):
    told(capsys, "training: {epochs: 5}")
    load_config("mine.yaml")
    assert capsys.readouterr() == ("", "")


def test_nothing_replaced_says_nothing():
    assert say_replaced([]) == ""
