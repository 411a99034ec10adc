"""Files of other runtimes: their identity has all their parts, and they are of the network that they are said to be."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from vidsparse.api import what_ran
from vidsparse.models import exported
from vidsparse.models.exported import Exported
from vidsparse.models.exported_files import Exporter, check_room, describe, digest, origin_of, parts
from vidsparse.models.model_rows import model_spec
from vidsparse.models.weights.find import find_weights, known_input, native_input, weights_problem
from vidsparse.models.weights.pretrained import Given, evaluated
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError

NAME = "cifar_resnet20"
SAID = {"id2label": {"0": "a", "1": "b"}, "input": {"frames": 2, "short_side": 40, "size": 32, "normalize": "half"}}


def external(*names: str) -> bytes:
    """What of an ONNX file says where its values are: entries of `external_data`, as protocol buffers have them."""
    entries = [b"offset\x12\x010", *(b"location\x12" + length(len(name)) + name.encode() for name in names)]
    return b"\x08\x08 torch " + b"".join(b"\x0a" + length(entry.index(b"\x12")) + entry for entry in entries)


def length(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])


@pytest.fixture
def own():
    return Exporter(NAME, 0.0, "rigl", 0.9, "0" * 64)


def written(folder: Path, name: str = "model.pt2") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(name.encode())
    return folder / name


@pytest.mark.parametrize(("name", "beside"), [("m.xml", "m.bin"), ("m.onnx", "m.onnx.data"), ("m.onnx", "w" * 200)])
def test_the_identity_of_a_file_covers_the_weights_that_stand_beside_it(name, beside, tmp_path):
    path = tmp_path / name
    path.write_bytes(external(beside, beside) if name.endswith("onnx") else b"<net/>")
    alone = find_weights(model_spec(NAME), path).sha256
    assert alone == files.digest(path)
    found = []
    for weights in (b"one", b"two"):
        (tmp_path / beside).write_bytes(weights)
        assert parts(path) == [path, tmp_path / beside]
        found.append(find_weights(model_spec(NAME), path).sha256)
    assert len({alone, *found}) == 3


def test_a_file_that_holds_its_weights_is_known_by_its_own_digest(tmp_path):
    for name in ("model.pt2", "model.onnx", "model.xml"):
        assert digest(written(tmp_path, name)) == files.digest(tmp_path / name)


@pytest.mark.parametrize("suffix", exported.PACKAGES)
def test_a_network_of_another_runtime_is_known_by_its_file_where_it_is_evaluated_from_python(
    suffix, tmp_path, monkeypatch
):
    monkeypatch.setattr(exported, "find_spec", lambda name: True)
    monkeypatch.setitem(exported._STARTERS, suffix, lambda path: nn.Identity())
    found = []
    for content in (b"one", b"two"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(content)
        for network in (Exported(path), nn.Sequential(nn.Identity(), Exported(path))):
            asked = type("Asked", (), {"model": network})
            found.append(what_ran.digest_of(asked))
    assert len({*found, what_ran.digest_of(type("Asked", (), {"model": nn.Identity()}))}) == 5


def test_a_file_of_another_network_is_refused_by_what_stands_beside_it(own, tmp_path):
    path = written(tmp_path)
    describe(tmp_path, own, SAID, {path: True})
    assert "model.name=cifar_resnet20" in weights_problem("cifar_resnet32", str(path))
    with pytest.raises(ConfigError, match=r"model\.weights=.*model\.name=cifar_resnet20"):
        find_weights(model_spec("cifar_resnet32"), path)
    with pytest.raises(ConfigError, match=r"model\.narrowed=0\.0"):
        evaluated(NAME, ("a", "b"), 2, 32, Given(str(path), narrowed=0.5))
    assert origin_of(path) == "exported from a run of cifar_resnet20, rigl at sparsity 0.9, without dead channels"
    path.write_bytes(b"another")
    with pytest.raises(ConfigError, match="export the run again"):
        evaluated(NAME, ("a", "b"), 2, 32, Given(str(path)))


def test_a_network_that_nothing_describes_is_evaluated_and_the_record_says_so(tmp_path, monkeypatch):
    path = written(tmp_path)
    monkeypatch.setitem(exported._STARTERS, ".pt2", lambda path: lambda clips: torch.zeros(len(clips), 2))
    for beside in (None, SAID, SAID | {"files": {"other.pt2": {}}}):
        if beside:
            (tmp_path / "config.json").write_text(json.dumps(beside))
        _, record = evaluated(NAME, ("a", "b"), 2, 32, Given(str(path), labels="order"))
        assert any("model.name is not checked" in note for note in record.notes)


def test_what_a_file_takes_is_never_guessed_from_the_row_of_the_model(own, tmp_path):
    path, row = written(tmp_path), model_spec(NAME)
    assert known_input(row, str(path)) is None
    with pytest.raises(ConfigError, match=r"data\.normalize"):
        native_input(row, str(path))
    describe(tmp_path, own, SAID, {path: False})
    assert vars(native_input(row, str(path))) == SAID["input"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mean": 0.5}, "mean"),
        ({"size": None}, "size"),
        ({"size": 0}, "whole numbers"),
        ({"size": "32"}, "whole numbers"),
        ({"frames": True}, "whole numbers"),
        ({"normalize": "halb"}, "half"),
        ({"normalize": ["half"]}, "normalize"),
    ],
)
def test_an_input_with_other_keys_or_values_is_refused_by_name(change, named, tmp_path):
    said = {key: value for key, value in (SAID["input"] | change).items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(SAID | {"input": said}))
    with pytest.raises(ConfigError, match=rf"config\.json.*{named}"):
        native_input(model_spec(NAME), str(written(tmp_path)))


def test_a_folder_keeps_what_describes_the_files_of_another_network(own, tmp_path):
    check_room(tmp_path, own, SAID)
    one, two = written(tmp_path, "model.pt2"), written(tmp_path, "compact.pt2")
    describe(tmp_path, own, SAID, {one: False})
    check_room(tmp_path, own, SAID)
    describe(tmp_path, own, SAID, {two: True})
    found = json.loads((tmp_path / "config.json").read_text())
    assert {name: entry["compact"] for name, entry in found["files"].items()} == {
        "model.pt2": False,
        "compact.pt2": True,
    }
    with pytest.raises(ConfigError, match="--out"):
        check_room(tmp_path, Exporter(NAME, 0.0, "rigl", 0.9, "1" * 64), SAID)


@pytest.mark.parametrize("content", ['{"architectures": ["ResNet"]}', "[]", "{"])
def test_a_folder_keeps_a_config_json_that_is_not_ours(content, own, tmp_path):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match="--out"):
        check_room(tmp_path, own, SAID)


def test_a_folder_of_an_older_export_of_the_same_run_is_taken(own, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SAID))
    check_room(tmp_path, own, SAID)


def test_networks_that_differ_in_a_buffer_that_is_not_saved_have_two_digests():
    """And one without such buffers keeps the digest that it had before they counted."""
    found = []
    for value in (0.0, 1.0):
        network = nn.Linear(2, 2, bias=False)
        nn.init.ones_(network.weight)
        plain = what_ran.digest_of(type("Asked", (), {"model": network}))
        network.register_buffer("mask", torch.full((2,), value), persistent=False)
        found.append(what_ran.digest_of(type("Asked", (), {"model": network})))
    saved = b"weight torch.float32 (2, 2)\0" + network.weight.detach().numpy().tobytes()
    assert plain == hashlib.sha256(saved).hexdigest()
    assert len({plain, *found}) == 3
