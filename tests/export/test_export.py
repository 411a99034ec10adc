"""Networks as files of other runtimes: the same logits, for any number of clips, and evaluated as any weights are."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vidsparse.cli import main
from vidsparse.data.datasets.sample_videos import SAMPLE_CLASSES
from vidsparse.export import command
from vidsparse.export.convert import convert
from vidsparse.models.exported import Exported
from vidsparse.models.zoo import create_model
from vidsparse.run_dir.record import read_record
from vidsparse.utils import locks
from vidsparse.utils.errors import ConfigError

KINDS = [("torch", ".pt2"), ("onnx", ".onnx"), ("openvino", ".xml")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar_resnet20", "unet", "lraspp_mobilenet_v3_large"])
@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_an_exported_network_answers_the_same_for_any_number_of_clips(name, kind, suffix, tmp_path):
    model = create_model(name, 5, frames=2, size=32).eval()
    path, generator = tmp_path / f"model{suffix}", torch.Generator().manual_seed(0)
    convert(model, torch.randn(2, 3, 2, 32, 32, generator=generator), kind, path)
    for count in (1, 3):
        clips = torch.randn(count, 3, 2, 32, 32, generator=generator)
        with torch.inference_mode():
            torch.testing.assert_close(Exported(path)(clips), model(clips), rtol=1e-4, atol=1e-4)
    assert Exported(path).classes(2, 32) == 5
    with pytest.raises(ConfigError, match="clips of 2 frames of 40 x 40"):
        Exported(path).classes(2, 40)


def test_a_network_that_branches_on_numbers_is_refused_in_a_sentence(tmp_path):
    class Branching(nn.Module):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            return clips.mean((2, 3, 4)) if clips.sum() > 0 else clips.amax((2, 3, 4))

    with pytest.raises(ConfigError, match="Branching cannot be exported as torch"):
        convert(Branching(), torch.randn(2, 3, 2, 4, 4), "torch", tmp_path / "model.pt2")


def test_a_file_that_no_runtime_can_read_is_said(tmp_path):
    (tmp_path / "model.pt2").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"model\.pt2 cannot be read"):
        Exported(tmp_path / "model.pt2")


@pytest.mark.slow
def test_a_compacted_and_exported_network_gives_the_predictions_of_the_masked_one(tmp_path, monkeypatch, capsys):
    """A whole evaluation by the same command; ties are broken alike here."""
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    small = [
        "data.frames=2",
        "data.stride=4",
        "data.short_side=40",
        "data.size=32",
        "evaluation.suite=core_10",
        "report.figures=none",
    ]
    quiet = ["analysis.spectral=false", "analysis.saliency=false"]
    trained = ["training.epochs=1", "training.schedule.warmup_epochs=0", "sparse.every=2"]
    trained += ["sparse.settings={channel_sparsity: 0.5}", "sparse.sparsity=0.8"]
    assert main(["run", "ucf101_chase", "name=a", "model.name=cifar_resnet20", *small, *quiet, *trained]) == 0
    assert main(["export", "runs/a", "--to", "torch", "--compact"]) == 0
    said = json.loads(Path("runs/a/exported/config.json").read_text())
    assert (said["input"]["size"], len(said["id2label"])) == (32, 8)
    assert {key: said[key] for key in ("model", "narrowed", "method", "sparsity")} == {
        "model": "cifar_resnet20", "narrowed": 0.0, "method": "chase", "sparsity": 0.8,
    }  # fmt: skip
    assert said["files"]["compact.pt2"]["compact"]
    refuses_what_it_must()
    assert main(["latency", "runs/a", "--threads", "2", "1", "1", "--turns", "3", "--out", "timed"]) == 0
    Path("elsewhere").mkdir()
    with monkeypatch.context() as patch:
        patch.chdir("elsewhere")  # where the data of the run are not: networks are timed without them
        assert main(["latency", "../runs/a", "--threads", "1", "--turns", "1", "--out", "timed"]) == 0
    timed, parameters = pd.read_csv("timed/latency.csv"), read_record(Path("runs/a")).model.parameters
    assert list(timed["threads"]) == [2, 1]
    assert (timed["run"] == "a").all()
    assert ((timed["parameters"] < parameters) & (timed["p95_ms"] >= timed["median_ms"]) & (timed["turns"] == 3)).all()
    given = ["model.name=cifar_resnet20", "model.weights=runs/a/exported/compact.pt2"]
    assert main(["evaluate", "evaluate_pretrained", "name=b", *given, *small, *quiet]) == 0
    Path("runs/b/predictions.parquet").unlink()  # goes on where it has the network and lacks the predictions
    capsys.readouterr()
    assert main(["evaluate", "evaluate_pretrained", "name=b", *given, *small, *quiet]) == 0
    assert "cannot be read" not in capsys.readouterr().out
    ours, theirs = (pd.read_parquet(f"runs/{name}/predictions.parquet") for name in "ab")
    both = ours.merge(theirs, on=["id", "view", "corruption", "severity"], suffixes=("", "_exported"))
    assert len(both) == len(ours) == len(theirs) > 0
    assert (both.prediction == both.prediction_exported).all()
    assert (both.loss - both.loss_exported).abs().max() < 1e-4
    assert "not counted: the network is an exported file" in Path("runs/b/report.html").read_text()
    assert not {"parameters"} & (entry := json.loads(Path("runs/b/results.json").read_text())["entries"][0]).keys()
    assert entry["nonzero"] is None
    record = read_record(Path("runs/b"))
    assert record.weights is not None
    assert record.weights.classes == 8
    assert record.model is not None
    assert record.model.parameters == 0


def refuses_what_it_must() -> None:
    """A file that answers otherwise leaves nothing behind, a folder of others is not written to, one clip is enough."""
    kept = {path: path.read_bytes() for path in Path("runs/a/exported").iterdir()}
    others = Path("others")
    others.mkdir()
    (others / "config.json").write_text("{}")
    assert main(["export", "runs/a", "--to", "torch", "--out", "others"]) == 2
    assert [path.name for path in others.iterdir()] == ["config.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_TOLERANCE", -1.0)
        for out in ("runs/a/exported", "new"):
            assert main(["export", "runs/a", "--to", "torch", "--compact", "--out", out]) == 2
    assert {path: path.read_bytes() for path in Path("runs/a/exported").iterdir()} == kept
    assert not [*Path("new").iterdir()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_CHECKED", 1)
        assert main(["export", "runs/a", "--to", "torch", "--out", "one"]) == 0
    assert sorted(path.name for path in Path("one").iterdir()) == ["config.json", "model.pt2"]


def test_what_a_killed_export_left_behind_goes_at_the_next_one(tmp_path):
    dead, other = tmp_path / ".making" / f".export.99999999-1-{locks.machine()}.tmp", tmp_path / ".mine.tmp"
    for left in (dead, other):
        left.mkdir(parents=True)
    with command._making(tmp_path) as folder:
        (folder / "model.pt2").touch()
        assert not dead.exists()
        with command._making(tmp_path / "beside"):
            assert (folder / "model.pt2").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name != "beside"] == [".mine.tmp"]


@pytest.mark.slow
def test_weights_of_others_that_a_run_judged_are_exported_with_all_their_classes(tmp_path, monkeypatch, capsys):
    """An evaluation of a checkpoint with more classes than the data leads on to its files, and these to its answers."""
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    small = ["data.frames=2", "data.stride=4", "data.short_side=40", "data.size=32", "report.figures=none"]
    small += ["evaluation.suite=core_10", "analysis.spectral=false", "analysis.saliency=false"]
    small += ["data.root='built-in sample data'", "model.name=cifar_resnet20"]
    torch.manual_seed(0)
    save_file(create_model("cifar_resnet20", 12, frames=2, size=32).state_dict(), "theirs.safetensors")

    Path("names.txt").write_text("\n".join(["other_a", *SAMPLE_CLASSES[::-1], "other_b", "other_c", "other_d"]))
    judge = ["evaluate", "evaluate_pretrained", *small]
    assert main([*judge, "name=a", "model.weights=theirs.safetensors", "model.labels=names.txt"]) == 0
    assert main(["export", "runs/a", "--to", "torch"]) == 0
    assert len(json.loads(Path("runs/a/exported/config.json").read_text())["id2label"]) == 12
    assert main([*judge, "name=b", "model.weights=runs/a/exported/model.pt2"]) == 0
    theirs, ours = (pd.read_parquet(f"runs/{name}/predictions.parquet") for name in "ab")
    both = ours.merge(theirs, on=["id", "view", "corruption", "severity"], suffixes=("", "_exported"))
    assert len(both) == len(ours) == len(theirs) > 0
    assert (both.prediction == both.prediction_exported).all()
    assert main(["latency", "runs/a", "--threads", "1", "--turns", "1", "--out", "timed"]) == 0
    for refused, why in [
        (["export", "runs/b"], "has no network of its own: it judged"),
        (["latency", "runs/b"], "has no network of its own: it judged"),
        (["publish", "runs/a"], "only what was trained here is published"),
    ]:
        capsys.readouterr()
        assert main(refused) == 2
        assert why in " ".join(capsys.readouterr().err.split())
