"""run.json is a RunRecord: read from files of any version up to now, written so that people and older tools read it."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from helpers.records import data_record
from vidsparse.report.tables import load_run
from vidsparse.run_dir.record import VERSION, RunRecord, TopologyRecord, from_json, read_record, read_whole
from vidsparse.utils.errors import RunFolderError

BEFORE = Path(__file__).parents[1] / "made_before" / "runs"


def write(folder: Path, said: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize("run", ["stopped", "finished"])
def test_what_an_older_version_wrote_is_read_and_written_again_under_the_same_keys(run):
    before = json.loads((BEFORE / run / "run.json").read_text())
    record = read_record(BEFORE / run)
    assert (record.version, record.more) == (0, {})
    after = json.loads(record.to_json())
    assert {key: after[key] for key in before} == before
    assert from_json(record.to_json(), RunRecord) == record


def test_a_record_of_every_part_reads_back_as_it_was():
    record = replace(read_record(BEFORE / "finished"), version=VERSION, unreadable_places=(3, 5), weights=None)
    assert from_json(record.to_json(), RunRecord) == record
    assert record.topology.coverage.share == 2592 / 3276
    assert read_whole(BEFORE / "finished").nonzero == 3319 - 3276 + 1638


def test_keys_that_this_version_does_not_know_are_kept_at_every_depth(tmp_path):
    said = json.loads((BEFORE / "finished" / "run.json").read_text())
    said["mood"], said["data"]["light"], said["accounts"]["memory"]["weights"]["coo"] = "good", [1], 7
    record = read_record(write(tmp_path, said))
    assert (record.more, record.data.more, record.layers.memory.weights.more) == ({"mood": "good"}, {"light": [1]},
                                                                                  {"coo": 7})  # fmt: skip
    again = json.loads(replace(record, finished=None).to_json())
    assert (again["mood"], again["data"]["light"], again["accounts"]["memory"]["weights"]["coo"]) == ("good", [1], 7)


@pytest.mark.parametrize(("key", "name"), [("topology", "plan"), ("flops", "cost"), ("accounts", "layers"),
                                           ("weights", "weights")])  # fmt: skip
def test_a_part_that_an_older_version_wrote_as_empty_is_one_that_is_not_there(key, name, tmp_path):
    """Runs of dense and static networks had `"topology": {}` before version 1."""
    said = json.loads((BEFORE / "finished" / "run.json").read_text()) | {key: {}}
    folder = write(tmp_path, said)
    assert getattr(read_record(folder), name) is None
    assert getattr(read_whole(folder), name) is None


WRONG = [("data", 5), ("data.n_train", "many"), ("data.classes", "abc"), ("flops.dense", None), ("finished", 3),
         ("sparse.nonzero", True), ("seconds", {"train": "x"}), ("chance", "high"),
         ("accounts.memory.weights", [])]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_value_of_another_kind_is_refused_with_its_key(key, value, tmp_path):
    said = json.loads((BEFORE / "finished" / "run.json").read_text())
    *blocks, last = key.split(".")
    place = said
    for block in blocks:
        place = place[block]
    place[last] = value
    with pytest.raises(RunFolderError, match=key.replace(".", r"\.")) as caught:
        read_record(write(tmp_path, said))
    assert "--fresh" in str(caught.value)


@pytest.mark.parametrize("lost", ["data", "model", "engine", "sparse", "chance", "data.n_test", "sparse.updates"])
def test_no_report_is_made_of_a_record_that_says_too_little(lost, tmp_path):
    said = json.loads((BEFORE / "finished" / "run.json").read_text())
    block, _, key = lost.partition(".")
    (said[block] if key else said).pop(key or block)
    for name in ("config.yaml", "predictions.parquet"):
        (tmp_path / name).write_bytes((BEFORE / "finished" / name).read_bytes())
    with pytest.raises(RunFolderError, match=f"nothing of {lost}"):
        load_run(write(tmp_path, said))


def test_clips_without_labels_have_no_report_and_that_is_why(tmp_path):
    (tmp_path / "run.json").write_text(RunRecord(data=data_record(labelled=False)).to_json())
    with pytest.raises(RunFolderError, match="without labels"):
        read_whole(tmp_path)


def test_a_later_version_is_refused_and_an_absent_file_is_an_empty_record(tmp_path):
    with pytest.raises(RunFolderError, match="later version"):
        read_record(write(tmp_path, {"version": VERSION + 1}))
    assert read_record(tmp_path / "nowhere") == RunRecord()
    assert json.loads(RunRecord(removing=True).to_json())["removing"] is True


def test_every_count_of_a_topology_must_be_said_but_those_that_came_later():
    needed = {each.name for each in fields(TopologyRecord) if each.default is each.default_factory}
    assert needed == {"method", "sparsity", "seed", "updates", "changed", "nonzero", "total"}
