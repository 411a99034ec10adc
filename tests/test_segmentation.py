"""The main job with a class for every pixel, at toy scale: train, be stopped, evaluate, report, compare."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from vidsparse import load_config
from vidsparse.cli import main
from vidsparse.evaluation import metrics, predictions
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.experiment import run
from vidsparse.report.figures.mask_overlays import painted
from vidsparse.report.page import write_comparison, write_report
from vidsparse.training.recipe import pixel_loss, pixel_right
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, DataError

TOY = ("data.frames=2", "data.stride=1", "data.short_side=40", "data.size=32", "model.name=unet",
       "training.epochs=2", "training.batch_size=3", "training.schedule.warmup_epochs=0", "engine.workers=0",
       "evaluation.suite=ucf101_p_16", "evaluation.severities=[1,4]", "sparse.every=1",
       "evaluation.corruptions=[gaussian_noise,static_rotate,freeze]", "evaluation.batch_size=4")  # fmt: skip
CLASSES = ("background", "<b>box</b>", "bar")


@pytest.fixture(scope="module")
def masked(tmp_path_factory) -> Path:
    """Videos of 3 frames, 40 x 48: a red box and a blue bar that move over noise."""
    root = tmp_path_factory.mktemp("masked")
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    for part, count in (("train", 6), ("test", 3)):
        for number in range(count):
            rng = np.random.default_rng([count, number])
            left = int(rng.integers(4, 20))
            folders = [root / part / kind / f"clip{number}" for kind in ("images", "masks")]
            for folder in folders:
                folder.mkdir(parents=True)
            for t in range(3):
                frame, mask = rng.integers(60, 160, (40, 48, 3), np.uint8), np.zeros((40, 48), np.uint8)
                for label, (rows, columns) in {1: (slice(6, 18), slice(left + t, left + t + 12)),
                                               2: (slice(26, 34), slice(4 + t, 40 + t))}.items():  # fmt: skip
                    mask[rows, columns], frame[rows, columns] = label, (220, 20, 20) if label == 1 else (20, 20, 220)
                mask[:, 0] = 255
                Image.fromarray(frame).save(folders[0] / f"{t}.png")
                Image.fromarray(mask).save(folders[1] / f"{t}.png")
    return root


@pytest.fixture
def config(masked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda name, *more: load_config(name, [f"data.root={masked}", *TOY, *more])


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def visible(page: str) -> str:
    """What a reader of the page sees: no code, no addresses, no style."""
    page = re.sub(r"<(style|script|pre|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"<(?!svg|/svg)[^>]*>", " ", re.sub(r' (aria-label|alt)="([^"]*)"', r"> \2 <a", page))


@pytest.mark.slow
def test_runs_of_segmentation_are_trained_stopped_evaluated_reported_and_compared(config, monkeypatch):
    monkeypatch.setattr("vidsparse.evaluation.predictor.UNIT", 1)
    with monkeypatch.context() as patch:
        patch.setattr("vidsparse.report.page.write_report", lambda run, _: run)
        dense, again = run(config("segmentation_dense", "name=dense")), run(config("segmentation_rigl", "name=again"))
    stops = iter([False, True])
    saved = predictions.save

    def killed(path, *rest):
        saved(path, *rest)
        if "unit" in path.name and next(stops, False):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config("segmentation_rigl", "name=rigl"))
        assert len(list((Path("runs/rigl/predictions")).glob("unit-*.parquet"))) == 2
        rigl = run(config("segmentation_rigl", "name=rigl"))
    tables = {path.name: predictions.load(path / "predictions.parquet") for path in (dense, rigl, again)}
    pd.testing.assert_frame_equal(tables["rigl"], tables["again"])
    assert len(tables["dense"]) == 3 * (1 + 3 * 2)
    pixels = np.stack(tables["dense"]["confusion"]).sum(axis=1)
    moved = tables["dense"]["corruption"] == "static_rotate"
    assert (pixels[~moved] == 2 * 32 * 32).all()
    assert (pixels[moved] < 2 * 32 * 32).any()  # rotation brings pixels that nobody labelled
    assert facts(rigl)["sparse"]["nonzero"] == round(0.5 * facts(rigl)["sparse"]["total"])
    assert facts(rigl)["reference"] == "runs/dense"
    assert 0 < facts(dense)["chance"] < 0.34

    page = (rigl / "report.html").read_text()
    said = visible(page)
    assert f"{100 * metrics.clean_accuracy(tables['rigl']):.1f}" in said
    assert re.findall(r"(?<![Pp]ixel )\b[Aa]ccurac\w+", said) == []
    assert "robust mIoU" in said
    assert "&lt;b&gt;box&lt;/b&gt;" in page
    assert "<b>box</b>" not in page
    assert {"frames_clean.png", "frames_freeze.png"} <= {path.name for path in (rigl / "figures").iterdir()}
    board = pd.read_csv(rigl / "tables" / "classes.csv", index_col=0)
    assert list(board.columns) == [*CLASSES, "pixel accuracy", "consistency"]
    assert board.loc["clean", list(CLASSES)].mean() == pytest.approx(metrics.clean_accuracy(tables["rigl"]))
    matrix = pd.read_csv(rigl / "tables" / "mIoU_matrix.csv", index_col=0)
    assert matrix.loc["mean", "mean"] == pytest.approx(metrics.robustness_accuracy(tables["rigl"]))
    assert "accuracy" not in (rigl / "tables" / "per_corruption.csv").read_text()

    compared = write_comparison([dense, rigl], Path("runs/both")).read_text()
    assert re.findall(r"(?<![Pp]ixel )\b[Aa]ccurac\w+", visible(compared)) == []
    (rigl / "config.yaml").write_text((rigl / "config.yaml").read_text().replace("frames: true", "frames: false"))
    assert "data:image/jpeg" in page
    assert "data:image/jpeg" not in write_report(rigl).read_text()
    assert not list((rigl / "figures").glob("frames_*"))

    info = facts(rigl)  # names of classes, runs and files are nobody's words to replace
    named = ["Chance", "accuracy", "dog, <script>alert(1)</script> Chance"]
    info["data"]["classes"], info["name"] = named[: len(CLASSES)], "robustness accuracy"
    (rigl / "run.json").write_text(json.dumps(info))
    page = write_report(rigl).read_text()
    for name in named[: len(CLASSES)]:
        assert f'<th scope="col">{html.escape(name)}</th>' in page
    assert "vidsparse report · robustness accuracy" in page
    assert "<script>alert" not in page
    assert ">Robust mIoU<" in page

    files.seal_of(rigl / "predictions.parquet").unlink()
    table = tables["dense"].drop(columns=["confusion", "consistency"]).assign(label=0, prediction=0, top5=None)
    table.to_parquet(rigl / "predictions.parquet")
    with pytest.raises(MismatchedTables, match="mIoU and accuracy do not compare"):
        write_comparison([dense, rigl], Path("runs/both"))


@pytest.mark.slow
def test_a_trained_run_is_evaluated_again_on_the_classes_of_its_data(config, masked, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr("vidsparse.report.page.write_report", lambda run, _: run)
        trained = run(config("segmentation_dense", "name=own", "training.epochs=1"))
    asked = ["segmentation_dense", f"data.root={masked}", *TOY, f"model.weights={trained}", "name=judged"]
    assert main(["evaluate", *asked]) == 0
    tables = [predictions.load(Path(f"runs/{name}/predictions.parquet")) for name in ("own", "judged")]
    pd.testing.assert_frame_equal(*tables)
    assert "mIoU in %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["model.name=r3d_18"], "made for task=classification; for task=segmentation there are fcn_resnet50"),
        (["training.mixup.mixup_alpha=0.2"], "clips are not mixed"),
        (["analysis.saliency=true"], "asks for one answer a clip"),
        (["task=segmentatoin"], "did you mean segmentation"),
    ],
)
def test_what_the_task_cannot_do_is_one_sentence(config, settings, said):
    with pytest.raises(ConfigError, match=said):
        config("segmentation_dense", *settings)


def test_data_of_the_other_kind_is_refused(config, masked, tiny_root, tmp_path):
    with pytest.raises(DataError, match=r"data\.source=folder .*task=segmentation"):
        run(config("segmentation_dense", "data.source=folder", f"data.root={tiny_root}", "name=other"))
    with pytest.raises(DataError, match="task=classification"):
        run(config("segmentation_dense", "task=classification", "model.name=cifar_resnet20", "name=other"))


def test_the_loss_is_a_mean_over_labelled_pixels_and_0_without_any():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 1, 4, 4, requires_grad=True)
    masks = torch.randint(3, (2, 1, 4, 4), dtype=torch.uint8)
    masks[:, :, 0] = 255
    kept = logits.permute(0, 2, 3, 4, 1)[masks != 255]
    by_hand = -kept.log_softmax(1).gather(1, masks[masks != 255].long()[:, None]).mean()
    torch.testing.assert_close(pixel_loss(logits, masks), by_hand)
    torch.testing.assert_close(pixel_loss((logits, logits), masks), 1.5 * by_hand)
    nothing = torch.full_like(masks, 255)
    loss = pixel_loss((logits, logits), nothing, 0.1)
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()
    assert pixel_right(logits, nothing) == 0
    answers = torch.nn.functional.one_hot(masks.long().clamp(max=2), 3).permute(0, 4, 1, 2, 3).float()
    assert pixel_right((answers, logits), masks) == 2


def test_classes_are_told_apart_without_colour():
    """In grey, two classes of one shape differ by hatch, and every border has a black and a white line."""
    picture = np.full((40, 80, 3), 120, np.uint8)
    labels = np.zeros((40, 80), np.uint8)
    labels[:, :40], labels[:, 40:] = 1, 2
    grey = painted(picture, labels).mean(axis=2)
    assert grey[10, 39] == 0
    assert grey[10, 40] == 255
    assert len(np.unique(grey[5:35, 5:35])) == 1
    assert len(np.unique(grey[5:35, 45:75])) == 2
    assert (painted(picture, np.full((8, 8), 255, np.uint8)[:8].repeat(5, 0).repeat(10, 1)) == 128).all()
