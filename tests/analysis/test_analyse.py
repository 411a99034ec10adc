"""The analyses of a real run: made once, in units, from the weights that were evaluated; tables that agree with it."""

import numpy as np
import pandas as pd
import pytest

from vidsparse.analysis import curves, spectral
from vidsparse.evaluation import metrics, predictions
from vidsparse.experiment import run

ON = (
    "training.epochs=1",
    "analysis.spectral=on",
    "analysis.saliency=on",
    "analysis.radii=[16,32]",
    "analysis.fourier=3",
)
TABLES = ("spatial", "weight_frequencies", "corruption_spectra", "filter_spectra", "attenuation", "fourier", "saliency")


@pytest.fixture
def folder(tiny_config):
    return run(tiny_config(*ON))


@pytest.mark.slow
def test_a_run_leaves_tables_that_agree_with_its_own(folder, tiny_config, monkeypatch):
    found = {name: pd.read_parquet(folder / "analysis" / f"{name}.parquet") for name in TABLES}
    table = predictions.load(folder / "predictions.parquet")
    by_radius = curves.attenuation_curves(found["attenuation"]).set_index(["axis", "side", "radius"])
    assert by_radius.loc[("space", "none", 0), "accuracy"] == pytest.approx(metrics.clean_accuracy(table))
    assert (by_radius.n == 6).all()
    assert curves.fourier_errors(found["fourier"]).shape == (3, 3)
    clean = table[table.corruption == "clean"].set_index("id")
    untouched = found["attenuation"].query("side == 'none'").set_index("id")
    assert untouched.prediction.to_dict() == clean.prediction.to_dict()
    assert untouched.group.to_dict() == clean.group.astype(str).to_dict()
    assert set(found["corruption_spectra"].corruption) == {"clean", "gaussian_noise", "motion_blur", "freeze"}

    layers = pd.read_csv(folder / "layers.csv").set_index("name")
    spatial = found["spatial"].set_index("layer")
    assert (spatial.nonzero <= layers.nonzero.reindex(spatial.index)).all()
    assert spatial.total.sum() == layers.total.sum()
    structure = pd.read_csv(folder / "structure.csv")
    assert structure.step.unique().tolist() == [3]
    assert set(structure.layer) <= set(layers.index)

    rows = found["saliency"]
    with np.load(folder / "analysis" / "saliency.npz") as arrays:
        for row in rows.itertuples():
            assert arrays[f"{row.kind}/{row.clip}/{row.condition}"].shape == (4, 32, 32)
            assert arrays[f"frames/{row.clip}/{row.condition}"].shape == (4, 32, 32, 3)
            assert arrays[f"{row.kind}/{row.clip}/{row.condition}"].max() in (0, 255)
    assert {"clean", "gaussian_noise/4"} <= set(rows.condition)
    assert not list((folder / "analysis").glob("*/"))

    page = (folder / "report.html").read_text(encoding="utf-8")
    for name in ("attenuation_space", "attenuation_time", "fourier", "filter_spectra", "corruption_spectra_space",
                 "kernel_maps", "channels", "structure_training", "saliency_grad_cam_1"):  # fmt: skip
        assert (f'<figure id="{name}">' in page) == (name != "structure_training" or structure.step.nunique() > 1)

    before = (folder / "analysis" / "fourier.parquet").stat().st_mtime_ns
    (folder / "analysis" / "saliency.parquet").unlink()
    run(tiny_config(*ON))
    assert (folder / "analysis" / "saliency.parquet").exists()
    assert (folder / "analysis" / "fourier.parquet").stat().st_mtime_ns == before
    run(tiny_config(*ON, "analysis.fourier=1"))
    assert len(pd.read_parquet(folder / "analysis" / "fourier.parquet")) == 6


@pytest.mark.slow
def test_stopped_between_units_it_does_the_rest_and_finds_the_same(tiny_config, folder):
    from vidsparse.analysis import analyse

    whole = pd.read_parquet(folder / "analysis" / "attenuation.parquet")
    saved, asked = analyse._save_table, []

    def killed(path, table):
        saved(path, table)
        if path.parent.name == "attenuation":
            asked.append(path.name)
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyse, "_save_table", killed)
        (folder / "analysis" / "attenuation.parquet").unlink()
        with pytest.raises(KeyboardInterrupt):
            run(tiny_config(*ON))
    predicted = []
    forward = spectral.predict

    def counted(conditions, *more):
        predicted.append(len(conditions))
        return forward(conditions, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyse.spectral, "predict", counted)
        run(tiny_config(*ON))
    assert asked == ["unit-0000.parquet"]
    assert sum(predicted) == whole[["axis", "side", "radius"]].drop_duplicates().shape[0] - 8
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "analysis" / "attenuation.parquet"), whole)
