"""The static leaderboard: what stands in one table, what counts once, and which files it takes."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from vidsparse.publishing.static_board import each_once, grouped, what_differs, write_board
from vidsparse.report import result_file
from vidsparse.report.run_numbers import measure
from vidsparse.report.schema_check import faults
from vidsparse.report.tables import load_run
from vidsparse.utils.errors import RunFolderError

MakeRun = Callable[..., Path]
PROTOCOL = {"suite": "core_10", "severities": [3], "frames": 8, "size": 56}


def an_entry(name: str, robust: float | None = 0.5, data: str = "a", chance: bool = False, **protocol: object) -> dict:
    """A whole entry of results.json."""
    value = None if robust is None else {"value": robust, "low": None, "high": None}
    return {
        "name": name, "runs": [name], "task": "classification", "score": "accuracy", "model": "m", "method": "rigl",
        "sparsity": 0.5, "seeds": [0], "chance": 0.1, "at_chance": chance, "clean": value, "robust": value,
        "retention": value, "gain_over_dense": None, "corruptions": {"fog": robust},
        "data": {"description": "d", "sample_data": False, "fingerprint": data, "test_samples": 9},
        "protocol": {**PROTOCOL, **protocol},
    }  # fmt: skip


def test_only_what_was_measured_alike_stands_in_one_table() -> None:
    groups = grouped([an_entry("low", 0.2), an_entry("other", 0.9, "b"), an_entry("lost", 0.8, chance=True),
                      an_entry("top", 0.5), an_entry("clean only", None)])  # fmt: skip
    assert [[each["name"] for each in group] for group in groups] == [["top", "low", "lost", "clean only"], ["other"]]


UNLIKE = {
    "evaluation.corruptions": ("core_10,", "core_10, corruptions: [fog],"),
    "evaluation.sampling": ("core_10,", "core_10, sampling: uniform,"),
    "data.sampling": ("sampling: dense", "sampling: uniform"),
    "data.short": ("size: 56", "size: 56, short: clamp"),
    "short side": ("short_side: 64", "short_side: 60"),
    "frost": ("core_10,", "core_10, frost_textures: /photos,"),
    "version of the suite": ("core_10,", "video_c,"),
}


@pytest.mark.parametrize("what", UNLIKE)
def test_results_under_another_protocol_have_a_table_of_their_own_named_by_what_differs(
    fake_run: MakeRun, tmp_path: Path, what: str
) -> None:
    one, other = (fake_run(name, seed=seed, clips=9, severities=(3,)) for seed, name in enumerate(("one", "other")))
    config = (one / "config.yaml").read_text()
    if what == "version of the suite":
        (one / "config.yaml").write_text(config.replace(*UNLIKE[what]))
        (other / "config.yaml").write_text((other / "config.yaml").read_text().replace(*UNLIKE[what]))
        for run, version in ((one, 2), (other, 3)):
            record = json.loads((run / "run.json").read_text())
            (run / "run.json").write_text(json.dumps(record | {"corruptions_fingerprint": f"x, video_c {version}, y"}))
    elif what == "evaluation.corruptions":
        table = pd.read_parquet(other / "predictions.parquet")
        table[table["corruption"].isin(["clean", "freeze"])].to_parquet(other / "predictions.parquet")
    else:
        assert UNLIKE[what][0] in config
        (other / "config.yaml").write_text((other / "config.yaml").read_text().replace(*UNLIKE[what]))
    entries = []
    for run in (one, other):
        loaded = load_run(run)
        entries.append(result_file.of_run(loaded, measure(loaded, None)))
        result_file.write(run, entries[-1:])
    (group, apart) = grouped(entries)
    assert len(group) == len(apart) == 1
    assert all(what_differs([group, apart]))
    assert write_board([one, other], tmp_path / "board").read_text().count("Apart from other tables by") == 2


def test_a_table_is_named_by_what_sets_it_apart_and_an_older_file_is_not_taken_for_the_same() -> None:
    groups = grouped([an_entry("a"), an_entry("b", sampling="dense"), an_entry("c", sampling="uniform")])
    said = what_differs(groups)
    assert said == ["sampling not said (an older file)", "sampling dense", "sampling uniform"]
    assert what_differs(groups[:1]) == [""]


def test_a_result_counts_once_however_often_it_is_given(tmp_path: Path) -> None:
    def result(name: str, *digests: str, **more: object) -> dict:
        return {**an_entry(name), "predictions_sha256": list(digests), "seeds": list(range(len(digests))), **more}

    alone, again, arm = result("run", "x"), result("run again", "x"), result("arm", "x", "y")
    beside = result("beside dense", "z", gain_over_dense={"value": 0.1, "low": None, "high": None})
    every = [alone, again, arm, result("z", "z"), beside, an_entry("bare"), an_entry("bare"), result("own", "w")]
    assert [entry["name"] for entry in each_once(every)] == ["arm", "beside dense", "bare", "own"]
    for name in ("first", "copy"):
        (tmp_path / name).mkdir()
        result_file.write(tmp_path / name, [alone])
    write_board([tmp_path / "first", tmp_path / "copy"], tmp_path / "board")
    assert len(result_file.read(tmp_path / "board")) == 1


def test_the_comparisons_of_a_study_are_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "study" / "comparisons" / name).mkdir(parents=True)
        result_file.write(tmp_path / "study" / "comparisons" / name, [an_entry(name)])
    page = write_board([tmp_path / "study"], tmp_path / "board").read_text()
    assert "</svg> one</th>" in page
    assert "</svg> two</th>" in page
    assert "own dense run" in page


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("clean", 0.5),
        ("clean", {"value": "high", "low": None, "high": None}),
        ("robust", {"value": 0.5}),
        ("sparsity", 1.0),
        ("seeds", []),
        ("seeds", ["0"]),
        ("data", {"description": "d"}),
        ("protocol", {**PROTOCOL, "severities": "all"}),
        ("corruptions", {"fog": "bad"}),
        ("at_chance", 1),
        ("name", None),
    ],
)
def test_every_value_of_results_is_checked_as_json_schema_does(tmp_path: Path, place: str, value: object) -> None:
    schema = json.loads(result_file.SCHEMA.read_text())
    whole = {"format": "vidsparse-results", "version": 1, "entries": [an_entry("a")]}
    jsonschema.validate(whole, schema)
    assert list(faults(whole, schema)) == []
    odd = whole | {"entries": [an_entry("a") | {place: value}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(odd, schema)
    (tmp_path / result_file.NAME).write_text(json.dumps(odd))
    with pytest.raises(RunFolderError, match=rf"results\.json: entries\[0\]\.{place}"):
        result_file.read(tmp_path)


@pytest.mark.slow
def test_a_board_of_folders_is_one_page_that_loads_nothing(published, study, tmp_path: Path) -> None:
    page = write_board([published[0], study[1].parent], tmp_path / "board").read_text(encoding="utf-8")
    entries = result_file.read(tmp_path / "board")
    assert len(entries) == 6
    for entry in entries:
        assert f"{100 * entry['robust']['value']:.1f}" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<table") == 2, "48 clips at five severities and 40 at two do not compare"
    with pytest.raises(RunFolderError, match="given twice"):
        write_board([published[0], published[0]], tmp_path / "board")
    with pytest.raises(RunFolderError, match=r"no results\.json"):
        write_board([tmp_path], tmp_path / "none")
