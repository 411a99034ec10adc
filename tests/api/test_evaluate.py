"""`vidsparse.evaluate`: anybody's network, by the machinery of scripts/evaluate.py."""

import os
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import vidsparse
from vidsparse.cli import main
from vidsparse.evaluation import predictions
from vidsparse.utils.errors import ConfigError, RunFolderError

SUITE = {"suite": "core_10", "corruptions": ["gaussian_noise", "motion_blur"], "severities": [3]}
CLIP = {"frames": 4, "stride": 2, "size": 32, "short_side": 40}


def network(classes: int = 3) -> nn.Module:
    """A small network whose answers are spread over its classes."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(6, classes),
    )  # fmt: skip


@pytest.fixture(scope="module")
def shipped(tiny_root, tmp_path_factory):
    """A network of the table, and the run that scripts/evaluate.py makes of its weights."""
    folder = tmp_path_factory.mktemp("shipped")
    torch.manual_seed(3)
    model = vidsparse.create_model("x3d_s", num_classes=3, frames=4, size=32)
    weights = folder / "w.safetensors"
    save_file({name: value.clone() for name, value in model.state_dict().items()}, weights)
    command = ["evaluate", "evaluate_pretrained", "model.name=x3d_s", f"model.weights={weights}", "model.labels=order",
               "data.source=folder", f"data.root={tiny_root}", "data.frames=4", "data.stride=2", "data.size=32",
               "data.short_side=40", "evaluation.suite=core_10", "evaluation.severities=[3]",
               "evaluation.corruptions=[gaussian_noise,motion_blur]", "engine.workers=0", "name=there",
               f"logging.dir={folder}", "analysis.spectral=off", "analysis.saliency=off",
               "report.figures=none"]  # fmt: skip
    assert main(command) == 0
    return model, folder / "there"


@pytest.mark.slow
def test_a_shipped_network_has_the_answers_and_numbers_of_the_script_to_the_bit(shipped, tiny_root, tmp_path):
    model, run = shipped
    result = vidsparse.evaluate(model, "folder", tiny_root, labels="order", stride=2, short_side=40, **SUITE)
    theirs = predictions.load(run / "predictions.parquet")
    pd.testing.assert_frame_equal(result.table, theirs, check_exact=True)
    of_run = vidsparse.load_run(run)
    assert (result.clean, result.robust, result.numbers) == (of_run.clean, of_run.robust, of_run.numbers)
    assert result.record.data.fingerprint == of_run.record.data.fingerprint
    assert result.record.chance == of_run.record.chance
    assert result.record.corruptions_fingerprint == of_run.record.corruptions_fingerprint
    saved = result.save(tmp_path / "saved")
    kept = predictions.load(saved / "predictions.parquet")
    pd.testing.assert_frame_equal(kept.astype(theirs.dtypes), theirs, check_exact=True)
    assert (saved / "frames.npz").read_bytes() == (run / "frames.npz").read_bytes()
    assert (saved / "gallery.parquet").read_bytes() == (run / "gallery.parquet").read_bytes()


def test_the_same_call_gives_the_same_bytes(tiny_root, tmp_path):
    saved = []
    for name in ("one", "two"):
        result = vidsparse.evaluate(
            network(), "folder", tiny_root, labels="order", normalize="unit", **CLIP, **SUITE, progress=False
        )
        saved.append(result.save(tmp_path / name))
    for file in ("predictions.parquet", "frames.npz", "gallery.parquet", "config.yaml"):
        assert (saved[0] / file).read_bytes() == (saved[1] / file).read_bytes()


@pytest.mark.slow
def test_a_saved_result_is_a_run_that_reports_and_comparisons_read(shipped, tiny_root, tmp_path, capsys):
    model, run = shipped
    result = vidsparse.evaluate(model, "folder", tiny_root, labels="order", **CLIP, **SUITE)
    folder = result.save(tmp_path / "mine")
    again = vidsparse.load_run(folder)
    pd.testing.assert_frame_equal(again.table, result.table, check_exact=True)
    assert main(["report", str(folder)]) == 0
    page = (folder / "report.html").read_text()
    assert f"{100 * result.clean:.1f}" in page
    assert "Python" not in capsys.readouterr().err
    assert main(["report", str(folder), str(run), "--out", str(tmp_path / "both")]) == 0
    assert (tmp_path / "both" / "report.html").stat().st_size > 10_000


def test_nothing_is_written_where_no_folder_is_named(tiny_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {path for place in ("/tmp", os.environ.get("TMPDIR", "/tmp")) for path in Path(place).glob("vidsparse-*")}
    vidsparse.evaluate(network(), "folder", tiny_root, labels="order", normalize="unit", **CLIP, **SUITE)
    assert list(tmp_path.iterdir()) == []
    after = {path for place in ("/tmp", os.environ.get("TMPDIR", "/tmp")) for path in Path(place).glob("vidsparse-*")}
    assert after <= before


def test_every_module_is_in_its_mode_again_also_after_an_error(tiny_root):
    model = network()
    model.train()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    statistics = model[1].running_mean.clone()
    state = torch.random.get_rng_state()
    vidsparse.evaluate(model, "folder", tiny_root, labels="order", normalize="unit", **CLIP, **SUITE)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(model[1].running_mean, statistics)
    assert torch.equal(torch.random.get_rng_state(), state)
    wrong = network(5)
    with pytest.raises(ConfigError, match="5 classes"):
        vidsparse.evaluate(wrong, "folder", tiny_root, labels="order", normalize="unit", **CLIP, **SUITE)
    assert wrong.training


@pytest.mark.slow
def test_a_network_in_training_mode_answers_as_one_in_evaluation_mode(tiny_root):
    clean = {**SUITE, "suite": "clean"}
    model = network().eval()
    wanted = vidsparse.evaluate(model, "folder", tiny_root, labels="order", normalize="unit", **CLIP, **clean)
    model.train()
    closure, default, wrapped = (
        lambda clips: model(clips),
        lambda clips, held=model: held(clips),
        nn.DataParallel(model),
    )
    for asked in (model, model.forward, closure, default, partial(model), wrapped):
        found = vidsparse.evaluate(asked, "folder", tiny_root, labels="order", normalize="unit", **CLIP, **clean)
        pd.testing.assert_frame_equal(found.table, wanted.table, check_exact=True)


def test_logits_are_matched_to_classes_by_name_and_never_by_guess(tiny_root):
    model = network()
    settings = {"normalize": "unit", **CLIP, **SUITE}
    straight = vidsparse.evaluate(model, "folder", tiny_root, labels=["Left", "Right", "Still"], **settings)
    order = [2, 0, 1]
    turned = vidsparse.evaluate(
        lambda clips: model(clips)[:, order], "folder", tiny_root, labels=["still", "left", "right"], **settings
    )
    assert straight.table["prediction"].tolist() == turned.table["prediction"].tolist()
    for said in (None, ["Left", "Right", "Up"], ["Left", "Right"], ["Left", "Left", "Still"], "ordr"):
        with pytest.raises(ConfigError, match="labels"):
            vidsparse.evaluate(model, "folder", tiny_root, labels=said, **settings)


def test_what_would_be_a_guess_is_asked_for_at_once(tiny_root):
    with pytest.raises(ConfigError, match=r"frames=.*size=.*normalize="):
        vidsparse.evaluate(network(), "folder", tiny_root, labels="order")
    with pytest.raises(ConfigError, match="did you mean severities"):
        vidsparse.evaluate(network(), "folder", tiny_root, severitis=[3])
    with pytest.raises(ConfigError, match="root"):
        vidsparse.evaluate(network(), "cifar100c", labels="order", normalize="unit", frames=1, size=32)
    for settings in ({"views": "x"}, {"severities": [9]}, {"canvas": "crp"}, {"precision": "fp8"}, {"takes": "video"}):
        key = next(iter(settings))
        with pytest.raises(ConfigError, match=key):
            vidsparse.evaluate(
                network(), "folder", tiny_root, labels="order", normalize="unit", **{**CLIP, **SUITE, **settings}
            )


@pytest.mark.slow
def test_a_result_survives_a_pickle_and_is_not_saved_over_another(tiny_root, tmp_path):
    result = vidsparse.evaluate(network(), "folder", tiny_root, labels="order", normalize="unit", **CLIP, **SUITE)
    again = pickle.loads(pickle.dumps(result))
    assert again.numbers == result.numbers
    assert again.per_corruption.equals(result.per_corruption)
    folder = again.save(tmp_path / "kept")
    with pytest.raises(RunFolderError, match="replace=True"):
        result.save(folder)
    assert result.save(folder, replace=True) == folder
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(RunFolderError, match="another folder"):
        result.save(tmp_path / "other", replace=True)
    assert result.report(tmp_path / "page.html").read_text().startswith("<!")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "other", "page.html"]


@pytest.mark.slow
def test_own_numbers_of_normalisation_do_what_the_preset_does(tiny_root):
    model = network()
    settings = {"labels": "order", **CLIP, **SUITE}
    preset = vidsparse.evaluate(model, "folder", tiny_root, normalize="imagenet", **settings)
    pair = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    for said in (pair, {"mean": pair[0], "std": pair[1]}, {"image_mean": pair[0], "image_std": pair[1]}):
        named = vidsparse.evaluate(model, "folder", tiny_root, normalize=said, **settings)
        pd.testing.assert_frame_equal(named.table, preset.table, check_exact=True)
    near = ((0.485, 0.456, 0.406001), (0.229, 0.224, 0.225))
    own = vidsparse.evaluate(model, "folder", tiny_root, normalize=near, **settings)
    assert np.allclose(own.table["confidence"], preset.table["confidence"], atol=1e-4)
    assert "0.406001" in str(own.record.identity["data.normalize"])
    with pytest.raises(ConfigError, match="255"):
        vidsparse.evaluate(model, "folder", tiny_root, normalize=((123.7, 116.3, 103.5), (58, 57, 57)), **settings)
