"""What leaves the machine: results.json by its schema, a static leaderboard, a folder for a hub that loads again."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import vidsparse
from vidsparse.cli import main
from vidsparse.publishing import hub_folder
from vidsparse.publishing.static_board import grouped, write_board
from vidsparse.report import result_file
from vidsparse.report.page import write_report
from vidsparse.utils.errors import ConfigError, RunFolderError

MakeRun = Callable[..., Path]


@pytest.fixture
def trained(fake_run: MakeRun) -> tuple[Path, dict[str, torch.Tensor]]:
    """A finished run of a small network with one sparse layer, and its weights."""
    run = fake_run(clips=18, severities=(3,))
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("r3d_18", "cifar_resnet20").replace("frames: 8", "frames: 1")
                      .replace("size: 56", "size: 32, normalize: cifar10"))  # fmt: skip
    record = json.loads((run / "run.json").read_text())
    record["model"]["name"] = "cifar_resnet20"
    (run / "run.json").write_text(json.dumps(record))
    state = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32).state_dict()
    name = "layer1.0.conv1.weight"
    state[name].view(-1)[::3] = 0
    total = state[name].numel()
    pd.DataFrame({"name": [name], "shape": [""], "total": [total], "nonzero": [int((state[name] != 0).sum())],
                  "density": [0.66]}).to_csv(run / "layers.csv", index=False)  # fmt: skip
    (run / "checkpoints").mkdir()
    save_file(state, run / "checkpoints" / "final.safetensors")
    return run, state


def test_results_of_a_run_and_of_a_study_follow_the_schema_and_the_tables(published, study) -> None:
    schema = json.loads(result_file.SCHEMA.read_text())
    for folder in (published[0], study[1].parent):
        said = json.loads((folder / result_file.NAME).read_text())
        jsonschema.validate(said, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(said | {"entries": [{**said["entries"][0], "clean": 0.5}]}, schema)
    (one,) = result_file.read(published[0])
    table = pd.read_parquet(published[0] / "predictions.parquet")
    right = (table["label"] == table["prediction"]).groupby(table["corruption"], observed=True).mean()
    assert one["clean"]["value"] == pytest.approx(right["clean"])
    assert one["corruptions"] == pytest.approx(right.drop("clean").to_dict())
    board = pd.read_csv(study[1].parent / "tables" / "leaderboard.csv")
    for entry, row in zip(result_file.read(study[1].parent), board.to_dict("records"), strict=True):
        assert (entry["name"], entry["robust"]["value"]) == (row["arm"], pytest.approx(row["robust"]))
        assert (entry["gain_over_dense"] is None) == (row["method"] == "dense")


@pytest.mark.parametrize(
    "left",
    [
        "",
        "[1]",
        '{"format": "other"}',
        '{"format": "vidsparse-results", "version": 9}',
        '{"format": "vidsparse-results", "version": 1, "entries": [{"name": "x"}]}',
    ],
)
def test_results_of_another_form_are_refused_by_name(left: str, tmp_path: Path) -> None:
    (tmp_path / result_file.NAME).write_text(left)
    with pytest.raises(RunFolderError, match=r"results\.json"):
        result_file.read(tmp_path)


def test_only_what_was_measured_alike_stands_in_one_table() -> None:
    def entry(name: str, robust: float | None, data: str = "a", chance: bool = False) -> dict[str, object]:
        value = None if robust is None else {"value": robust, "low": None, "high": None}
        return {"name": name, "task": "t", "data": {"fingerprint": data}, "protocol": {"suite": "s"}, "robust": value,
                "at_chance": chance}  # fmt: skip

    groups = grouped([entry("low", 0.2), entry("other", 0.9, "b"), entry("lost", 0.8, chance=True), entry("top", 0.5),
                      entry("clean only", None)])  # fmt: skip
    assert [[each["name"] for each in group] for group in groups] == [["top", "low", "lost", "clean only"], ["other"]]


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


def test_what_is_published_loads_again_with_its_masks_and_its_classes(trained, tmp_path: Path) -> None:
    run, state = trained
    write_report(run)
    folder = hub_folder.write_folder(run, tmp_path / "out", "cc-by-4.0")
    model = vidsparse.from_pretrained(folder)
    clips = torch.rand(2, 3, 1, 32, 32)
    stock = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32)
    stock.load_state_dict(state)
    torch.testing.assert_close(model(clips), stock.eval()(clips))
    assert not model.training
    assert model.classes == tuple(json.loads((run / "run.json").read_text())["data"]["classes"])
    (name,) = model.masks
    assert torch.equal(model.masks[name], state[name] != 0)
    text = (folder / "README.md").read_text()
    (entry,) = result_file.read(folder)
    for said in ("license: cc-by-4.0", f"| clean | {100 * entry['clean']['value']:.1f} (", "| gaussian noise |"):
        assert said in text
    assert str(run) not in text


def test_nothing_is_published_without_a_licence_or_weights_of_its_own(trained, tmp_path: Path) -> None:
    run, _ = trained
    with pytest.raises(ConfigError, match="--licence"):
        hub_folder.write_folder(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (run / "checkpoints" / "final.safetensors").unlink()
    with pytest.raises(RunFolderError, match=r"final\.safetensors"):
        hub_folder.write_folder(run, tmp_path / "out", "mit")


BARE = b'{"format": "vidsparse-model", "version": 1, "model": 3}'


@pytest.mark.parametrize(
    ("name", "left"),
    [("vidsparse.json", b"{"), ("vidsparse.json", BARE), ("model.safetensors", b"junk"), ("masks.safetensors", b"")],
)
def test_a_damaged_folder_is_named_and_not_loaded(trained, tmp_path: Path, name: str, left: bytes) -> None:
    folder = hub_folder.write_folder(trained[0], tmp_path / "out", "mit")
    (folder / name).write_bytes(left)
    with pytest.raises(RunFolderError, match=name.replace(".", r"\.")):
        vidsparse.from_pretrained(folder)


def test_the_commands_write_both_and_push_only_when_told(trained, tmp_path: Path, capsys, monkeypatch) -> None:
    pushed: list[str] = []
    monkeypatch.setattr(hub_folder, "push", lambda folder, name: pushed.append(name) or "address")
    run = trained[0]
    assert main(["publish", str(run), "--licence", "mit"]) == 0
    assert (run / "published" / "README.md").is_file()
    assert pushed == []
    assert main(["publish", str(run), "--licence", "mit", "--push", "me/net"]) == 0
    assert pushed == ["me/net"]
    assert main(["board", str(run), str(run / "published"), "--out", str(tmp_path / "b")]) == 0
    assert main(["publish", str(run)]) == 2
    assert "licence" in capsys.readouterr().err
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        hub_folder.push(run, "no name")
