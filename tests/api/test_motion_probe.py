"""The suite motion_probe: the clip that a network sees, backwards, shuffled and as one frame, reported apart."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import corruptions
import vidsparse
from vidsparse.benchmark.plan import check
from vidsparse.cli import main
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import evaluation_cells
from vidsparse.data.corrupted.corruptor import view_numbers
from vidsparse.evaluation import metrics
from vidsparse.utils.errors import ConfigError

CLIP = {"frames": 4, "stride": 2, "size": 32, "short_side": 40}


class FirstFrame(nn.Module):
    """Judges by the first frame alone, and so knows what stands there."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        start = clips[:, :, 0].mean(dim=(2, 3))
        return start * torch.tensor([1.0, -2.0, 0.5])


def test_a_probe_shows_the_frames_of_the_clean_clip_in_another_order(tiny_root, tmp_path):
    from vidsparse.data.clips import load_clips

    data = DataConfig(source="folder", root=str(tiny_root), **CLIP)
    config = EvaluationConfig(suite="motion_probe", views=2)
    clips = load_clips(data, 0, tmp_path)
    cells = evaluation_cells(config)
    assert [(cell.corruption, cell.severity) for cell in cells[1:]] == [
        ("reverse", 1), ("shuffle", 1), ("single_frame", 1),
    ]  # fmt: skip
    made = {b.cell: b.clips.numpy() for b in CorruptedUnits(clips, config, cells, [(0, range(1))])}
    assert len(view_numbers(data, config, clips.n_frames(clips.test[0]))) == len(made[0]) == 2
    assert np.array_equal(made[1], made[0][:, ::-1])
    order = corruptions.frame_order("shuffle", 1, 4, f"0/folder/{clips.test[0].id}", "motion_probe")
    assert np.array_equal(made[2], made[0][:, order])
    assert np.array_equal(made[3], made[0][:, [2, 2, 2, 2]])


def test_probes_are_reported_apart_and_are_in_no_mean(tiny_root):
    result = vidsparse.evaluate(FirstFrame(), "folder", tiny_root, labels="order", suite="motion_probe",
                                normalize="kinetics", **CLIP)  # fmt: skip
    assert list(result.probes.index) == ["reverse", "shuffle", "single_frame"]
    assert np.isnan(result.robust)
    assert result.per_corruption.empty
    table = result.table
    clean = table["corruption"] == "clean"
    wrong = table[clean].assign(corruption="fog", profile="video_c", severity=3, prediction=-1)
    both = pd.concat([table.astype({"corruption": str, "profile": str}), wrong.astype({"corruption": str})])
    assert metrics.robustness_accuracy(both) == 0.0
    assert list(metrics.probe_accuracy(both)) == list(result.probes)


def test_no_benchmark_is_written_of_probes():
    config = vidsparse.load_config("ucf101_c", ["evaluation.suite=motion_probe"])
    with pytest.raises(ConfigError, match=r"evaluation\.suite=motion_probe"):
        check(config)


@pytest.mark.slow
def test_a_run_of_probes_has_its_page_and_its_table(tiny_root, tmp_path, capsys):
    command = ["run", "ucf101_dense", "data.source=folder", f"data.root={tiny_root}", "data.frames=4", "data.stride=2",
               "data.size=32", "data.short_side=40", "training.epochs=1", "training.schedule.warmup_epochs=0",
               "engine.workers=0", "evaluation.suite=motion_probe", "name=probed", f"logging.dir={tmp_path}",
               "model.name=x3d_s", "analysis.spectral=off", "analysis.saliency=off", "report.figures=none"]  # fmt: skip
    assert main(command) == 0
    assert "probe: reverse" in capsys.readouterr().out
    assert "come backwards" in (tmp_path / "probed" / "report.html").read_text()
    assert (tmp_path / "probed" / "tables" / "motion_probe.csv").read_text().count("\n") == 4


def test_a_probe_is_asked_once_whatever_severities_there_are():
    once = [("reverse", 1), ("shuffle", 1), ("single_frame", 1)]
    for severities in ([3], [1, 2, 3]):  # of a file, which is for every suite
        config = EvaluationConfig(suite="motion_probe", severities=severities)
        assert [(cell.corruption, cell.severity) for cell in evaluation_cells(config)[1:]] == once
    with pytest.raises(ConfigError, match=r"evaluation\.severities=\[1, 2, 3\].*null"):
        vidsparse.load_config("ucf101_dense", ["evaluation.suite=motion_probe", "evaluation.severities=[1,2,3]"])
    sample = vidsparse.load_config("ucf101_dense", ["evaluation.suite=motion_probe"])  # its block says severities: [3]
    assert len(evaluation_cells(sample.evaluation)) == 4
