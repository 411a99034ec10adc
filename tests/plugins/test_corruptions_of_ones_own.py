"""Corruptions and suites of one's own: by name, by place, as objects; what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest

import corruptions
from corruptions import Corrupt, Corruption, CorruptionError, RandomCorrupt, Suite
from corruptions.severities import TABLES
from corruptions.suites import SUITES
from vidsparse.benchmark.fingerprint import build, same_build
from vidsparse.benchmark.generate import generate, verify
from vidsparse.benchmark.plan import make_plan
from vidsparse.data.corrupted.layout import RECIPE, read_recipe
from vidsparse.data.load import load_and_tell
from vidsparse.loading import load_benchmark_config
from vidsparse.loading.brought_rows import plugin_digests
from vidsparse.utils.errors import BenchmarkError, ConfigError

MINE = """
import numpy as np
import corruptions
from corruptions import Corruption, Suite

def dim(frames, level, scene):
    frames[:] = np.round(frames * level[0])

LEVELS = ((0.9,), (0.8,), (0.7,), (0.6,), (0.5,))
DIM = corruptions.register(Corruption("dim", "photometric", "frame", False, "mine", "nobody"), dim, LEVELS)

@corruptions.register(Corruption("inverse", "photometric", "frame", False, "mine", "nobody", levels={"mine": LEVELS}))
def inverse(frames, level, scene):
    return 255 - frames

def last_first(n_frames, level, scene):
    return np.arange(n_frames)[::-1]

corruptions.register(Corruption("backwards", "order", "order", False, "mine", "nobody"), last_first, ((1,),) * 5)
corruptions.register(Suite("mine_3", (("dim", "mine"), ("backwards", "mine"), ("contrast", "imagenet_c")), (1, 5)))
"""
CLIP = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), np.uint8)


@pytest.fixture
def mine(put):
    import vidsparse

    put("mine.py", MINE)
    vidsparse.load_config("ucf101_dense", ["plugins=mine.py"])
    return put


def test_a_corruption_of_ones_own_is_one_by_name_by_place_and_as_an_object(mine):
    expected = np.round(CLIP * 0.7).astype(np.uint8)
    assert np.array_equal(corruptions.corrupt(CLIP, "dim", 3), expected)
    assert np.array_equal(corruptions.corrupt(CLIP, "mine:DIM", 3), expected)
    assert np.array_equal(corruptions.corrupt(CLIP, "inverse", 1), 255 - CLIP)
    row = replace(corruptions.REGISTRY["dim"], name="never_registered")
    assert np.array_equal(corruptions.corrupt(CLIP, row, 3), expected)
    assert "never_registered" not in corruptions.REGISTRY
    assert np.array_equal(corruptions.corrupt(CLIP, "backwards", 1), CLIP[::-1])
    assert corruptions.frame_order("backwards", 2, 4).tolist() == [3, 2, 1, 0]
    assert np.array_equal(Corrupt("dim", 3)(CLIP), expected)
    assert RandomCorrupt("mine_3").condition("k").name in corruptions.suite("mine_3")
    assert RandomCorrupt(SUITES["mine_3"]).condition("k") == RandomCorrupt("mine_3").condition("k")
    assert TABLES["mine", "dim"][0] == (0.9,)
    assert ("mine", "dim") in TABLES
    assert "dim" in corruptions.names("photometric")


def test_what_gives_no_frames_or_is_no_record_is_refused():
    row = Corruption("odd", "mine", "frame", False, "mine", "nobody", levels={"mine": ((1,),) * 5})
    for function in (lambda f, level, scene: f[:1], lambda f, level, scene: f * 1.0):
        with pytest.raises(CorruptionError, match=r"odd gives .*not uint8"):
            corruptions.corrupt(CLIP, replace(row, function=function), 1)
    returned = replace(row, function=lambda f, level, scene: 255 - f)
    assert np.array_equal(corruptions.corrupt(CLIP, returned, 1), 255 - CLIP)
    taken = replace(row, name="fog", function=len)
    for wrong, said in (
        (taken, "fog already"),
        (replace(row, function=len, levels={}), "home"),
        (replace(row, function=len, levels={"mine": ((1,),) * 4}), "five levels"),
        (replace(row, function=len, support="pixel"), "support=pixel"),
        (replace(row, function=len, support="window"), "window"),
        (replace(row, function=len, name="a/b"), "a/b"),
        (Suite("core_10", (("fog", "imagenet_c"),)), "core_10 already"),
        (Suite("odd", (("fogg", "imagenet_c"),)), "did you mean fog"),
        (Suite("odd", (("fog", "mine"),)), "mine"),
        (3, "int"),
    ):
        with pytest.raises(CorruptionError, match=said):
            corruptions.register(wrong)
    with pytest.raises(CorruptionError, match="did you mean fog"):
        corruptions.corrupt(CLIP, "fogg", 1)


def test_a_fingerprint_is_of_what_is_used_and_of_its_source(put):
    import vidsparse

    core, everything = SUITES["core_10"].cells, corruptions.fingerprint()
    before = corruptions.fingerprint(core)
    put("mine.py", MINE)
    vidsparse.load_config("ucf101_dense", ["plugins=mine.py"])
    assert corruptions.fingerprint(core) == before
    assert corruptions.fingerprint() == everything
    own = corruptions.fingerprint(SUITES["mine_3"].cells)
    assert "mine " in own
    put("mine.py", MINE + "# edited")
    vidsparse.load_config("ucf101_dense", ["plugins=mine.py"])
    assert corruptions.fingerprint(SUITES["mine_3"].cells) != own
    assert corruptions.fingerprint(core) == before


@pytest.fixture
def order(mine, tiny_root, tmp_path):
    def load(*more):
        words = ["data.source=folder", f"data.root={tiny_root}", "data.frames=4", "data.stride=2", "data.short_side=40",
                 "data.size=32", "engine.workers=1", "benchmark.unit=3", f"benchmark.dir={tmp_path / 'made'}",
                 "evaluation.severities=[1]", f"logging.dir={tmp_path / 'runs'}", *more]  # fmt: skip
        return load_benchmark_config("ucf101_c", words)

    return load


@pytest.mark.slow
def test_a_benchmark_of_ones_own_corruptions_is_made_by_workers_and_refused_when_they_are_edited(mine, order, tmp_path):
    words = ("plugins=mine.py", "evaluation.suite=mine_3", "evaluation.corruptions=null")
    config = order(*words)
    generate(config)
    verify(config.benchmark_folder)
    assert "mine " in read_recipe(config.benchmark_folder).build
    assert {"evaluation.code mine", "plugins.mine"} <= set(plugin_digests(config))
    assert (config.benchmark_folder / "dim" / "1").is_dir()
    mine("mine.py", MINE + "# edited")
    with pytest.raises(BenchmarkError, match="another build"):
        generate(order(*words))
    mine("mine.py", MINE)
    generate(order(*words))


def test_a_benchmark_of_before_goes_on_with_its_own_form_of_the_build(order):
    config = order("evaluation.suite=core_10", "evaluation.corruptions=[contrast]")
    clips = load_and_tell(config, trains=False)
    plan = make_plan(config, clips)
    old = build(plan.recipe.format, plan.recipe.crf, True)
    assert plan.recipe.build != old
    root = config.benchmark_folder
    root.mkdir()
    of_before = replace(plan.recipe, build=old)
    (root / RECIPE).write_text(of_before.to_json())
    assert make_plan(config, clips).recipe == of_before
    assert same_build(of_before) == old
    (root / RECIPE).write_text(replace(plan.recipe, build="another").to_json())
    assert make_plan(config, clips).recipe == plan.recipe


def test_unknown_suites_and_their_places_are_refused_by_the_config(put):
    import vidsparse

    with pytest.raises(ConfigError, match=r"evaluation\.suite=core_9.*core_10"):
        vidsparse.load_config("ucf101_dense", ["evaluation.suite=core_9"])
    with pytest.raises(ConfigError, match=r"evaluation\.suite=no_sets:A.*no_sets"):
        vidsparse.load_config("ucf101_dense", ["evaluation.suite=no_sets:A"])
    put("sets.py", "from corruptions import Suite\nTWO = Suite('two', (('fog', 'imagenet_c'), ('snow', 'imagenet_c')))")
    config = vidsparse.load_config("ucf101_dense", ["evaluation.suite=sets:TWO"])
    assert config.evaluation.suite == "sets:TWO"
    assert set(plugin_digests(config)) == {"evaluation.code sets"}
