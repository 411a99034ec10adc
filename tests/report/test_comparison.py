"""The page that compares runs."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.summary import clean_interval
from vidsparse.report.arms import control, family_of, leaderboard, make_arms
from vidsparse.report.page import write_comparison
from vidsparse.report.sections import comparison_sections
from vidsparse.report.tables import load_run
from vidsparse.tasks import Words
from vidsparse.utils.errors import RunFolderError

MakeRun = Callable[..., Path]


def right(run: Path) -> pd.DataFrame:
    table = pd.read_parquet(run / "predictions.parquet")
    return table.assign(right=table["label"] == table["prediction"])


def by_corruption(runs: list[Path]) -> pd.Series:
    """Accuracy by corruption over all rows of the runs: they have equally many."""
    rows = pd.concat([right(run) for run in runs]).query("corruption != 'clean'")
    return rows.astype({"corruption": str}).groupby("corruption")["right"].mean()


@pytest.mark.slow
def test_the_leaderboard_of_a_study_is_what_pandas_counts(study) -> None:
    runs, page = study
    board = pd.read_csv(page.parent / "tables" / "leaderboard.csv").set_index(["method", "sparsity"])
    dense = by_corruption(runs["dense", 0.0])
    assert len(board) == 5
    assert board["robust"].is_monotonic_decreasing
    for key, arm in runs.items():
        ours, row = by_corruption(arm), board.loc[key]
        clean = pd.concat([right(run).query("corruption == 'clean'") for run in arm])["right"].mean()
        assert (row["clean"], row["robust"]) == pytest.approx((clean, ours.mean()))
        assert row["seeds"] == 2
        if key[0] != "dense":
            assert row["gain"] == pytest.approx(ours.mean() - dense.mean())
            assert row["relative_gain"] == pytest.approx(ours.mean() / dense.mean() - 1)
            assert row["wins"] == (ours - dense > 1e-12).sum()
            assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        if key[0] == "rigl":
            static = by_corruption(runs["static", key[1]])
            assert row["static_gain"] == pytest.approx(ours.mean() - static.mean())
    for key in ("gain", "static_gain"):
        assert pd.isna(board.loc[("dense", 0.0), key])


def test_the_page_shows_the_numbers_of_the_leaderboard(study) -> None:
    page = study[1].read_text(encoding="utf-8")
    for row in pd.read_csv(study[1].parent / "tables" / "leaderboard.csv").to_dict("records"):
        shown = re.search(rf'<th scope="row"><svg[^\n]*</svg> {row["arm"]}</th>(.*?)</tr>', page, re.DOTALL)
        assert shown
        for key in ("clean", "robust", "retention", "ece_clean", "ece_corrupted"):
            assert f">{100 * row[key]:.1f}<" in shown[1]
        for key in ("ece_clean", "ece_corrupted"):
            assert row[f"{key}_low"] <= row[key] <= row[f"{key}_high"]
            assert f"{100 * row[f'{key}_low']:.1f} to {100 * row[f'{key}_high']:.1f}" in shown[1]
        assert f">{row['parameters']:,.0f}<" in shown[1]
    assert "Expected calibration error" in page


def test_gains_by_corruption_and_family_are_what_pandas_counts(study) -> None:
    runs, page = study
    dense = by_corruption(runs["dense", 0.0])
    tables = page.parent / "tables"
    single = pd.concat([pd.read_csv(path) for path in (tables / "gain.csv", tables / "gain_2.csv")])
    whole = pd.concat([pd.read_csv(path) for path in (tables / "gain_family.csv", tables / "gain_family_2.csv")])
    labels = {"static, 30 %": ("static", 0.3), "RigL, 30 %": ("rigl", 0.3), "RigL, 60 %": ("rigl", 0.6)}
    for label, key in labels.items():
        expected = by_corruption(runs[key]) - dense
        part = single[single["arm"] == label].set_index("corruption")
        assert part["gain"].to_dict() == pytest.approx(expected.to_dict())
        families = expected.groupby([family_of(name) for name in expected.index]).mean()
        assert whole[whole["arm"] == label].set_index("family")["gain"].to_dict() == pytest.approx(families.to_dict())
    assert (single["low"] <= single["gain"]).all()


def test_a_study_has_every_figure_with_a_panel_for_gradient_growth(study) -> None:
    page = study[1].read_text(encoding="utf-8")
    for name in ("gain_overall", "gain_family", "gain", "sparsity", "severity_curves", "robust_clean", "calibration"):
        assert f'<figure id="{name}">' in page
        assert (study[1].parent / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert "gradient growth" in page
    assert "with 2 seeds an arm this study sees differences" in page
    curves = pd.read_csv(study[1].parent / "tables" / "severity_curves.csv", index_col="severity")
    rows = pd.concat([right(run) for run in study[0]["rigl", 0.3]])
    assert curves["RigL, 30 %"].to_dict() == pytest.approx(rows.groupby("severity")["right"].mean().to_dict())


@pytest.mark.slow
def test_without_a_dense_run_there_is_no_gain_but_a_command(fake_run: MakeRun, tmp_path: Path) -> None:
    page = write_comparison([fake_run("r"), fake_run("s", "static")], tmp_path / "out").read_text(encoding="utf-8")
    assert "No dense run is among these" in page
    assert 'id="gain"' not in page


def test_runs_on_other_clips_are_refused(fake_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(MismatchedTables, match="different clips"):
        write_comparison([fake_run("r"), fake_run("d", "dense", clips=9)], tmp_path / "out")
    assert not (tmp_path / "out" / "report.html").exists()


def test_a_run_given_twice_is_refused(fake_run: MakeRun, tmp_path: Path) -> None:
    run = fake_run("r")
    with pytest.raises(RunFolderError, match="r is given twice"):
        write_comparison([run, fake_run("d", "dense"), run / ".." / "r"], tmp_path / "out")


@pytest.mark.slow
def test_runs_of_one_name_and_seed_in_two_folders_stay_apart(fake_run: MakeRun, tmp_path: Path) -> None:
    first, second = fake_run("a", seed=1), fake_run("b", seed=2)
    (second / "run.json").write_text((first / "run.json").read_text())
    out = write_comparison([first, second], tmp_path / "out")
    board = pd.read_csv(out.parent / "tables" / "leaderboard.csv")
    assert sorted(board["arm"]) == ["a", "b"], "no more of their paths than tells them apart"
    assert board["seeds"].to_list() == [1, 1]


@pytest.mark.slow
def test_names_with_html_in_them_do_no_harm_and_nothing_is_loaded(fake_run: MakeRun, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    runs = [fake_run(evil), fake_run("second", seed=5), fake_run("d", "dense")]
    page = write_comparison(runs, tmp_path / "out").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_warnings_that_all_runs_share_are_said_once(fake_run: MakeRun, tmp_path: Path) -> None:
    page = write_comparison([fake_run("r"), fake_run("d", "dense")], tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("videos of the official lists missing") == 1
    assert "No static control of the same sparsity and network stands beside RigL, 50 %" in page


@pytest.mark.slow
def test_runs_without_a_seed_in_common_are_compared_with_a_warning(fake_run: MakeRun, tmp_path: Path) -> None:
    runs = [fake_run("r", training_seed=3), fake_run("d", "dense", seed=4)]
    page = write_comparison(runs, tmp_path / "out").read_text(encoding="utf-8")
    assert "no seed in common" in page
    assert "points of robustness accuracy" in page


def gains(*found: tuple[float, float, float, float], **columns: object) -> pd.DataFrame:
    """Rows of a leaderboard: (gain, low, high, p corrected) of dynamic arms of one network, beside its dense arm."""
    names = ["gain", "gain_low", "gain_high", "gain_p_holm"]
    rows = pd.DataFrame(found, columns=names).assign(method="rigl", dynamic=True, at_chance=False, static_gain=math.nan)
    rows = rows.assign(seeds=3)
    dense = pd.DataFrame([{"method": "dense", "dynamic": False, "at_chance": False}])
    return pd.concat([rows.assign(gain_p=rows["gain_p_holm"], **columns), dense], ignore_index=True).assign(model="m")


def test_the_verdict_counts_what_intervals_settle_against_both_controls() -> None:
    found = (2.0, 1.0, 3.0, 0.02), (-1.0, -2.0, 0.5, 0.3)
    static = {"static_gain": [-1.0, 0.5], "static_gain_low": [-2.0, -1.0], "static_gain_high": [-0.5, 2.0]}
    said = comparison_sections.overall_verdict(gains(*found, **static))
    assert "1 is more robust than dense" in said
    assert "(1 after Holm's correction for 2 comparisons), 0 are less robust, 1 is not settled" in said
    assert said.endswith("; 0 are more and 1 is less robust than the static network of the same sparsity.")
    alone = comparison_sections.overall_verdict(gains(*found))
    assert alone.endswith("no static network of the same sparsity stands beside them.")


def test_arms_with_masks_in_other_layers_are_said_to_differ_in_that(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"where_{method}", method, sparsity=0.1) for method in ("rigl", "granet_g")]

    def say(*masked: int) -> list[str]:
        for run, layers in zip(runs, masked, strict=True):
            facts = json.loads((run / "run.json").read_text())
            facts["sparse"] |= {"layers": 54, "masked_layers": layers, "masked_weights": 10 * layers, "weights": 540}
            (run / "run.json").write_text(json.dumps(facts))
        return [
            s for s in comparison_sections.cautions(make_arms([load_run(run) for run in runs])) if "masks lie in" in s
        ]

    assert say(3, 3) == []
    (sentence,) = say(3, 54)
    assert "3 of 54 layers (6 % of the weights)" in sentence
    assert "54 of 54 layers (100 % of the weights)" in sentence


def test_a_static_arm_of_another_distribution_is_no_control_and_labels_tell_them_apart():
    def run(method: str, distribution: str) -> SimpleNamespace:
        topology = SimpleNamespace(sparsity=0.1, distribution=distribution)
        record = SimpleNamespace(topology=topology, model=SimpleNamespace(name="m"))
        return SimpleNamespace(method=method, record=record, config={}, title=method, name=f"{method}_{distribution}")

    pairs = [("dense", ""), ("static", "erk"), ("rigl", "erk"), ("static", "uniform"), ("rigl", "uniform")]
    arms = make_arms([run(*pair) for pair in pairs])
    dense, even, rigl, spread, grown = arms
    assert control(rigl, arms, "static") is even
    assert control(grown, arms, "static") is spread
    assert control(grown, [dense, even, grown], "static") is None
    assert control(grown, arms, "dense") is control(rigl, arms, "dense") is dense
    assert [arm.label for arm in arms[1:]] == [
        "static, 10 %, erk", "RigL, 10 %, erk", "static, 10 %, uniform", "RigL, 10 %, uniform"
    ]  # fmt: skip


def test_the_headline_says_what_cannot_be_told_and_what_is_at_chance() -> None:
    more, less, open_ = (0.02, 0.01, 0.03, 0.01), (-0.02, -0.03, -0.01, 0.02), (0.0, -0.01, 0.01, 1.0)
    assert "cannot be told" in comparison_sections.headline(gains(open_, open_))
    mixed = comparison_sections.headline(gains(more, less, open_))
    assert all(said in mixed for said in ("1 is more robust", "1 is less robust", "1 cannot be told"))
    assert "one seed" not in mixed
    assert "than dense training, as far as one seed tells" in comparison_sections.headline(gains(less, seeds=1))
    assert "less robust (1 after Holm's correction for 1 comparison), as far as one seed tells, 0" in (
        comparison_sections.overall_verdict(gains(less, seeds=1))
    )
    some = comparison_sections.headline(gains(more, less, seeds=[3, 1]))
    assert some.endswith("than dense training (1 of them as far as one seed tells)")
    lost = gains(more, less).assign(at_chance=True)
    assert comparison_sections.headline(lost).startswith("At chance")


def test_what_holds_only_without_holms_correction_is_no_headline() -> None:
    rows = gains((0.02, 0.01, 0.03, 0.06), (0.01, *[math.nan] * 3))
    assert comparison_sections.headline(rows) == "Dynamic sparse training cannot be told from dense training here"
    both = comparison_sections.headline(gains((0.02, 0.01, 0.03, 0.06), (-0.02, -0.03, -0.01, 0.03)))
    assert "more robust" not in both
    assert "1 is less robust" in both


def test_arms_at_chance_are_in_no_headline_and_no_verdict() -> None:
    less, more = (-0.3, -0.4, -0.2, 0.001), (0.02, 0.01, 0.03, 0.01)
    rows = gains(less, more, static_gain=-0.1, static_gain_low=-0.2, static_gain_high=-0.05)
    rows["at_chance"] = [True, False, False]
    said = comparison_sections.headline(rows)
    assert "less" not in said
    assert "1 arm at chance" in said
    verdict = comparison_sections.overall_verdict(rows)
    assert "0 are less robust, 0 are not settled" in verdict
    assert "0 are more and 1 is less robust than the static" in verdict
    dead = comparison_sections.sentence(
        rows.iloc[0].to_dict() | {"seeds": 2, "wins": 0, "ties": 0, "losses": 1}, "A", Words()
    )
    assert "at chance" in dead
    assert "robust than" not in dead
    rows["at_chance"] = [False, False, True]
    said = comparison_sections.headline(rows)
    assert said.startswith("At chance")
    assert "dense" in said
    assert "more robust" not in comparison_sections.overall_verdict(rows)


def test_an_arm_is_at_chance_by_the_interval_of_its_mean_over_seeds(fake_run: MakeRun) -> None:
    """Each of these seeds alone is within what guessing gives, their mean is not; one good seed does not save three."""
    few = {"clips": 24, "severities": (1,)}
    weak = [fake_run(f"weak{at}", skill=0.05, seed=at, training_seed=at, **few) for at in range(6)]
    lost = [fake_run(f"lost{at}", "set", skill=-1 if at else 3, seed=at, training_seed=at, **few) for at in range(4)]
    good = [fake_run(f"good{at}", "dense", skill=1 + 3 * at, seed=at, training_seed=at, **few) for at in range(2)]
    runs = {path.name: load_run(path) for path in (*weak, *lost, *good)}
    table = leaderboard(make_arms(list(runs.values()))).set_index("method")
    low = {run.name: clean_interval(run.predictions)[0] for run in runs.values()}
    assert table.loc["dense", "clean_low"] <= 1 / 3, "two seeds that differ bound the mean of all seeds widely"
    assert not table.loc["dense", "at_chance"], "but both of them answer"
    assert not table.loc["rigl", "at_chance"]
    assert all(low[path.name] <= 1 / 3 for path in weak)
    assert table.loc["set", "at_chance"]
    assert low["lost0"] > 1 / 3


@pytest.mark.slow
def test_a_study_of_images_speaks_of_images(fake_run: MakeRun, tmp_path: Path) -> None:
    runs = [fake_run("r"), fake_run("d", "dense")]
    for run in runs:
        config = run / "config.yaml"
        config.write_text(config.read_text().replace("frames: 8", "frames: 1"))
    page = write_comparison(runs, tmp_path / "out").read_text(encoding="utf-8")
    page = page[: page.index('id="definitions"')]
    assert "test images" in page
    assert "recording" not in page


def test_the_table_of_a_paper_is_the_leaderboard_in_percent_with_one_digit(study) -> None:
    tables = study[1].parent / "tables"
    best = pd.read_csv(tables / "leaderboard.csv").iloc[0]
    lines = (tables / "leaderboard.tex").read_text().splitlines()
    assert lines[2].count("&") == 7
    row = lines[4].split(" & ")
    assert row[2:4] == [f"{100 * best['clean']:.1f}", f"{100 * best['robust']:.1f}"]
    assert row[0] == best["arm"].replace("%", "\\%")
    gains = [line.split(" & ")[5] for line in lines[4:-2] if not line.startswith("dense")]
    assert all(re.fullmatch(r"[+$-]+\d+\.\d \([+$-]+\d+\.\d to [+$-]+\d+\.\d\)", gain) for gain in gains)
