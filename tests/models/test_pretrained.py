"""Somebody's weights: their classes matched to the data's, and a new head on their backbone."""

import pytest
import torch
from safetensors.torch import save_file

from vidsparse.errors import ConfigError
from vidsparse.models.pretrained import evaluated, initialize
from vidsparse.models.zoo import create_model

NAME = "cifar_resnet20"


@pytest.fixture
def five(tmp_path):
    """A network of 5 classes, its file, and a file of their names."""
    torch.manual_seed(0)
    model = create_model(NAME, 5, 1, 32).eval()
    save_file(model.state_dict(), tmp_path / "five.safetensors")
    (tmp_path / "names.txt").write_text("ant\nbee\ncat\ndog\nelk\n")
    return model, str(tmp_path / "five.safetensors"), str(tmp_path / "names.txt")


@pytest.mark.parametrize(("answers", "order"), [("all", [3, 1, 0, 2, 4]), ("data", [3, 1])])
def test_the_datas_classes_come_first_and_the_others_after_them_or_not_at_all(five, answers, order):
    theirs, path, names = five
    model, facts = evaluated(NAME, ["Dog", "bee"], 1, 32, path, names, answers)
    clip = torch.randn(3, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip)[:, order])
    assert (facts["classes"], facts["answers"], facts["labels"]) == (5, len(order), f"by name, {names}")
    assert len(facts["sha256"]) == 64
    assert set(model.state_dict()) == set(theirs.state_dict())


def test_classes_that_nobody_names_are_taken_by_order_where_as_many(five):
    theirs, path, _ = five
    model, facts = evaluated(NAME, list("abcde"), 1, 32, path, "auto", "all")
    clip = torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip))
    assert "by order" in facts["labels"]


def test_data_without_classes_is_answered_in_those_of_the_weights(five):
    theirs, path, names = five
    model, facts = evaluated(NAME, [], 1, 32, path, names, "data")
    clip = torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip))
    assert facts["names"] == ["ant", "bee", "cat", "dog", "elk"]
    assert evaluated(NAME, [], 1, 32, path, "auto", "all")[1]["names"] == list("01234")


@pytest.mark.parametrize("labels", ["auto", "order"])
def test_another_number_of_classes_that_nobody_names_is_refused(five, labels):
    with pytest.raises(ConfigError, match="5 classes, the data 3"):
        evaluated(NAME, list("abc"), 1, 32, five[1], labels, "all")


def test_1000_classes_and_synsets_in_the_data_are_imagenet(tmp_path):
    save_file(create_model(NAME, 1000, 1, 32).state_dict(), tmp_path / "net.safetensors")
    model, facts = evaluated(NAME, ["n15075141", "n01440764"], 1, 32, str(tmp_path / "net.safetensors"), "auto", "data")
    assert model.get_buffer("answers").tolist() == [999, 0]
    assert facts["labels"] == "by name, imagenet"


def test_fine_tuning_takes_all_but_the_head(five):
    theirs, path, _ = five
    torch.manual_seed(1)
    model = create_model(NAME, 7, 1, 32)
    head = {key: value.clone() for key, value in model.state_dict().items() if key.startswith("fc")}
    facts = initialize(model, NAME, 1, 32, path)
    for key, value in model.state_dict().items():
        assert torch.equal(value, head[key] if key in head else theirs.state_dict()[key])
    assert "new head: fc.weight, fc.bias" in facts["notes"]


def test_fine_tuning_leaves_aside_heads_of_other_kinds_and_says_so(five, tmp_path):
    theirs, _, _ = five
    state = {f"backbone.{key}": value for key, value in theirs.state_dict().items() if not key.startswith("fc")}
    torch.save(state | {"backbone.cls_head.weight": torch.ones(5, 9)}, tmp_path / "other.pt")
    model = create_model(NAME, 7, 1, 32)
    facts = initialize(model, NAME, 1, 32, str(tmp_path / "other.pt"))
    assert torch.equal(model.get_parameter("conv1.weight"), theirs.get_parameter("conv1.weight"))
    assert "left aside: cls_head.weight" in facts["notes"]


def test_fine_tuning_refuses_the_backbone_of_another_network(tmp_path):
    deep = create_model("cifar_resnet34", 5, 1, 32).state_dict()
    torch.save(deep, tmp_path / "deep.pt")
    model = create_model("cifar_resnet18", 5, 1, 32)
    before = model.get_parameter("conv1.weight").clone()
    with pytest.raises(ConfigError, match=r"training\.init: .*layer1\.2\.conv1\.weight is unknown here"):
        initialize(model, "cifar_resnet18", 1, 32, str(tmp_path / "deep.pt"))
    assert torch.equal(model.get_parameter("conv1.weight"), before)


@pytest.mark.parametrize("name", ["x3d_s", "mvit_v2_s", "i3d", "timm/test_vit", "timesformer_s", "cifar_vgg16"])
def test_the_head_is_found_in_every_kind_of_network(name, tmp_path):
    torch.manual_seed(0)
    theirs = create_model(name, 5, 2, 32)
    torch.save(theirs.state_dict(), tmp_path / "net.pt")
    ours = create_model(name, 3, 2, 32)
    initialize(ours, name, 2, 32, str(tmp_path / "net.pt"))
    fresh = [key for key, value in ours.state_dict().items() if value.shape != theirs.state_dict()[key].shape]
    assert 1 <= len(fresh) <= 2
    assert all(torch.equal(v, theirs.state_dict()[k]) for k, v in ours.state_dict().items() if k not in fresh)
