"""What is to be done is known, cut into parts and checked before anything is."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.orders import finish
from vidsparse.benchmark.estimate import check_room, estimate
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.plan import make_plan, share, units_of
from vidsparse.data.load import load_and_tell
from vidsparse.utils.errors import BenchmarkError, ConfigError


@given(st.integers(0, 60), st.integers(1, 20))
def test_shards_share_out_every_unit_once_and_as_evenly_as_can_be(count, of):
    parts = [share(tuple(range(count)), f"{number}/{of}") for number in range(1, of + 1)]
    assert [unit for part in parts for unit in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("wrong", ["0/4", "5/4", "3", "a/b", "/", "3/"])
def test_a_shard_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError, match="a part such as 3/16"):
        share((), wrong)


def test_a_plan_has_clean_and_every_condition_of_every_clip_in_the_order_of_the_split(order):
    config = order()
    clips = load_and_tell(config, trains=False)
    plan = make_plan(config, clips)
    units = units_of(plan.stored)
    assert len(units) == 3 * (1 + 3 * 2)
    assert [unit.name for unit in units[:3]] == ["clean/0/00000", "gaussian_noise/2/00000", "gaussian_noise/4/00000"]
    assert [entry.id for entry in plan.stored.entries] == [sample.id for sample in clips.test]
    assert plan.stored.entries[0].stem == "Left/v_Left_g04_c01"
    assert all(len(entry.kept) == 4 for entry in plan.stored.entries)
    whole = make_plan(order("benchmark.materialize=videos"), clips)
    assert all(len(entry.kept) == entry.n_frames == 20 for entry in whole.stored.entries)


@pytest.mark.slow
def test_the_estimate_is_about_right_and_the_plan_writes_nothing(order, whole):
    config = order("benchmark.stage=plan")
    plan = make_plan(config, load_and_tell(config, trains=False))
    told = estimate(plan, units_of(plan.stored), 60.0)
    real = sum(path.stat().st_size for path in whole.rglob("*.mkv"))
    assert 0.7 * real < told.bytes < 1.6 * real
    assert told.frames == 6 * 7 * 4
    generate(config)
    assert not config.benchmark_folder.exists()


def test_what_does_not_fit_is_refused_before_it_is_begun(tmp_path):
    with pytest.raises(BenchmarkError, match=r"900000.0 TiB.*choose"):
        check_room(9e5 * 2**40, tmp_path / "not" / "there")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("benchmark.format=h264_420", "a third of the strength.*allow_420"),
        ("benchmark.format=cifar_npy", "images of one size"),
        ("benchmark.crf=99", "at least 0 and at most 51"),
        ("benchmark.unit=0", "1 or more"),
        ("benchmark.format=ffv2", "did you mean ffv1"),
        ("benchmark.formt=ffv1", "did you mean benchmark.format"),
        ("evaluation.canvas=crops", "did you mean crop"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(order, setting, said):
    def plan():
        config = order(setting)
        return make_plan(config, load_and_tell(config, trains=False))

    with pytest.raises(ConfigError, match=said):
        plan()


@pytest.mark.slow
def test_the_command_plans_and_refuses_with_exit_code_2(tiny_root, tmp_path):
    settings = (f"data.root={tiny_root}", "data.source=folder", "data.short_side=40", "data.size=32")
    assert "units to make" in finish((*settings, "stage=plan", "evaluation.severities=[3]"), tmp_path)
    assert "did you mean write" in finish((*settings, "stage=writ"), tmp_path, expected=2)
    assert not list(tmp_path.glob("benchmarks"))


def test_a_name_of_two_lines_is_refused_before_it_breaks_the_lists(order, tiny_root, tmp_path):
    root = Path(shutil.copytree(tiny_root, tmp_path / "root"))
    clip = next(path for path in sorted((root / "test").rglob("*")) if path.is_file())
    clip.rename(clip.with_stem("new\nline"))
    with pytest.raises(BenchmarkError, match="line break in its name"):
        generate(order(f"data.root={root}", "benchmark.stage=plan"))


def test_a_test_set_that_nobody_trains_on_is_a_source_too(order, tmp_path, capsys):
    np.save(tmp_path / "cifar10.1_v6_data.npy", np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8))
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.array([3, 9, 0, 1, 1], np.int32))
    settings = ("data.source=cifar10_1", f"data.root={tmp_path}", "data.frames=1", "data.short_side=32")
    generate(order(*settings, "benchmark.stage=plan"))
    assert "5 clips, clean and 3 corruptions" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="made from clean clips"):
        generate(order("data.source=corrupted"))
