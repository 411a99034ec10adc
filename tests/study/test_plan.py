"""Which runs a study is made of: controls beside every method, once each, in an order, and named mistakes."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vidsparse import load_config
from vidsparse.cli import main
from vidsparse.config import StudyConfig, identity, to_yaml
from vidsparse.config.compose import shipped_configs
from vidsparse.run_dir.folder import RunFolder
from vidsparse.study.board import is_finished
from vidsparse.study.control_arms import NAMES, control_arms
from vidsparse.study.planned_runs import Planned, plan
from vidsparse.training.build import digests
from vidsparse.utils.errors import ConfigError

STUDIES = sorted(path.stem for path in shipped_configs().glob("dscr_*.yaml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def runs_of(*overrides: str) -> tuple[Planned, ...]:
    overrides = ("name=s", "study.methods=[rigl,set]", *overrides)
    return plan("ucf101_rigl", overrides, load_config("ucf101_rigl", overrides))


@pytest.mark.slow
def test_both_controls_stand_beside_every_method_the_dense_one_once_a_seed():
    runs = runs_of("study.sparsities=[0.3,0.5]", "study.seeds=[0,1]")
    assert [run.name for run in runs[:10]] == [
        "dense_seed0", "static_30_seed0", "rigl_30_seed0", "set_30_seed0",
        "static_30_uniform_seed0", "rigl_30_uniform_seed0", "set_30_uniform_seed0",
        "static_50_seed0", "rigl_50_seed0", "set_50_seed0",
    ]  # fmt: skip
    assert len(runs) == 2 * (1 + 3 * 3)
    assert len({run.name for run in runs}) == len(runs)
    assert sum(run.method == "dense" for run in runs) == 2


@pytest.mark.slow
def test_naming_the_controls_oneself_does_not_double_them():
    assert len(runs_of("study.methods=[dense,static,rigl]")) == 3


@pytest.mark.slow
def test_every_run_is_an_ordinary_config_that_can_be_run_on_its_own(tmp_path):
    runs = runs_of("study.seeds=[4]", "study.models=[r3d_18,x3d_s]", "training.epochs=3")
    for run in runs:
        assert run.folder == Path("runs/s") / run.name
        assert (run.config.training.seed, run.config.training.epochs) == (4, 3)
        assert (run.config.sparse.method, run.config.model.name) == (run.method, run.model)
        assert not run.config.study.methods
        (tmp_path / "one.yaml").write_text(to_yaml(run.config))
        assert identity(load_config("one.yaml")) == identity(run.config)
    assert {run.model for run in runs} == {"r3d_18", "x3d_s"}


@pytest.mark.slow
def test_a_run_of_a_study_is_the_run_that_its_settings_make():
    rigl, even = [run for run in runs_of("study.sparsities=[0.3]") if run.method == "rigl"]
    uniform = ["name=rigl_30_uniform_seed0", "sparse.sparsity=0.3", "sparse.distribution=uniform"]
    assert identity(even.config) == identity(load_config("ucf101_rigl", uniform))
    alone = load_config("ucf101_rigl", ["name=rigl_30_seed0", "sparse.sparsity=0.3"])
    assert identity(rigl.config) == identity(alone)
    (dense,) = [run for run in runs_of("study.sparsities=[0.3]") if run.method == "dense"]
    assert identity(dense.config) == identity(load_config("ucf101_dense", ["name=dense_seed0"]))


@pytest.mark.slow
def test_further_controls_stand_beside_the_methods_under_names_of_their_own():
    runs = runs_of("study.controls=[narrow,shuffled,augmix,{name: early,sparse.method: rigl,sparse.stop: 0.5}]")
    found = {run.name: run for run in runs}
    assert list(found)[4:] == [
        "dense_50_narrow_seed0", "rigl_50_shuffled_seed0", "set_50_shuffled_seed0", "dense_augmix_seed0",
        "rigl_50_early_seed0",
    ]  # fmt: skip
    assert found["dense_50_narrow_seed0"].config.model.narrowed == 0.5
    assert found["dense_50_narrow_seed0"].config.sparse.method == "dense"
    assert found["set_50_shuffled_seed0"].config.sparse.rearrange == "shuffled"
    assert found["dense_augmix_seed0"].config.training.augmix.severity == 3
    early, rigl = (found[name].config for name in ("rigl_50_early_seed0", "rigl_50_seed0"))
    assert (early.sparse.stop, rigl.sparse.stop) == (0.5, 0.75)
    assert len({run.arm for run in runs}) == len(runs)
    for wrong in ("narow", "{sparse.method: rigl}", "narrow,narrow", "{name: x,sparse.method: rigel}"):
        with pytest.raises(ConfigError, match=r"study\.controls"):
            runs_of(f"study.controls=[{wrong}]")


@pytest.mark.parametrize("name", [*NAMES, "dense", "static", "set"])
def test_nothing_else_is_called_as_a_control_or_a_method_is(name):
    """Tables look controls up by name: another arm would be taken for one of them."""
    with pytest.raises(ConfigError, match=rf"study\.controls=.*{name} is the name of a"):
        list(control_arms(StudyConfig(controls=[{"name": name, "sparse.method": "rigl"}]), []))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_of_ones_own_that_is_called_as_a_control_is_refused(name):
    with pytest.raises(ConfigError, match=rf"study\.methods: {name} is the name of a control"):
        list(control_arms(StudyConfig(methods=["rigl", name]), []))


@pytest.mark.slow
def test_data_sets_are_names_or_names_with_settings():
    data = "study.data=[ucf101,{name: small,data.frames: 4,evaluation.severities: [2]}]"
    runs = runs_of(data)
    assert {run.data for run in runs} == {"ucf101", "small"}
    assert [run.config.data.frames for run in runs if run.data == "small"] == [4] * 4
    assert runs[-1].config.evaluation.severities == [2]
    assert runs[-1].name == "small_set_50_seed0"


@pytest.mark.slow
def test_typed_settings_of_some_methods_are_left_to_those():
    runs = {run.method: run for run in runs_of("sparse.every=7")}
    assert runs["rigl"].config.sparse.every == 7
    assert runs["static"].config.sparse.every is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {("rigl", 0.1, "erk"), ("rigl", 0.1, "uniform"), ("rigl", 0.5, "erk")}),
        (["sparse.distribution=uniform"], {("rigl", 0.1, "uniform"), ("rigl", 0.5, "uniform")}),
        (["study.distributions=[erk]"], {("rigl", 0.1, "erk"), ("rigl", 0.5, "erk")}),
        (["study.distributions=[er,uniform]"], {("rigl", s, d) for s in (0.1, 0.5) for d in ("er", "uniform")}),
    ],
)
@pytest.mark.parametrize("config", ["ucf101_rigl", "ucf101_dense"])
def test_a_nearly_dense_arm_has_a_uniform_one_beside_it_and_both_have_their_own_control(config, words, expected):
    words = ["name=s", "study.methods=[rigl]", "study.sparsities=[0.1,0.5]", *words]
    runs = plan(config, words, load_config(config, words))
    arms = {run.arm[2:5] for run in runs}
    assert arms == {("dense", 0.0, ""), *expected, *(("static", *arm[1:]) for arm in expected)}
    assert all(run.config.sparse.distribution == run.distribution for run in runs if run.method != "dense")
    own = "uniform" if "sparse.distribution=uniform" in words else "erk"
    assert all((run.distribution in run.name) == (run.distribution != own) for run in runs if run.distribution)


@pytest.mark.slow
def test_the_uniform_arm_of_an_entry_that_is_uniform_itself_is_not_there_twice():
    runs = runs_of("study.sparsities=[0.2]", "study.data=[{name: even,sparse.distribution: uniform}]")
    assert [run.name for run in runs] == [f"even_{n}_seed0" for n in ("dense", "static_20", "rigl_20", "set_20")]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.distributions=[uniforn]", "uniforn is no distribution: did you mean uniform?"),
        ("study.distributions=[]", "the list is empty"),
        ("study.distributions=[erk,erk]", "twice"),
        ("study.metods=[rigl]", "did you mean study.methods?"),
        ("study.methods=[riggl]", "riggl is no method: did you mean rigl?"),
        ("study.models=[r3d18]", "did you mean r3d_18?"),
        ("study.data=[ucf11]", "did you mean ucf101?"),
        ("study.data=[{name: a,data.framez: 3}]", "did you mean data.frames?"),
        ("study.data=[{data.frames: 3}]", "a name with settings"),
        ("study.data=[{name: a},{name: a}]", "two runs are called a_dense_seed0"),
        ("study.sparsities=[1.5]", "above 0 and below 1"),
        ("study.seeds=[]", "the list is empty"),
        ("study.seeds=[0,-1]", "-1 is not a seed"),
        ("study.seeds=[0,0]", "twice"),
        ("study.jobs=0", "1 or more"),
    ],
)
def test_each_mistake_is_one_sentence_before_anything_runs(override, said, capsys, tmp_path):
    assert main(["run", "ucf101_rigl", "study.methods=[rigl]", override]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--dry-run", "--print-config"])
def test_a_dry_run_lists_the_runs_and_makes_nothing(option, capsys, tmp_path):
    assert main(["run", "ucf101_rigl", "name=s", "study.methods=[rigl]", option]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "# 3 runs in runs/s"
    assert [line.split()[:2] for line in said[1:]] == [
        ["missing", f"runs/s/{n}_seed0"] for n in ("dense", "static_50", "rigl_50")
    ]
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_dry_run_says_the_distribution_of_every_arm(capsys):
    assert main(["run", "ucf101_rigl", "name=s", "study.methods=[rigl]", "study.sparsities=[0.3]", "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in said[-2:]] == [
        ["runs/s/static_30_uniform_seed0", "r3d_18", "static", "0.3", "uniform", "seed", "0"],
        ["runs/s/rigl_30_uniform_seed0", "r3d_18", "rigl", "0.3", "uniform", "seed", "0"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_every_shipped_study_has_its_controls(name):
    base = load_config(name)
    runs = plan(name, (), base)
    arms = {(run.method, run.sparsity) for run in runs}
    assert ("dense", 0.0) in arms
    assert {sparsity for method, sparsity in arms if method == "static"} == set(base.study.sparsities)
    with pytest.raises(ConfigError, match="is no method"):
        load_config(name, ["study.methods=[nothing]"])


def test_a_run_that_began_with_weights_and_frost_of_its_own_is_finished_until_these_are_others(tmp_path):
    weights, frost = tmp_path / "begin.safetensors", tmp_path / "frost"
    frost.mkdir()
    save_file({"a": torch.zeros(2)}, weights)
    cv2.imwrite(str(frost / "pane.png"), np.full((300, 300, 3), 90, np.uint8))
    (run, *_) = runs_of(f"training.init={weights}", f"evaluation.frost_textures={frost}")
    folder = RunFolder(run.folder)
    folder.claim(run.config, "of the data", weights=digests(run.config))
    assert not is_finished(run)
    folder.write(replace(folder.record, finished="2026-12-01T00:00:00+00:00"))
    assert is_finished(run)
    save_file({"a": torch.ones(2)}, weights)
    assert not is_finished(run)
    weights.unlink()
    assert not is_finished(run)
