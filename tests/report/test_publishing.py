"""What leaves the machine: results.json by its schema, a static leaderboard, a folder for a hub that loads again."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import vidsparse
from vidsparse.cli import main
from vidsparse.publishing import hub_folder, hub_push
from vidsparse.publishing.model_card import card
from vidsparse.report import result_file
from vidsparse.report.run_numbers import measure
from vidsparse.report.tables import load_run
from vidsparse.training.engine import Checkpoints
from vidsparse.utils.errors import ConfigError, RunFolderError

MakeRun = Callable[..., Path]


@pytest.fixture
def trained(fake_run: MakeRun) -> tuple[Path, dict[str, torch.Tensor]]:
    """A finished run of a small network with one sparse layer, and its weights."""
    run = fake_run(clips=18, severities=(3,))
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("r3d_18", "cifar_resnet20").replace("frames: 8", "frames: 1")
                      .replace("size: 56", "size: 32, normalize: cifar10"))  # fmt: skip
    state = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32).state_dict()
    name = "layer1.0.conv1.weight"
    state[name].view(-1)[::3] = 0
    (run / "checkpoints").mkdir()
    write_counts(run, state, {name: state[name] != 0})
    loaded = load_run(run)
    result_file.write(run, [result_file.of_run(loaded, measure(loaded, None))])
    return run, state


def write_counts(run: Path, state: dict[str, torch.Tensor], masks: dict[str, torch.Tensor]) -> None:
    """Write the run's weights, and what layers.csv and run.json count of them."""
    save_file({name: value.contiguous() for name, value in state.items()}, run / "checkpoints" / "final.safetensors")
    rows = [(name, mask.numel(), int(mask.sum())) for name, mask in masks.items()]
    table = pd.DataFrame(rows, columns=["name", "total", "nonzero"])
    table.assign(shape="", density=0.5).to_csv(run / "layers.csv", index=False)
    record = json.loads((run / "run.json").read_text())
    weights = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32).parameters()
    record["model"] |= {"name": "cifar_resnet20", "parameters": sum(weight.numel() for weight in weights)}
    record["sparse"] |= {"total": int(table["total"].sum()), "nonzero": int(table["nonzero"].sum())}
    (run / "run.json").write_text(json.dumps(record))


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
        '{"format": "vidsparse-results", "version": 1}',
    ],
)
def test_results_of_another_form_are_refused_by_name(left: str, tmp_path: Path) -> None:
    (tmp_path / result_file.NAME).write_text(left)
    with pytest.raises(RunFolderError, match=r"results\.json"):
        result_file.read(tmp_path)


def test_what_is_published_loads_again_with_its_masks_and_its_classes(trained, tmp_path: Path) -> None:
    run, state = trained
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


def checkpointed(run: Path, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the run a last checkpoint whose masks have links that weigh nothing; returns the masks."""
    model = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32)
    sparse = vidsparse.sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "static", sparsity=0.5, total_steps=9)
    state |= model.state_dict()
    for name, mask in sparse.masks.items():
        state[name] = torch.where(mask, state[name].masked_fill(torch.rand_like(state[name]) < 0.2, 0), 0)
    write_counts(run, state, sparse.masks)
    Checkpoints(run / "checkpoints").save(9, state, {"sparse": sparse.state_dict()})
    return dict(sparse.masks)


def test_published_masks_are_the_links_of_the_last_checkpoint_also_those_that_weigh_nothing(trained, tmp_path) -> None:
    run, state = trained
    masks = checkpointed(run, state)
    folder = hub_folder.write_folder(run, tmp_path / "out", "mit")
    found = vidsparse.from_pretrained(folder).masks
    assert set(found) == {name for name, mask in masks.items() if not mask.all()}
    assert all(torch.equal(mask, masks[name]) for name, mask in found.items())
    record = json.loads((run / "run.json").read_text())
    absent = sum(mask.numel() - int(mask.sum()) for mask in found.values())
    present = record["model"]["parameters"] - absent
    assert f"{present:,} of {record['model']['parameters']:,} parameters" in (folder / "README.md").read_text()


@pytest.mark.parametrize("broken", ["no checkpoint", "another run's", "damaged", "other masks"])
def test_links_that_cannot_be_told_are_not_published(trained, tmp_path: Path, broken: str) -> None:
    run, state = trained
    checkpointed(run, state)
    (last,) = (run / "checkpoints").glob("step-*/state.pt")
    said = torch.load(last, weights_only=True)
    if broken == "no checkpoint":
        shutil.rmtree(last.parent)
    elif broken == "damaged":
        last.write_bytes(last.read_bytes()[:99])
    elif broken == "another run's":
        torch.save(said | {"run": "beef"}, last)
    else:
        said["sparse"]["masks"] = {name: bits.flip(0) for name, bits in said["sparse"]["masks"].items()}
        torch.save(said, last)
    with pytest.raises(RunFolderError, match=re.escape(str(run))):
        hub_folder.write_folder(run, tmp_path / "out", "mit")


def test_masks_that_do_not_fit_the_weights_are_refused_and_those_of_version_1_are_read(trained, tmp_path: Path) -> None:
    run, state = trained
    masks = checkpointed(run, state)
    folder = hub_folder.write_folder(run, tmp_path / "out", "mit")
    saved = load_file(folder / "masks.safetensors")
    name = next(iter(saved))
    for odd in ({name: ~saved[name]}, {name: saved[name][:-1].clone()}, {"fc.other": saved[name]}):
        save_file(odd, folder / "masks.safetensors")
        with pytest.raises(RunFolderError, match=r"masks\.safetensors"):
            vidsparse.from_pretrained(folder)
    save_file({name: torch.from_numpy(np.packbits(masks[name].numpy().ravel()))}, folder / "masks.safetensors")
    about = json.loads((folder / "vidsparse.json").read_text())
    (folder / "vidsparse.json").write_text(json.dumps(about | {"version": 1}))
    assert torch.equal(vidsparse.from_pretrained(folder).masks[name], masks[name])


def test_a_folder_runs_no_code_that_it_names(trained, tmp_path: Path, monkeypatch) -> None:
    folder = hub_folder.write_folder(trained[0], tmp_path / "out", "mit")
    ran = tmp_path / "ran"
    (tmp_path / "evil_net.py").write_text(f"""import pathlib, vidsparse
pathlib.Path({str(ran)!r}).touch()
def build(num_classes, frames, size):
    return vidsparse.create_model("cifar_resnet20", num_classes, frames, size)
""")
    monkeypatch.chdir(tmp_path)
    about = json.loads((folder / "vidsparse.json").read_text())
    (folder / "vidsparse.json").write_text(json.dumps(about | {"model": "evil_net:build", "plugins": ["evil_net.py"]}))
    with pytest.raises(RunFolderError, match=r"evil_net:build.*trust_code=True"):
        vidsparse.from_pretrained(folder)
    model = vidsparse.create_model("cifar_resnet20", 3, frames=1, size=32)
    assert vidsparse.from_pretrained(folder, model=model) is model
    assert not ran.exists()
    assert vidsparse.from_pretrained(folder, trust_code=True).masks
    assert ran.exists()
    (folder / "vidsparse.json").write_text(json.dumps(about | {"model": "never_heard_of"}))
    with pytest.raises(RunFolderError, match="never_heard_of"):
        vidsparse.from_pretrained(folder)


@pytest.mark.parametrize(
    ("task", "frames", "name", "tag"),
    [
        ("classification", 1, "cifar_resnet20", "image-classification"),
        ("classification", 8, "r3d_18", "video-classification"),
        ("classification", 8, "cifar_resnet20", "video-classification"),
        ("segmentation", 1, "unet", "image-segmentation"),
    ],
)
def test_a_card_says_of_what_its_network_is_and_all_that_it_is_fed(
    fake_run: MakeRun, task: str, frames: int, name: str, tag: str
) -> None:
    run = fake_run("ucf101_dense", "dense", clips=9, severities=(3,))
    config = (run / "config.yaml").read_text().replace("r3d_18", name).replace("frames: 8", f"frames: {frames}")
    (run / "config.yaml").write_text(config.replace("size: 56", "size: 56, normalize: kinetics"))
    loaded = load_run(run)
    entry = result_file.of_run(loaded, measure(loaded, None))
    loaded.config["task"] = task
    text = card(loaded, entry, "mit", entry["parameters"])
    assert f"tags: [{tag}, corruption-robustness]" in text
    for said in ("mean (0.43216, 0.394666, 0.37645)", "deviation (0.22803, 0.22145, 0.216989)", "64 px", "56 px"):
        assert said in text, said
    assert ("one of every 4, from one stretch" in text) == (frames > 1)
    assert ("mean of those of the frames" in text) == (frames > 1 and name != "r3d_18")


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
    (trained[0] / result_file.NAME).unlink()  # of a run of before: the report is made, which writes it
    monkeypatch.setattr(hub_push, "push", lambda folder, name: pushed.append(name) or "address")
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    run = trained[0]
    assert main(["publish", str(run), "--licence", "mit"]) == 0
    assert (run / "published" / "README.md").is_file()
    assert pushed == []
    assert main(["publish", str(run), "--licence", "mit", "--push", "me/net"]) == 0
    assert pushed == ["me/net"]
    assert main(["board", str(run), str(run / "published"), "--out", str(tmp_path / "b")]) == 0
    assert main(["publish", str(run)]) == 2
    assert "licence" in capsys.readouterr().err
