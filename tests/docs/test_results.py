"""Tables of docs/results.md are those of the predictions beside it."""

from pathlib import Path

import pandas as pd
import pytest

from tools.docs import level_accuracy, study_table, suite_table, temporal_modes
from vidsparse.evaluation import metrics

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results.md"


def test_differences_of_temporal_modes_are_those_of_the_predictions() -> None:
    tables = temporal_modes.predictions()
    assert list(tables) == ["static", "drift", "independent"]
    kept = pd.read_csv(temporal_modes.FOLDER / "differences.csv")
    pd.testing.assert_frame_equal(temporal_modes.differences(tables), kept, atol=1e-4, check_dtype=False)
    assert temporal_modes.markdown(tables) in PAGE.read_text(encoding="utf-8")


def test_modes_differ_in_their_corruptions_alone() -> None:
    tables = temporal_modes.predictions()
    clean = [table[table["corruption"] == "clean"].reset_index(drop=True) for table in tables.values()]
    for other in clean[1:]:
        pd.testing.assert_frame_equal(clean[0], other)
    assert len({tuple(table["id"].unique()) for table in tables.values()}) == 1


def test_the_table_of_three_classes_is_that_of_its_predictions() -> None:
    arms = study_table.predictions(study_table.RESULTS / "ucf101_three_classes")
    assert study_table.power(arms).split(" above ")[1].startswith("18.3 points")
    cells = [line.split(" | ") for line in study_table.markdown(arms).splitlines()]
    for arm in cells[2:]:
        assert " | ".join(arm[:6]).rstrip() in PAGE.read_text(encoding="utf-8")


def test_what_a_corruption_costs_is_counted_on_the_same_clips() -> None:
    table = temporal_modes.predictions()["static"]
    found = suite_table.losses(table).set_index("corruption")["gain"]
    for name, share in metrics.per_corruption(table).items():
        assert found[str(name)] == pytest.approx(share - metrics.clean_accuracy(table))


def test_tables_of_suites_are_those_of_the_predictions() -> None:
    tables, page = suite_table.predictions(study_table.RESULTS / "i3d_suites"), PAGE.read_text(encoding="utf-8")
    probes = suite_table.predictions(study_table.RESULTS / "i3d_probe")
    assert suite_table.by_suite(tables) in page
    assert suite_table.by_corruption(tables, "UCF101") in page
    assert suite_table.by_probe(probes) in page
    for folder, found in (("i3d_suites", tables), ("i3d_probe", probes)):
        kept = pd.read_csv(study_table.RESULTS / folder / "losses.csv")
        made = pd.DataFrame(suite_table.all_losses(found))
        pd.testing.assert_frame_equal(made, kept, atol=1e-4, check_dtype=False)


def test_what_levels_leave_is_that_of_the_predictions() -> None:
    table = pd.read_parquet(study_table.RESULTS.parent / level_accuracy.FOLDER / level_accuracy.FILE)
    page = PAGE.read_text(encoding="utf-8")
    assert level_accuracy.by_level(table) in page
    left = level_accuracy.read_left(study_table.RESULTS.parent)
    assert left.clean is not None
    said = f"clean {100 * left.clean[0]:.1f} % ({100 * left.clean[1]:.1f} to {100 * left.clean[2]:.1f})"
    assert f"{left.clips} clips of {left.recordings} recordings" in page
    assert said in page


def test_the_fine_tuned_table_its_power_and_its_times_are_those_of_what_is_kept() -> None:
    folder, page = study_table.RESULTS / "i3d_finetune", PAGE.read_text(encoding="utf-8")
    arms = study_table.predictions(folder)
    for said in (study_table.markdown(arms), study_table.power(arms), study_table.paired_power(arms)):
        assert said in page
    times = pd.read_csv(folder / "latency.csv").pivot_table(index="run", columns="threads", values="median_ms")
    for threads, ratio in ((1, "1.40"), (2, "1.30")):
        found = times.loc["dense_seed0", threads] / times.loc["rigl_channels_50_seed0", threads]
        assert f"{found:.2f}" == ratio
        assert f"{ratio}\ntimes" in page or f"{ratio} times" in page


def test_the_table_of_cifar_at_matched_flops_and_its_times_are_those_of_what_is_kept() -> None:
    folder, page = study_table.RESULTS / "cifar10_finetune", PAGE.read_text(encoding="utf-8")
    for row in pd.read_csv(folder / "arms.csv").to_dict("records"):
        name = study_table.label(row["method"], row["sparsity"], several=True)
        scores = " | ".join(f"{100 * row[key]:.1f}" for key in ("clean", "robust", "retention"))
        assert f"| {name} | {row['seeds']} | {scores} | {study_table._gain(row, 'dense')}" in page
    times = pd.read_csv(folder / "latency.csv").pivot_table(index="run", columns="threads", values="median_ms")
    dense, sparse = (times.loc[f"cifar_resnet20_{arm}_seed0"] for arm in ("dense", "rigl_channels_45_channels"))
    assert f"({sparse[1]:.1f} against {dense[1]:.1f} ms an image on one thread; on two {sparse[2]:.1f} against" in page
    assert f"{dense[1] / sparse[1]:.2f}\ntimes" in page
    for run, row in times.iterrows():
        assert f"{row[1]:.1f} (" in page, run
