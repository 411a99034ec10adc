"""Where weights come from. Libraries' caches are filled by hand here: nothing is downloaded."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from helpers.records import data_record
from vidsparse.models.weights.find import find_weights, native_input, weights_problem
from vidsparse.models.zoo import MODELS, create_model, model_spec
from vidsparse.run_dir.record import RunRecord
from vidsparse.utils.errors import ConfigError


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.urlopen", offline)


@pytest.mark.parametrize(
    "name", [name for name, row in MODELS.items() if row.weights and row.weights != ("pretrained",)]
)
def test_the_published_names_inputs_and_classes_are_torchvisions(name):
    from torchvision.models import get_model_weights

    from vidsparse.models.weights.labels import find_classes
    from vidsparse.models.zoo import NORMALIZE

    row, theirs = MODELS[name], get_model_weights(name)
    assert set(row.weights) == {weights.name for weights in theirs}
    assert theirs[row.weights[0]] == theirs.DEFAULT
    preset = theirs.DEFAULT.transforms()
    assert row.size == getattr(preset, "crop_size", preset.resize_size)[0]  # segmentation sees the whole frame
    assert row.short_side == preset.resize_size[0]
    assert (tuple(preset.mean), tuple(preset.std)) == (NORMALIZE[row.normalize].mean, NORMALIZE[row.normalize].std)
    assert [names[0] for names in find_classes(row.labels)] == theirs.DEFAULT.meta["categories"]


@pytest.mark.parametrize("reference", ["KINETICS400_V1", "DEFAULT", "pretrained", "R3D_18_Weights.KINETICS400_V1"])
def test_published_weights_come_from_the_hub_cache_and_are_checked_by_their_hash(tmp_path, monkeypatch, reference):
    cache = tmp_path / "torch" / "hub" / "checkpoints" / "r3d_18-b3b3357e.pth"
    with pytest.raises(ConfigError) as caught:
        find_weights(MODELS["r3d_18"], reference)
    assert f"cannot be downloaded (no network); put that file at {cache}" in str(caught.value)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_bytes(b"other")
    with pytest.raises(ConfigError, match="not the file that was published"):
        find_weights(MODELS["r3d_18"], reference)
    monkeypatch.setattr("vidsparse.utils.files.digest", lambda path: "b3b3357e" + "0" * 56)
    found = find_weights(MODELS["r3d_18"], reference)
    assert found.path == cache
    assert found.classes is not None
    assert found.classes[0] == ("abseiling",)
    assert "R3D_18_Weights.KINETICS400_V1" in found.origin


def test_pytorchvideos_and_timms_say_where_they_are_when_offline():
    with pytest.raises(ConfigError, match=r"SLOWFAST_8x8_R50\.pyth cannot be downloaded"):
        find_weights(MODELS["slowfast_r50"], "pretrained")
    with pytest.raises(ConfigError, match=r"hf://timm/resnet18\.\w+ "):
        find_weights(model_spec("timm/resnet18"), "pretrained")


def test_a_repository_of_hugging_face_at_a_revision(tmp_path):
    with pytest.raises(ConfigError, match=r"hf://us/net@v1 .*huggingface\.co/us/net"):
        find_weights(MODELS["cifar_resnet20"], "hf://us/net@v1")
    commit = hashlib.sha1(b"x").hexdigest()
    folder = tmp_path / "hub" / "models--us--net"
    for name in ("model.safetensors", "best.pt"):
        path = folder / "snapshots" / commit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
    (folder / "refs").mkdir()
    (folder / "refs" / "v1").write_text(commit)
    assert find_weights(MODELS["cifar_resnet20"], "hf://us/net@v1").path.name == "model.safetensors"
    assert find_weights(MODELS["cifar_resnet20"], "hf://us/net@v1:best.pt").path.name == "best.pt"


@pytest.mark.parametrize(
    ("name", "reference", "said"),
    [
        ("r3d_18", "KINETICS_V1", "did you mean KINETICS400_V1"),
        ("r3d_18", "mine.pth", "there is no such file"),
        ("r3d_18", "hf://net", "hf://ORGANISATION/NAME@REVISION"),
        ("i3d", "pretrained", "there is no such file"),
    ],
)
def test_a_reference_that_means_nothing_is_answered(name, reference, said):
    assert said in weights_problem(name, reference)
    with pytest.raises(ConfigError, match=r"model\.weights="):
        create_model(name, 5, 8, 32, reference)


def test_a_run_folder_gives_its_final_weights_classes_and_input(tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    assert "not a finished run" in weights_problem("cifar_resnet20", str(run))
    state = create_model("cifar_resnet20", 2, 1, 32).state_dict()
    save_file(state, run / "checkpoints" / "final.safetensors")
    identity = {"data.frames": 1, "data.short_side": 36, "data.size": 32, "data.normalize": "half"}
    (run / "run.json").write_text(RunRecord(data=data_record(classes=("a", "b")), identity=identity).to_json())
    found = find_weights(MODELS["cifar_resnet20"], run)
    assert found.classes == (("a",), ("b",))
    assert native_input(MODELS["cifar_resnet20"], str(run)).short_side == 36
    loaded = create_model("cifar_resnet20", 2, 1, 32, run).state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_timms_own_input_is_read_from_its_table():
    native = native_input(model_spec("timm/tf_efficientnet_lite0"), None)
    assert (native.frames, native.short_side, native.size, native.normalize) == (1, 256, 224, "half")
