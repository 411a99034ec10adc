"""Generation beside its own floor: decode, corrupt and encode of the same clips in one loop with nothing around it."""

import time
from statistics import median

import numpy as np
import pytest

from helpers.orders import ROOT
from vidsparse.benchmark.formats import encode
from vidsparse.benchmark.plan import make_plan, units_of
from vidsparse.benchmark.write import claim, conclude, make_units, writing
from vidsparse.data.corrupted.corruptor import Corruptor
from vidsparse.data.load import load_and_tell
from vidsparse.loading import load_benchmark_config

SHARED = ROOT / "../shared/data/ucf101"
NAMES = "[gaussian_noise,defocus_blur,fog,brightness,jpeg_compression,rotate,freeze,h264_crf]"
ROUNDS = 3


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(number: int, *words: str):
        root = str(SHARED) if SHARED.exists() else "built-in sample data"
        settings = [f"data.root={root}", f"evaluation.corruptions={NAMES}", "evaluation.severities=[2,4]"]
        config = load_benchmark_config("ucf101_c", [*settings, f"benchmark.dir=made/{number}", *words])
        return make_plan(config, load_and_tell(config, trains=False))

    return make


def floor(plan) -> float:
    """Seconds of one process that decodes each clip once, corrupts and encodes it, and throws the bytes away."""
    corruptor = Corruptor(plan.clips, plan.config.evaluation, plan.recipe.cells)
    began = time.perf_counter()
    for entry, sample in zip(plan.stored.entries, plan.clips.test, strict=True):
        video = corruptor.decode(sample, entry.kept)
        for cell in plan.recipe.cells:
            encode(plan.recipe.format, corruptor.corrupt(video, cell, entry.kept), entry.rate, plan.recipe.crf)
    return time.perf_counter() - began


def written(plan) -> float:
    """Seconds from the first unit to the finished benchmark, workers' start included."""
    with writing(plan.stored.root):
        claim(plan.stored)
        began = time.perf_counter()
        make_units(plan, units_of(plan.stored), "writing")
        assert conclude(plan.stored) == 0
        return time.perf_counter() - began


def test_share_of_the_floor_and_gain_of_a_second_worker(plan, capsys):
    floor(plan(0, "engine.workers=0"))  # compiles, and brings the files into memory
    times: dict[str, list[float]] = {"floor": [], "here": [], "one": [], "two": []}
    for turn in range(ROUNDS):
        times["floor"].append(floor(plan(0, "engine.workers=0")))
        for name, workers in (("here", 0), ("one", 1), ("two", 2)):
            number = 100 * (turn + 1) + workers
            times[name].append(written(plan(number, f"engine.workers={workers}")))
    clips = len(plan(0).stored.entries) * len(plan(0).recipe.cells)
    ratios = {
        name: median(np.array(times[of]) / np.array(times[name]))
        for name, of in (("here", "floor"), ("one", "floor"), ("two", "one"))
    }
    with capsys.disabled():
        print(
            f"\n{clips} clips of 16 x 112 px: floor {median(times['floor']):.1f} s; share of it in this process "
            f"{ratios['here']:.3f}, on one worker with its start {ratios['one']:.3f}; two workers over one "
            f"{ratios['two']:.2f}"
        )
