"""The whole main job at toy scale: train, be killed, continue, evaluate, report, reprint, compare."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from vidsparse.cli import main
from vidsparse.evaluation import metrics, predictions
from vidsparse.experiment import run
from vidsparse.run_dir.record import DRAWS
from vidsparse.training.engine import Checkpoints
from vidsparse.training.loop import Diverged
from vidsparse.utils.errors import ClipDecodeError, ConfigError, RunFolderError

FILES = ("config.yaml", "run.json", "metrics.csv", "topology.csv", "layers.csv", "predictions.parquet",
         "frames.npz", "gallery.parquet", "report.html", "checkpoints/final.safetensors",
         "checkpoints/step-00000006")  # fmt: skip


def final(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / "final.safetensors")


def equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def run_until_saved(config) -> None:
    """A run that ends with its first checkpoint."""
    save = Checkpoints.save

    def killed(self, step, weights, state):
        save(self, step, weights, state)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config)


def test_the_main_job_writes_everything_it_promises_and_reprints_in_a_moment(tiny_config, capsys):
    folder = run(tiny_config(), command="python scripts/run.py tiny")
    for name in FILES:
        assert (folder / name).exists(), name
    table = predictions.load(folder / "predictions.parquet")
    assert len(table) == 6 * (1 + 3 * 2)
    assert not (folder / "predictions").exists()
    said = facts(folder)
    assert said["sparse"]["updates"] > 0
    assert said["sparse"]["changed"] > 0
    assert said["sparse"]["nonzero"] == round(0.5 * said["sparse"]["total"])
    weights = final(folder)
    layers = pd.read_csv(folder / "layers.csv")
    assert all(int(weights[row["name"]].count_nonzero()) <= row.nonzero for _, row in layers.iterrows())
    assert pd.read_csv(folder / "topology.csv").changed.sum() == said["sparse"]["changed"]
    assert str(round(100 * metrics.clean_accuracy(table), 1)) in (folder / "report.html").read_text()

    before = (folder / "predictions.parquet").stat().st_mtime_ns
    capsys.readouterr()
    run(tiny_config())
    assert (folder / "predictions.parquet").stat().st_mtime_ns == before
    assert "gaussian_noise" in capsys.readouterr().out
    with pytest.raises(RunFolderError):
        run(tiny_config("training.seed=1"))


@pytest.mark.slow
def test_a_run_stopped_in_training_ends_in_the_same_weights_and_predictions(tiny_config):
    whole = run(tiny_config("name=whole"))
    run_until_saved(tiny_config("name=stopped"))
    stopped = run(tiny_config("name=stopped"))
    assert equal(final(whole), final(stopped))
    one, two = (predictions.load(folder / "predictions.parquet") for folder in (whole, stopped))
    pd.testing.assert_frame_equal(one, two)
    steps = pd.read_csv(stopped / "metrics.csv").step.tolist()
    assert steps == pd.read_csv(whole / "metrics.csv").step.tolist()


@pytest.mark.slow
def test_a_run_of_before_goes_on_with_the_draws_that_it_began_with(tiny_config, monkeypatch):
    steps = ("training.epochs=4", "engine.checkpoint_every=6")
    new = run(tiny_config("name=new", *steps))
    with monkeypatch.context() as patch:
        patch.setattr("vidsparse.run_dir.folder.DRAWS", 1)
        old = run(tiny_config("name=old", *steps))
        run_until_saved(tiny_config("name=half", *steps))
    half = run(tiny_config("name=half", *steps))
    assert [facts(folder).get("draws", 1) for folder in (new, old, half)] == [DRAWS, 1, 1]
    assert equal(final(half), final(old))
    assert not equal(final(new), final(old))


@pytest.mark.slow
def test_an_evaluation_stopped_between_units_does_only_what_is_missing(tiny_config, monkeypatch):
    whole = run(tiny_config("name=whole", "training.epochs=1", "evaluation.views=4"))
    from vidsparse.evaluation import evaluate

    saved = []

    def killed(path, *rest):
        predictions_save(path, *rest)
        saved.append(path.name)
        if len(saved) == 1:
            raise KeyboardInterrupt

    predictions_save = evaluate.predictions.save
    monkeypatch.setattr(evaluate.predictions, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_config("name=stopped", "training.epochs=1", "evaluation.views=4"))
    stopped = run(tiny_config("name=stopped", "training.epochs=1", "evaluation.views=4"))
    assert saved == ["unit-00000.parquet", "unit-00001.parquet", "predictions.parquet"]
    pd.testing.assert_frame_equal(
        predictions.load(whole / "predictions.parquet"), predictions.load(stopped / "predictions.parquet")
    )


@pytest.mark.slow
@pytest.mark.parametrize("hurt", [False, True])
def test_a_unit_that_was_stopped_goes_on_with_its_next_cell(tiny_config, monkeypatch, hurt):
    settings = ("training.epochs=1", "evaluation.views=4", "evaluation.severities=[1,2,3]")
    whole = run(tiny_config("name=whole", *settings))
    from vidsparse.evaluation import open_units

    saved, save = [], predictions.save

    def killed(path, *rest):
        save(path, *rest)
        saved.append(path.name)
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(open_units, "_EVERY_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(predictions, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_config("name=stopped", *settings))
    assert saved == ["unit-00000.begun"] * 3
    begun = whole.with_name("stopped") / "predictions" / "unit-00000.begun"
    assert predictions.read_part(begun).num_rows == 3 * len(predictions.read_part(begun)["id"].unique()) * 5
    if hurt:
        begun.write_bytes(begun.read_bytes()[:-100])
    monkeypatch.setattr(predictions, "save", lambda path, *rest: (saved.append(path.name), save(path, *rest)))
    stopped = run(tiny_config("name=stopped", *settings))
    cells = len(predictions.load(whole / "predictions.parquet")[["corruption", "severity"]].drop_duplicates())
    of_first = [name for name in saved[3:] if name.startswith("unit-00000")]
    assert len(of_first) == (cells if hurt else cells - 3)
    assert not (stopped / "predictions").exists()
    assert (stopped / "predictions.parquet").read_bytes() == (whole / "predictions.parquet").read_bytes()


@pytest.mark.slow
def test_loader_workers_do_not_change_the_result(tiny_config):
    alone = run(tiny_config("name=alone", "training.epochs=1"))
    helped = run(tiny_config("name=helped", "training.epochs=1", "engine.workers=2"))
    assert equal(final(alone), final(helped))
    pd.testing.assert_frame_equal(
        predictions.load(alone / "predictions.parquet"), predictions.load(helped / "predictions.parquet")
    )


@pytest.mark.slow
def test_the_dense_sibling_is_found_and_gains_are_measured_against_it(tiny_config):
    first = run(tiny_config("training.epochs=1"), command="python scripts/run.py x name=tiny")
    assert facts(first)["reference"] is None
    assert "python scripts/run.py x sparse.method=dense name=tiny_dense" in (first / "report.html").read_text()
    dense = run(tiny_config("training.epochs=1", "name=tiny_dense", "sparse.method=dense"))
    other = run(tiny_config("training.epochs=1", "name=other", "sparse.method=dense", "training.seed=3"))
    again = run(tiny_config("training.epochs=1"))
    assert facts(again)["reference"] == str(dense)
    assert main(["report", str(again), str(dense), str(other), "--out", "compared"]) == 0
    assert Path("compared/report.html").exists()
    assert main(["report", str(first)]) == 0
    assert facts(dense)["sparse"]["updates"] == 0
    assert not list(dense.glob("figures/*topology*"))


@pytest.mark.slow
def test_evaluate_takes_weights_as_they_are(tiny_config, tiny_root):
    trained = run(tiny_config("training.epochs=1"))
    weights = trained / "checkpoints" / "final.safetensors"
    evaluated = run(tiny_config("name=again", "training.epochs=0", "sparse.method=dense", f"model.weights={weights}"))
    pd.testing.assert_frame_equal(
        predictions.load(trained / "predictions.parquet"), predictions.load(evaluated / "predictions.parquet")
    )
    assert "weights of final.safetensors" in (evaluated / "report.html").read_text()
    Path("alone.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(
        ConfigError, match=r"names none of its \d classes"
    ):  # nor is its head trained further by position
        run(tiny_config("name=further", "training.epochs=1", "model.weights=alone.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    weights.with_name(f"{weights.name}.sha256").unlink()  # other weights, not damaged ones
    with pytest.raises(RunFolderError, match=r"model\.weights"):
        run(tiny_config("name=again", "training.epochs=0", "sparse.method=dense", f"model.weights={weights}"))


@pytest.mark.slow
def test_accumulation_validation_and_adamw_run(tiny_config):
    folder = run(
        tiny_config(
            "training.epochs=1",
            "training.accumulate=2",
            "data.val_fraction=0.25",
            "training.optimizer.name=adamw",
            "training.optimizer.lr=0.001",
            "training.clip_norm=1",
            "training.label_smoothing=0.1",
            "evaluation.views=2",
            "evaluation.crops=3",
            "evaluation.canvas=frame",
            "sparse.method=set",
            "evaluation.corruptions=[zoom_blur]",
        )
    )
    assert 0 <= pd.read_csv(folder / "metrics.csv").val_accuracy.iloc[-1] <= 1
    table = predictions.load(folder / "predictions.parquet")
    assert sorted(table.view.unique()) == [-1, 0, 1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_loss_that_is_no_number_names_step_rate_and_last_checkpoint(tiny_config):
    with pytest.raises(Diverged, match=r"by step \d+, learning rate .*(last good checkpoint|no checkpoint yet)"):
        run(tiny_config("training.optimizer.lr=1e6", "training.epochs=4"))


@pytest.mark.slow
def test_batch_norm_statistics_survive_where_they_are_not_re_estimated(tiny_config):
    folder = run(tiny_config("training.epochs=1", "training.precise_bn=0"))
    spread = [v for n, v in final(folder).items() if n.endswith("running_var")]
    assert any(bool((v != 1).any()) for v in spread)


@pytest.mark.slow
def test_a_clip_that_cannot_be_read_is_a_sentence_also_from_a_worker(tiny_config, tiny_root, tmp_path, capsys):
    root = shutil.copytree(tiny_root, tmp_path / "broken")
    bad = sorted((root / "train" / "Left").iterdir())[0]
    bad.write_bytes(b"")
    strict = ["data.on_error=raise", "engine.workers=1", f"data.root={root}", "name=strict", "training.epochs=1"]
    with pytest.raises(ClipDecodeError) as caught:
        run(tiny_config(*strict))
    assert bad.name in str(caught.value)
    assert "\n" not in str(caught.value)
    folder = run(tiny_config(f"data.root={root}", "name=lenient", "training.epochs=1"))
    assert len(facts(folder)["unreadable_places"]) == 1
    assert "1 training clip could not be read" in (folder / "report.html").read_text()
    assert f"{bad}" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ucf101_paper_resnet50_mest_g", "ucf101_paper_i3d_granet_g"])
def test_the_papers_settings_dry_run_and_leave_nothing(name, tiny_root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["data.source=folder", f"data.root={tiny_root}", "data.frames=4", "data.short_side=40", "data.size=32",
             "training.batch_size=4"]  # fmt: skip
    assert main(["run", name, *small, "--dry-run"]) == 0
    assert "dry run    all is well; a step took" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [".index"]


def test_a_dynamic_method_that_would_never_update_is_refused_before_training(tiny_config):
    with pytest.raises(ConfigError, match=r"sparse\.every=100: rigl .* set sparse\.every to"):
        run(tiny_config("sparse.every=100"))
