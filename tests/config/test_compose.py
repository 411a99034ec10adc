"""How a config comes together, and what is said of each mistake."""

from pathlib import Path

import pytest
import yaml

from vidsparse import load_config
from vidsparse.config import SAMPLE_ROOT, identity, to_yaml
from vidsparse.config.compose import compose, shipped_configs
from vidsparse.utils.errors import ConfigError

SHIPPED = sorted(path.stem for path in shipped_configs().glob("*.yaml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_config_is_right_and_reads_back_the_same(name, tmp_path):
    config = load_config(name, [f"data.root={tmp_path}"] if name.startswith("cifar") else [])
    (tmp_path / "again.yaml").write_text(to_yaml(config))
    assert identity(load_config("again.yaml")) == identity(config)


def test_precedence_is_base_file_sample_command_line(tmp_path):
    Path("base.yaml").write_text("training: {epochs: 10, batch_size: 10, seed: 10}\nsample: {training: {epochs: 30}}")
    Path("file.yaml").write_text("base: base.yaml\ntraining: {epochs: 20, batch_size: 20}")
    config = load_config("file.yaml", ["training.batch_size=40"])
    assert (config.training.seed, config.training.epochs, config.training.batch_size) == (10, 30, 40)
    assert config.data.root == SAMPLE_ROOT


def test_sample_block_acts_on_sample_data_alone(tmp_path):
    (tmp_path / "data/ucf101").mkdir(parents=True)
    assert load_config("ucf101_rigl").data.frames == 16
    assert load_config("ucf101_rigl", ["data.root=data/ucf101"]).training.epochs == 100
    assert load_config("ucf101_rigl", [f"data.root={SAMPLE_ROOT}"]).data.frames == 4


def test_a_root_that_the_user_gave_is_never_replaced_by_sample_data():
    with pytest.raises(ConfigError, match=r"data\.root=data/ucf101 on the command line: there is no such folder"):
        load_config("ucf101_rigl", ["data.root=data/ucf101"])
    Path("mine.yaml").write_text("base: ucf101_rigl.yaml\ndata: {root: /my/clips}")
    with pytest.raises(ConfigError, match=r"data\.root=/my/clips in mine\.yaml: there is no such folder"):
        load_config("mine.yaml")
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_config("ucf101_rigl", ["data.if_missing=error"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sparse.sparsty=0.5", "unknown key sparse.sparsty=0.5 on the command line; did you mean sparse.sparsity?"),
        ("trainin.seed=1", "unknown key trainin on the command line; did you mean training?"),
        ("training.epochs=many", "training.epochs=many on the command line does not fit: it takes a value of type int"),
        ("model=r3d_18", "model=r3d_18 on the command line does not fit: it takes a value of type mapping"),
        ("data.sampling=dens", "it takes one of dense, uniform; did you mean dense?"),
        ("sample.data.framez=8", "unknown key data.framez=8 on the command line; did you mean data.frames?"),
        ("sparse.method=riggl", "sparse.method=riggl on the command line: did you mean rigl?"),
        ("model.name=r3d18", "model.name=r3d18 on the command line: did you mean r3d_18?"),
        ("data.source=ucf", "data.source=ucf on the command line: did you mean ucf101?"),
        ("evaluation.suite=core10", "evaluation.suite=core10 on the command line: did you mean core_10?"),
        ("evaluation.corruptions=[gausian_noise]", "did you mean gaussian_noise?"),
        ("evaluation.severities=[6]", "6 is not a severity"),
        ("evaluation.severities=[]", "the list is empty"),
        ("evaluation.crops=3", "canvas crop has one"),
        ("evaluation.reference=nowhere", "run folder"),
        ("sparse.sparsity=1.2", "sparse.sparsity=1.2 on the command line: it is the share of zeros"),
        ("sparse.every=0", "sparse.every=0 on the command line"),
        ("sparse.stop=1.5", "sparse.stop=1.5 on the command line"),
        ("data.share=0", "0 < share <= 1"),
        ("data.share=1.5", "0 < share <= 1"),
        ("data.size=80", "cannot be larger than data.short_side=36"),
        ("data.size=16", "at least 32 pixels"),
        ("data.augment.scale=[0.5]", "a range of areas"),
        ("training.seed=-1", "training.seed=-1 on the command line: it must be 0 or more"),
        ("training.schedule.warmup_epochs=7", "before training.epochs=7"),
        ("training.epochs=0", "dense evaluates weights as they are"),
        ("model.weights=none.safetensors", "there is no such file"),
        ("name=a/b", "it becomes a folder"),
        ("name=a\nb", "it becomes a folder"),
        ("data.size=45", "sides of clips are even"),
        ("training.optimizer.betas=[0.9]", "two numbers"),
        ("training.optimizer.lr=nan", "a number above 0"),
        ("evaluation.severities=[3,3]", "twice"),
        ("evaluation.corruptions=[freeze,freeze]", "a corruption stands in it twice"),
        ("analysis.radii=[8,8]", "a radius stands in it twice"),
        ("training.schedule.milestones=[5,3,5]", "an epoch stands in it twice"),
        ("engine.workers=-1", "0 or more"),
        ("sample=3", "sample=3 on the command line does not fit"),
        ("name=${nope}", "name on the command line: Interpolation key 'nope' not found"),
        ("sparse.soft_bound=0.1", "rigl has no such setting; all that it has are in docs/methods/rigl.md"),
        ("seed", "'seed' on the command line is not key=value"),
    ],
)
def test_each_mistake_is_one_sentence(override, said):
    with pytest.raises(ConfigError) as caught:
        load_config("ucf101_rigl", [override])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base: [", "not a readable YAML"),
        ("- 1", "a config is a mapping"),
        ("base: mine.yaml", "circle"),
        ("base: ucf101_dens.yaml", "did you mean ucf101_dense?"),
        ("training: {epoch: 3}", "unknown key training.epoch=3 in mine.yaml; did you mean training.epochs?"),
    ],
)
def test_a_broken_file_is_named(text, said):
    Path("mine.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config("mine.yaml")
    assert said in str(caught.value)


def test_only_the_default_data_set_has_a_sample():
    with pytest.raises(ConfigError, match=r"data\.root=data/ucf101 .*: there is no such folder"):
        load_config("ucf101_rigl", ["data.source=folder"])


PATHS = (
    "data.root",
    "data.eval_root",
    "model.weights",
    "model.labels",
    "training.init",
    "evaluation.reference",
    "benchmark.dir",
    "logging.dir",
)


@pytest.mark.slow
@pytest.mark.parametrize("key", PATHS)
def test_the_users_folder_stands_for_a_leading_tilde_in_every_path(key, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    block, leaf = key.split(".")
    Path("home.yaml").write_text(f"base: ucf101_dense.yaml\n{block}: {{{leaf}: ~/x}}")
    for config in (compose("~/home.yaml")[0], compose("ucf101_dense", [f"{key}=~/x"])[0]):
        assert getattr(getattr(config, block), leaf) == f"{tmp_path}/x"
    assert compose("ucf101_dense", [f"{key}=a/~/x"])[0] != compose("ucf101_dense", [f"{key}=a{tmp_path}/x"])[0]


def test_a_tilde_is_the_users_folder_in_the_entries_of_a_study_and_in_its_name_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["study.methods=[set]", "study.data=[{name: a, data.root: ~/x}]", "name=a~/b", "data.root=~nobody_here/x"]
    config, _ = compose("ucf101_dense", words)
    assert config.study.data == [{"name": "a", "data.root": f"{tmp_path}/x"}]
    assert (config.name, config.data.root) == ("a~/b", "~nobody_here/x")


def test_a_config_that_does_not_exist_names_the_nearest_shipped_one():
    with pytest.raises(ConfigError, match="did you mean ucf101_rigl"):
        load_config("configs/ucf101_rigll.yaml")


def test_a_dense_run_has_no_sparse_settings_and_a_sparse_one_all_of_its_methods():
    dense = load_config("ucf101_rigl", ["sparse.method=dense"])
    assert identity(dense) == identity(load_config("ucf101_dense"))
    bare = load_config("ucf101_dense", ["sparse.method=set", "sparse.sparsity=0.5"]).sparse
    assert (bare.every, bare.stop, bare.drop_fraction, bare.decay) == (8, 0.75, 0.3, "cosine")


def test_where_and_how_it_runs_is_not_what_it_is():
    plain = identity(load_config("ucf101_rigl"))
    assert plain == identity(
        load_config("ucf101_rigl", ["engine.workers=2", "logging.every=1", "evaluation.reference=null"])
    )
    assert plain != identity(load_config("ucf101_rigl", ["training.seed=1"]))


def test_the_resolved_yaml_says_that_the_clips_are_sample_data():
    text = to_yaml(load_config("ucf101_rigl"))
    assert "built-in sample data" in text
    assert yaml.safe_load(text)["data"]["root"] == SAMPLE_ROOT


def test_origins_name_the_place_of_every_key():
    _, origin = compose("ucf101_rigl", ["training.seed=3"])
    assert origin["training.seed"] == "on the command line"
    assert origin["sparse.every"].startswith("in the sample: block of")
    assert origin["data.stride"].endswith("ucf101_dense.yaml")


def test_first_masks_follow_the_weights_and_are_part_of_a_run_only_where_they_are_no_draw(tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    drawn, kept = load_config("ucf101_rigl"), load_config("ucf101_rigl", [f"training.init={weights}"])
    assert (drawn.sparse.init, kept.sparse.init) == ("random", "magnitude")
    assert "sparse.init" not in identity(drawn)  # as in runs of before, which continue
    assert identity(kept)["sparse.init"] == "magnitude"
    again = load_config("ucf101_rigl", [f"training.init={weights}", "sparse.init=random"])
    assert "sparse.init" not in identity(again)
    assert identity(load_config("ucf101_rigl", ["sparse.init=magnitude"])) != identity(drawn)
    assert "sparse.init" not in identity(load_config("ucf101_dense"))
    with pytest.raises(ConfigError, match=r"sparse\.init"):
        load_config("ucf101_rigl", ["sparse.init=largest"])


@pytest.mark.parametrize("key", ["name", "data.root", "logging.dir", "evaluation.frost_textures", "sparse.exclude"])
@pytest.mark.parametrize("odd", ["a\0b", "caf\udce9"])
def test_what_no_file_name_can_hold_is_refused_by_its_key(key, odd, tmp_path):
    """A NUL, and bytes of a command line that are no UTF-8, as LANG=C and old archives have them."""
    with pytest.raises(ConfigError, match=rf"{key.replace('.', '[.]')}=.*on the command line.*character"):
        compose("ucf101_rigl", [f"{key}=[{odd}]" if key == "sparse.exclude" else f"{key}={odd}"])
    if "\0" in odd:
        (tmp_path / "mine.yaml").write_text('base: ucf101_rigl\nname: "a\\0b"\n')
        with pytest.raises(ConfigError, match="character"):
            compose(tmp_path / "mine.yaml")
