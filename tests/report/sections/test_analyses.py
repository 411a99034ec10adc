"""The figures of run/analysis/ and of clips on which two networks disagree: every number, and what may not be shown."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.analysed import analyse
from vidsparse.analysis.low_frequencies import high_frequency_shares
from vidsparse.report.arms import Arm, make_arms
from vidsparse.report.figures.looks import looks_of
from vidsparse.report.page import write_comparison, write_report
from vidsparse.report.sections import analyses, disagreements, low_frequency_account
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.tables import load_run

MakeRun = Callable[..., Path]
EXHIBITS = (
    "attenuation_space",
    "attenuation_time",
    "fourier",
    "filter_spectra",
    "corruption_spectra_space",
    "corruption_spectra_time",
    "kernel_maps",
    "channels",
    "structure_training",
    "saliency_grad_cam_1",
    "saliency_grad_cam_2",
)
ACCOUNT = (
    "residual_correlation",
    "residual_gains",
    "attenuation_gain_space",
    "attenuation_gain_time",
    "weight_frequencies",
    "topology_moves",
)
Compared = tuple[dict[str, list[Path]], Path]


pytestmark = pytest.mark.slow  # a study is made and analysed for all of them


@pytest.fixture(scope="module")
def compared(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Two seeds of dense and of RigL with analyses, and the folder of the page that compares them."""
    parent = tmp_path_factory.mktemp("analysed")
    runs: dict[str, list[Path]] = {"dense": [], "rigl": []}
    for number, (method, seed) in enumerate((m, s) for m in runs for s in (0, 1)):
        run = make_run(
            parent, f"{method}{seed}", method, seed=number, training_seed=seed, severities=(3,), clips=24, figures="pdf"
        )
        _rename(run)
        analyse(run, number, sparse=method == "rigl")
        runs[method].append(run)
    return runs, write_comparison([run for each in runs.values() for run in each], parent / "page").parent


def _rename(run: Path) -> None:
    """Put what HTML and LaTeX would take for their own into the names of all clips."""
    rows = pd.read_parquet(run / "predictions.parquet")
    rows["id"] = rows["id"].str.replace("v_Class", "<script>alert(2)<!--script>&_%$x^2")
    rows.to_parquet(run / "predictions.parquet")


def table(page: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(page / "tables" / f"{name}.csv", index_col=0)


def joined(runs: list[Path], name: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(run / "analysis" / f"{name}.parquet") for run in runs])


def arms(runs: dict[str, list[Path]]) -> dict[str, list[Path]]:
    return {"dense": runs["dense"], "RigL, 50 %": runs["rigl"]}


def test_a_comparison_shows_every_analysis_with_its_files_and_definition(compared: Compared) -> None:
    page = (compared[1] / "report.html").read_text(encoding="utf-8")
    for name in (*EXHIBITS, *ACCOUNT, "parting", "clips_sparse", "clips_dense"):
        assert f'<figure id="{name}">' in page
        assert (compared[1] / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (compared[1] / "tables" / f"{name}.tex").read_text().startswith(r"\begin{tabular}")
    for said in ("A Fourier Perspective on Model Robustness", "Dispersion of channels", "Selvaraju", "Psychometrika"):
        assert said in page
    assert len(page) < 10e6


def test_accuracies_without_frequencies_are_what_pandas_counts(compared: Compared) -> None:
    runs, page = compared
    for axis in ("space", "time"):
        shown = table(page, f"attenuation_{axis}").set_index(["arm", "side", "radius"]).sort_index()
        for arm, each in arms(runs).items():
            rows = joined(each, "attenuation")
            rows = rows[(rows["axis"] == axis) | (rows["side"] == "none")]
            expected = (rows["label"] == rows["prediction"]).groupby([rows["side"], rows["radius"]]).mean()
            assert shown.loc[arm, "accuracy"].to_dict() == pytest.approx(expected.to_dict())
            assert (shown.loc[arm, "n"] == 24).all()
        assert (shown["low"] <= shown["accuracy"]).all()
        assert (shown["accuracy"] <= shown["high"]).all()


def test_differences_of_curves_are_those_of_the_curves_themselves(compared: Compared) -> None:
    page = compared[1]
    for axis in ("space", "time"):
        curves = table(page, f"attenuation_{axis}").set_index(["arm", "side", "radius"])["accuracy"]
        shown = table(page, f"attenuation_gain_{axis}").set_index(["side", "radius"])
        expected = curves["RigL, 50 %"] - curves["dense"]
        assert shown["gain"].to_dict() == pytest.approx(expected.to_dict())
        assert set(shown["seeds"]) == {2}
        assert (shown["low"] <= shown["gain"]).all()
        assert (shown["gain"] <= shown["high"]).all()


def test_correlation_of_gains_with_residuals_is_over_what_has_both(compared: Compared) -> None:
    runs, page = compared
    points = table(page, "residual_gains").set_index("corruption")
    gains = table(page, "gain").set_index("corruption")["gain"]
    assert points["gain"].to_dict() == pytest.approx(gains.to_dict())
    shares = high_frequency_shares(pd.read_parquet(runs["rigl"][0] / "analysis" / "corruption_spectra.parquet"))
    both = shares["space"].index.intersection(gains.index)
    row = table(page, "residual_correlation").set_index("axis").loc["space"]
    assert row["corruptions"] == len(both) == 7
    assert row["correlation"] == pytest.approx(shares["space"][both].corr(gains[both].round(12), method="spearman"))
    assert row["low"] < row["correlation"] < row["high"]


def test_weights_and_topology_of_each_arm_are_means_over_its_seeds(compared: Compared) -> None:
    runs, page = compared
    shown = table(page, "weight_frequencies").set_index(["axis", "arm"])
    for arm, each in arms(runs).items():
        for axis, of_noise in (("space", 0.25), ("time", 0.5)):
            tables = [pd.read_parquet(run / "analysis" / "weight_frequencies.parquet") for run in each]
            means = [rows.loc[rows["axis"] == axis, "share"].mean() for rows in tables]
            assert shown.loc[(axis, arm), "value"] == pytest.approx(np.mean(means))
            assert shown.loc[(axis, arm), "level"] == of_noise
    moves = table(page, "topology_moves").set_index("measure")
    assert set(moves["arm"]) == {"RigL, 50 %"}, "only dynamic training moves its topology"
    assert moves["value"].to_dict() == pytest.approx(
        {"explored": 0.713, "overlap": 0.42, "replaced": 30_411_205 / 16_574_112}
    )


def test_an_arm_analysed_on_other_clips_is_left_out_of_the_differences(compared: Compared) -> None:
    runs, _ = compared
    dense, sparse = make_arms([load_run(run) for each in runs.values() for run in each])
    exhibits = {each.name: each for each in account_of(dense, sparse)}
    assert "Left out" not in exhibits["attenuation_gain_space"].caption
    path = runs["rigl"][1] / "analysis" / "attenuation.parquet"
    kept = path.read_bytes()
    try:
        pd.read_parquet(path).replace({"radius": {4: 5}}).to_parquet(path)
        assert {"attenuation_gain_space", "residual_correlation"} & {
            each.name for each in account_of(dense, sparse)
        } == {"residual_correlation"}
    finally:
        path.write_bytes(kept)


def account_of(dense: Arm, sparse: Arm) -> list[Exhibit]:
    looks = looks_of({dense.label: "dense", sparse.label: "rigl"})
    return low_frequency_account.of_account([sparse, dense], looks, dense.first.words)


def test_errors_by_frequency_are_what_pandas_counts_and_mirrored(compared: Compared) -> None:
    runs, page = compared
    shown = table(page, "fourier").set_index(["arm", "v", "u"]).sort_index()["error"]
    for arm, each in arms(runs).items():
        rows = joined(each, "fourier")
        expected = (rows["label"] != rows["prediction"]).groupby([rows["v"], rows["u"]]).mean()
        assert len(shown[arm]) == 25
        for (v, u), error in expected.items():
            assert shown[arm, v, u] == shown[arm, -v, -u] == pytest.approx(error)


def test_spectra_are_those_of_the_runs(compared: Compared) -> None:
    runs, page = compared
    shown = table(page, "filter_spectra").set_index(["arm", "axis", "frequency"]).sort_index()["power"]
    for arm, each in arms(runs).items():
        expected = joined(each, "filter_spectra").groupby(["axis", "frequency"])["power"].mean()
        assert shown[arm].to_dict() == pytest.approx(expected.to_dict())
    added = pd.read_parquet(runs["dense"][0] / "analysis" / "corruption_spectra.parquet")
    for axis in ("space", "time"):
        expected = added[(added["axis"] == axis) & (added["frequency"] > 0)]
        assert table(page, f"corruption_spectra_{axis}")["power"].to_list() == pytest.approx(
            expected["power"].to_list()
        )


def test_channels_are_tested_with_holm_over_layers_and_sides(compared: Compared) -> None:
    runs, page = compared
    spatial = pd.read_parquet(runs["rigl"][0] / "analysis" / "spatial.parquet").set_index("layer")
    shown = table(page, "channels")
    assert set(shown["arm"]) == {"RigL, 50 %"}, "a dense network has no mask to test"
    p = np.concatenate([spatial[f"{side}_p_dispersion"] for side in ("output", "input")])
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    assert shown["p_holm"].to_numpy() == pytest.approx(corrected)
    for side in ("output", "input"):
        part = shown[shown["side"] == side].set_index("layer")
        for name in ("dispersion", "empty", "expected", "p_empty", "channels"):
            assert part[name].to_list() == pytest.approx(spatial[f"{side}_{name}"].to_list())
    assert (shown["p_holm"] < 0.05).any()
    page_text = (page / "report.html").read_text(encoding="utf-8")
    assert f"outputs: D = {spatial['output_dispersion'].iloc[1]:.2f} (p" in page_text


def test_structure_over_training_is_the_median_over_layers(compared: Compared) -> None:
    runs, page = compared
    log = pd.read_csv(runs["rigl"][0] / "structure.csv")
    shown = table(page, "structure_training").set_index("step")
    for step, rows in log.groupby("step"):
        assert shown.loc[step, "output_dispersion"] == pytest.approx(rows["output_dispersion"].median())
        assert shown.loc[step, "empty"] == (rows["empty_outputs"] + rows["empty_inputs"]).sum()


def right(run: Path) -> pd.Series:
    rows = pd.read_parquet(run / "predictions.parquet").astype({"corruption": str})
    return (rows["label"] == rows["prediction"]).set_axis(
        pd.MultiIndex.from_frame(rows[["corruption", "severity", "id"]])
    )


def test_where_two_networks_part_is_what_pandas_counts(compared: Compared) -> None:
    runs, page = compared
    sparse, dense = (pd.concat([right(run) for run in runs[each]], keys=[0, 1]) for each in ("rigl", "dense"))
    shown = table(page, "parting")
    for name, alone in (("only_sparse", sparse & ~dense), ("only_dense", dense & ~sparse), ("both", sparse & dense)):
        assert shown[name].to_dict() == pytest.approx(alone.groupby("corruption").mean().to_dict())
    assert shown[["only_sparse", "only_dense", "both", "neither"]].sum(axis=1).to_list() == pytest.approx([1] * 11)
    gains = table(page, "gain").set_index("corruption")["gain"]
    corrupted = shown.drop(index="clean")
    assert (corrupted["only_sparse"] - corrupted["only_dense"]).to_dict() == pytest.approx(gains.to_dict())


def test_pictures_are_of_clips_that_one_always_gets_right_and_the_other_never(compared: Compared) -> None:
    runs, page = compared
    answers = {each: [right(run) for run in runs[each]] for each in runs}
    for winner, loser in (("sparse", "dense"), ("dense", "sparse")):
        rows = table(page, f"clips_{winner}")
        assert 1 <= len(rows) <= 6
        assert rows["id"].is_unique
        keys = {"sparse": "rigl", "dense": "dense"}
        for key in rows[["corruption", "severity", "id"]].itertuples(index=False, name=None):
            assert all(each[key] for each in answers[keys[winner]])
            assert not any(each[key] for each in answers[keys[loser]])
        assert rows[f"{winner}_said"].str.endswith("right").all()
        assert rows[f"{loser}_said"].str.endswith("wrong").all()


def test_filmstrips_say_what_each_network_answered(compared: Compared) -> None:
    runs, page = compared
    for number in (1, 2):
        shown = table(page, f"saliency_grad_cam_{number}")
        for arm, each in arms(runs).items():
            rows = pd.read_parquet(each[0] / "analysis" / "saliency.parquet").set_index(["id", "condition"])
            for row in shown[shown["arm"] == arm].itertuples():
                said = rows.loc[row.id, row.condition]
                assert (row.prediction, row.label) == (said["prediction"], said["label"])
                assert f"{said['confidence']:.2f}" in row.answer
                assert row.answer.endswith("right" if said["prediction"] == said["label"] else "wrong")


def test_attention_rollout_is_stretched_and_says_how_far(compared: Compared, tmp_path: Path) -> None:
    runs, _ = compared
    run = Path(shutil.copytree(runs["dense"][0], tmp_path / "run"))
    rows = pd.read_parquet(run / "analysis" / "saliency.parquet")
    rows[rows["kind"] == "grad_cam"].assign(kind="rollout").to_parquet(run / "analysis" / "saliency.parquet")
    with np.load(run / "analysis" / "saliency.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    frames = next(array for name, array in kept.items() if name.startswith("frames/"))
    high = np.linspace(85, 255, frames[..., 0].size).reshape(frames.shape[:-1]).astype(np.uint8)
    rolled = {name.replace("grad_cam/", "rollout/"): high for name in kept if name.startswith("grad_cam/")}
    np.savez(run / "analysis" / "saliency.npz", **kept, **rolled)
    shown = write_report(run)
    strip = pd.read_csv(run / "tables" / "saliency_rollout_1.csv")
    assert strip["most_over_least"].to_list() == pytest.approx([3.0] * len(strip))
    assert strip["answer"].str.endswith("; 3.0 x").all()
    assert "whatever the class" in shown.read_text(encoding="utf-8")


def test_a_run_beside_its_reference_shows_both(compared: Compared) -> None:
    runs, _ = compared
    run = runs["rigl"][0]
    page = write_report(run, runs["dense"][0]).read_text(encoding="utf-8")
    for name in EXHIBITS:
        assert f'<figure id="{name}">' in page
    for name in ("attenuation_space", "fourier", "filter_spectra", "saliency_grad_cam_1"):
        assert set(table(run, name)["arm"]) == {"dense", "RigL at 50 % sparsity"}
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_without_frames_no_picture_of_the_data_is_shown(compared: Compared) -> None:
    runs, _ = compared
    loaded = [load_run(run) for run in (runs["dense"][0], runs["rigl"][0])]
    forbidding = replace(loaded[1], config_text=loaded[1].config_text.replace("frames: true", "frames: false"))
    for dense, sparse, pictures in ((*loaded, 4), (loaded[0], forbidding, 0)):
        dense_arm, arm = make_arms([dense, sparse])
        looks = looks_of({"dense": "dense", "RigL": "rigl", arm.label: "rigl"})
        found = analyses.of_analyses({"dense": [dense], "RigL": [sparse]}, "dense", 1 / 3, looks)
        found += disagreements.where_they_part(arm, dense_arm, looks)
        names = [exhibit.name for exhibit in found]
        assert sum(name.startswith(("saliency", "clips")) for name in names) == pictures
        assert {"fourier", "parting", "kernel_maps"} <= set(names)


def test_names_with_html_do_no_harm_in_pictures_and_tables(compared: Compared) -> None:
    page = (compared[1] / "report.html").read_text(encoding="utf-8")
    assert "alert(2)" in page
    assert "<script>alert" not in page
    assert "<b>Bowling" not in page
    assert page.count("<script>") == 1, "the one that sorts the leaderboard"
    said = (compared[1] / "tables" / "clips_sparse.tex").read_text()
    assert r"\textless{}script\textgreater{}alert(2)" in said
