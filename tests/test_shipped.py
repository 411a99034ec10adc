"""Every shipped config runs: all in tests/soak, a sample here, on built-in sample data in the config's own family."""

import random

import pytest

from vidsparse import load_config
from vidsparse.config import SAMPLE_ROOT, identity
from vidsparse.config.compose import ROOTS, shipped_configs
from vidsparse.experiment import dry_run
from vidsparse.models.zoo import model_spec
from vidsparse.tasks import TASKS

FILES = shipped_configs().glob("*.yaml")
SHIPPED = sorted(path.stem for path in FILES if "\nbenchmark:" not in path.read_text())  # the others make benchmarks
SAMPLE = [*random.Random(4).sample([name for name in SHIPPED if "paper" in name], 2), "segmentation_rigl"]
PAPER = ("cifar10_paper_vgg16", "cifar100_paper_resnet34", "tiny_imagenet_paper_efficientnet_b0",
         "imagenet_paper_resnet50", "imagenet_paper_deit_base", "ucf101_paper_resnet50",
         "ucf101_paper_i3d")  # fmt: skip


def tiny(name: str, root: object) -> list[str]:
    """What makes a dry run of a config take seconds: the tiny clips, small frames."""
    config = load_config(name)
    frames = 1 if model_spec(config.model.name).family == "image" else 4
    every = ["sparse.every=1"] if config.sparse.every else []
    place = ["data.source=folder", f"data.root={root}"]
    if TASKS[config.task].masks:
        frames, place = min(frames * config.data.frames, 2), [f"data.root={SAMPLE_ROOT}"]
    return [*place, "data.if_missing=error", "data.short_side=40", "data.size=32",
            f"data.frames={frames}", "training.batch_size=4", "evaluation.batch_size=4", "engine.workers=0",
            "training.init=null", *every]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_shipped_config_dry_runs(name, tiny_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dry_run(load_config(name, tiny(name, tiny_root)))


@pytest.mark.parametrize("name", PAPER)
def test_a_setting_of_the_papers_table_has_its_control_and_the_three_methods_of_the_table(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    control = load_config(name)
    assert control.sparse.method == "dense"
    for method in ("rigl", "mest_g", "granet_g"):
        config = load_config(f"{name}_{method}")
        assert config.sparse.method == method
        assert config.training.epochs == control.training.epochs
        assert config.sparse.sparsity == (0.4 if "cifar" in name or "tiny" in name else 0.1)


@pytest.mark.slow
def test_every_sparse_config_has_a_dense_control_that_differs_in_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    methods, controls = {}, {}
    for name in SHIPPED:
        items = identity(load_config(name)).items()
        methods[name] = dict(items)["sparse.method"]
        controls[name] = {key: value for key, value in items if key != "name" and not key.startswith("sparse.")}
    dense = [controls[name] for name in SHIPPED if methods[name] == "dense"]
    assert [name for name in SHIPPED if controls[name] not in dense] == []


@pytest.mark.parametrize("source", ROOTS)
def test_the_sample_stands_in_for_a_data_set_that_is_not_there_and_for_no_other(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prefix = {"video_masks": "segmentation"}.get(source, source)
    name = next(name for name in SHIPPED if (name.startswith(prefix) and "dense" in name) or f"{source}_paper" in name)
    config = load_config(name, ["data.if_missing=sample"])
    assert config.data.source == TASKS[config.task].sample
    (tmp_path / ROOTS[source]).mkdir(parents=True)
    assert load_config(name).data.source == source


@pytest.mark.slow
def test_the_first_run_is_light_anywhere():
    from vidsparse.data.datasets.sample_videos import ensure_sample
    from vidsparse.models.zoo import create_model
    from vidsparse.sparsity import count_flops

    config = load_config("ucf101_rigl", [f"data.root={SAMPLE_ROOT}"])
    lists = ensure_sample() / "ucfTrainTestlist"
    train, test = (len((lists / f"{part}list01.txt").read_text().split("\n")[:-1]) for part in ("train", "test"))
    assert (train, test) == (128, 48)
    model = create_model(config.model.name, 8, frames=config.data.frames, size=config.data.size)
    forward = count_flops(model, (1, 3, config.data.frames, config.data.size, config.data.size)).dense
    assert 3 * forward * train * config.training.epochs + forward * test * 17 <= 6.2e12, "dense; RigL less"
