"""When the topology changes and what growth sees: intervals in steps or epochs, windows of samples, older runs."""

from pathlib import Path

import pytest

from vidsparse import load_config
from vidsparse.config import Config, identity
from vidsparse.training.topology_plan import Length, TopologyPlan, topology_plan
from vidsparse.utils.errors import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
UCF101 = 596  # steps of an epoch at batch 16


def planned(config: Config, per_epoch: int) -> TopologyPlan:
    return topology_plan(config.sparse, Length(config.training.batch_size, per_epoch, config.training.epochs))


@pytest.fixture
def load(ucf101_root):
    return lambda name, *words: load_config(name, [f"data.root={ucf101_root}", *words])


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_an_interval_in_epochs_becomes_steps_of_this_training(load):
    config = load("ucf101_rigl", "sparse.every_epochs=0.5")
    assert planned(config, UCF101).settings["every"] == 298
    assert planned(config, 10).settings["every"] == 5
    assert planned(config, 1).settings["every"] == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sparse.every=40",), 40),
        (("sparse.every_epochs=2",), 2 * UCF101),
        ((), UCF101),  # the shipped config's one epoch
        (("sparse.every=null", "sparse.every_epochs=null"), 100),  # the row's
    ],
)
def test_what_is_said_last_counts_whether_in_steps_or_epochs(load, words, expected):
    assert planned(load("ucf101_rigl", *words), UCF101).method.every == expected


def test_a_file_above_its_base_may_change_from_epochs_to_steps_and_back(load, tmp_path):
    steps = written(tmp_path, "base: ucf101_rigl.yaml\nname: one\nsparse: {every: 7}\n")
    assert planned(load(steps), UCF101).settings["every"] == 7
    above = tmp_path / "above.yaml"
    above.write_text("base: mine.yaml\nname: two\nsparse: {every_epochs: 3}\n")
    assert planned(load(above), UCF101).settings["every"] == 3 * UCF101


def test_growth_sees_no_more_than_the_steps_since_the_last_update(load):
    config = load("ucf101_rigl", "sparse.every=10", "sparse.grow_window=64", "training.batch_size=16")
    assert planned(config, UCF101).samples == 10 * 16
    assert planned(load("ucf101_rigl", "sparse.every=100", "sparse.grow_window=64"), UCF101).samples == 64 * 16


def test_both_intervals_at_once_and_impossible_ones_are_refused(load):
    with pytest.raises(ConfigError, match=r"sparse\.every and sparse\.every_epochs"):
        load("ucf101_rigl", "sparse.every=3", "sparse.every_epochs=1")
    for value in ("0", "-1", ".inf", ".nan"):
        with pytest.raises(ConfigError, match=r"sparse\.every_epochs"):
            load("ucf101_rigl", f"sparse.every_epochs={value}")
    with pytest.raises(ConfigError, match=r"sparse\.every_epochs"):
        load("ucf101_static", "sparse.every_epochs=1")


def test_growth_by_gradient_sees_about_4096_samples_where_there_are_so_many(load):
    window = lambda steps, *words: planned(load("ucf101_rigl", *words), steps).settings["grow_window"]  # noqa: E731
    assert window(UCF101) == 256
    assert window(UCF101, "training.batch_size=128") == 32
    assert window(UCF101, "training.batch_size=8192") == 1
    assert window(20) == 20  # no more than an epoch
    assert window(UCF101, "sparse.every=50") == 50  # no more than an interval
    assert window(UCF101, "sparse.grow_window=1") == 1


def test_random_growth_has_no_window_and_says_so(load):
    assert planned(load("ucf101_set"), UCF101).settings["grow_window"] is None
    with pytest.raises(ConfigError, match=r"sparse\.grow_window"):
        load("ucf101_set", "sparse.grow_window=4")


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many"])
def test_a_window_is_auto_or_a_number_of_steps(load, value):
    with pytest.raises(ConfigError, match=r"sparse\.grow_window"):
        load("ucf101_rigl", f"sparse.grow_window={value}")


def test_the_check_of_few_updates_names_the_interval_that_was_said(load):
    config = load("ucf101_rigl", "training.epochs=2", "training.schedule.warmup_epochs=0", "sparse.every_epochs=3")
    with pytest.raises(ConfigError, match=r"sparse\.every_epochs=3.*set sparse\.every_epochs to"):
        planned(config, 50)
    config = load("ucf101_rigl", "training.epochs=2", "training.schedule.warmup_epochs=0", "sparse.every=30")
    assert "sparse.every=30" in planned(config, 50).warning


@pytest.mark.parametrize("net", ["resnet50", "i3d", "inception_i3d"])
@pytest.mark.parametrize("method", ["rigl", "granet_g", "mest_g"])
def test_every_setting_of_the_paper_on_video_follows_one_rule(load, net, method):
    plan = planned(load(f"ucf101_paper_{net}_{method}"), UCF101)
    assert plan.updates == 49
    assert plan.method.every == 2 * UCF101
    assert plan.samples == 4096
    assert plan.fractions == pytest.approx(4.9 if method != "mest_g" else 0, abs=0.1)


@pytest.mark.parametrize("data", ["cifar10_paper_vgg16", "cifar100_paper_resnet34", "imagenet_paper_resnet50"])
def test_every_setting_of_the_paper_on_images_follows_the_same_rule(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for source in ("cifar10", "cifar100", "imagenet"):
        (tmp_path / "data" / source).mkdir()
    config = load_config(f"{data}_rigl")
    plan = planned(config, 100)
    assert plan.method.every == 200
    assert plan.fractions == pytest.approx(0.1 * plan.updates, rel=0.1)
    deit = planned(load_config("imagenet_paper_deit_base_rigl"), 1251).method
    assert (deit.every, deit.stop, deit.drop_fraction, deit.decay_until) == (7000, 0.8, 0.5, 1.0)


@pytest.mark.parametrize("method", ["granet_g", "granet_r"])
def test_a_start_that_is_not_denser_than_the_end_is_refused_or_is_dense_and_says_so(load, tmp_path, method):
    mine = written(tmp_path, "base: ucf101_dense.yaml\nname: mine\nsparse: {sparsity: 0.1}\n")
    assert load(mine, f"sparse.method={method}").sparse.initial_density == 1.0
    assert load(mine, f"sparse.method={method}", "sparse.sparsity=0.5").sparse.initial_density == 0.8
    for density in (0.5, 0.7):
        with pytest.raises(ConfigError, match=r"sparse\.initial_density=0\.\d"):
            load(mine, f"sparse.method={method}", "sparse.sparsity=0.3", f"sparse.initial_density={density}")


# What `identity` held in run.json of versions that knew none of the new settings.
OLD = {
    "rigl": {"every": 100, "stop": 0.75, "drop_fraction": 0.3},
    "mest": {"every": 100, "stop": 0.75, "drop_fraction": 0.2, "gradient_weight": 0.01},
    "itop_g": {"every": 4000, "stop": 1.0, "drop_fraction": 0.5},
    "set": {"every": 100, "stop": 1.0, "drop_fraction": 0.3},
    "static": {},
}
AS_THEN = {
    "rigl": ("sparse.grow_window=1",),
    "mest": ("sparse.reset_regrown=false",),
    "itop_g": ("sparse.grow_window=1",),
    "set": ("sparse.decay=constant",),
    "static": (),
}


@pytest.mark.parametrize("method", OLD)
def test_a_run_of_an_older_version_goes_on_with_the_values_of_then_and_with_no_others(load, method):
    typed = [f"sparse.{key}={value}" for key, value in OLD[method].items()]
    now = identity(load(f"ucf101_{method}", *typed, *AS_THEN[method]))
    settings = {key.removeprefix("sparse."): value for key, value in now.items() if key.startswith("sparse.")}
    known = {"method", "sparsity", "distribution", "first_layer", "last_layer", "depthwise", "dense_in_budget"}
    assert {key: value for key, value in settings.items() if value is not None and key not in known} == OLD[method]
    if AS_THEN[method]:
        key = AS_THEN[method][0].partition("=")[0]
        assert identity(load(f"ucf101_{method}", *typed))[key] is not None
