"""Tables of docs/results.md are those of the predictions beside it."""

from pathlib import Path

import pandas as pd

from tools.docs import temporal_modes

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
