"""results.json in docs/results: of the tables and predictions beside it, as docs/results.md says them, else null."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.docs import kept_results
from vidsparse.publishing.static_board import grouped
from vidsparse.report import result_file
from vidsparse.report.words import percent, signed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results.md"


def rounded(value: Any) -> Any:
    """The same with ten digits of each number, which other machines have too."""
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 10))


def test_results_json_is_made_of_the_tables_and_predictions_beside_it(tmp_path: Path) -> None:
    folder = shutil.copytree(kept_results.RESULTS, tmp_path / "results")
    for old in folder.glob("*/results.json"):
        old.unlink()
    kept_results.write_all(folder)
    for name in (*kept_results.STUDIES, *kept_results.WEIGHTS):
        made, kept = (result_file.read(each / name) for each in (folder, kept_results.RESULTS))
        assert rounded(made) == rounded(kept), "python -m tools.docs.kept_results"


@pytest.mark.parametrize("name", kept_results.STUDIES)
def test_entries_say_what_the_page_says_and_null_for_what_nobody_kept(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for entry in result_file.read(kept_results.RESULTS / name):
        method = entry["name"].partition(",")[0]
        scores = [percent(entry[each]["value"]) for each in ("clean", "robust", "retention")]
        gain = entry["gain_over_dense"]
        over = f"{signed(gain['value'])} ({signed(gain['low'])} to {signed(gain['high'])})" if gain else ""
        row = " | ".join([method, str(len(entry["seeds"])), *scores, over])
        assert f"| {row}".rstrip() in page, row
        assert entry["data"]["fingerprint"] == "unknown"
        assert entry["finished"] is entry["corruption_code"] is entry["protocol"]["canvas"] is None
        assert entry["note"] == kept_results.NOTE


def test_studies_of_other_code_do_not_compare_and_one_that_guesses_is_at_chance() -> None:
    folders = (*kept_results.STUDIES, *kept_results.WEIGHTS)
    groups = grouped([entry for name in folders for entry in result_file.read(kept_results.RESULTS / name)])
    assert sorted(len(group) for group in groups) == [1, 1, 1, 3, 4, 6]
    (guessing,) = (entry for group in groups for entry in group if entry["at_chance"])
    assert (guessing["model"], guessing["method"]) == ("r3d_18", "rigl")
