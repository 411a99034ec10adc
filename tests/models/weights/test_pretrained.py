"""Somebody's weights: their classes matched to the data's, and a new head on their backbone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from helpers.records import data_record
from vidsparse.classes.spaces import listed
from vidsparse.models.weights.find import find_weights
from vidsparse.models.weights.pretrained import Given, answered_classes, evaluated, initialize, known_head
from vidsparse.models.zoo import create_model, model_spec
from vidsparse.run_dir.record import RunRecord, WeightsRecord
from vidsparse.utils.errors import ConfigError

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
    model, found = evaluated(NAME, ["Dog", "bee"], 1, 32, Given(path, names, answers))
    clip = torch.randn(3, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip)[:, order])
    assert (found.classes, found.answers, found.labels) == (5, len(order), f"by name, {names}")
    assert len(found.sha256) == 64
    assert set(model.state_dict()) == set(theirs.state_dict())


def test_classes_that_nobody_names_are_taken_by_order_only_where_that_is_said(five):
    theirs, path, _ = five
    with pytest.raises(ConfigError, match=r"model\.labels=order .*: a, b, c, d, e"):
        evaluated(NAME, list("abcde"), 1, 32, Given(path, "auto", "all"))
    model, found = evaluated(NAME, list("abcde"), 1, 32, Given(path, "order", "all"))
    clip = torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip))
    assert "by order" in found.labels


def test_a_head_that_is_trained_further_numbers_the_classes_as_the_data_does(five):
    _, path, names = five
    sorted_as_theirs, otherwise = ["ant", "bee", "cat", "dog", "elk"], ["bee", "ant", "cat", "dog", "elk"]
    assert known_head(sorted_as_theirs, NAME, path, names) == f"by name, {names}"
    assert "by order" in known_head(otherwise, NAME, path, "order")
    with pytest.raises(ConfigError, match=r"bee is number 0 of the data and 1 of the weights.*training\.init"):
        known_head(otherwise, NAME, path, names)
    with pytest.raises(ConfigError, match=r"names none of its 5 classes.*model\.labels=order"):
        known_head(otherwise, NAME, path, "auto")


def test_data_without_classes_is_answered_in_those_of_the_weights(five):
    theirs, path, names = five
    model, found = evaluated(NAME, [], 1, 32, Given(path, names, "data"))
    clip = torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), theirs(clip))
    assert found.class_names == ("ant", "bee", "cat", "dog", "elk")
    assert evaluated(NAME, [], 1, 32, Given(path, "auto", "all"))[1].class_names is None


@pytest.mark.parametrize("labels", ["auto", "order"])
def test_another_number_of_classes_that_nobody_names_is_refused(five, labels):
    with pytest.raises(ConfigError, match="5 classes, the data 3"):
        evaluated(NAME, list("abc"), 1, 32, Given(five[1], labels, "all"))


def test_1000_classes_and_synsets_in_the_data_are_imagenet(tmp_path):
    save_file(create_model(NAME, 1000, 1, 32).state_dict(), tmp_path / "net.safetensors")
    model, found = evaluated(
        NAME, ["n15075141", "n01440764"], 1, 32, Given(str(tmp_path / "net.safetensors"), "auto", "data")
    )
    assert model.get_buffer("answers").tolist() == [999, 0]
    assert found.labels == "by name, imagenet"


def test_fine_tuning_takes_all_but_the_head(five):
    theirs, path, _ = five
    torch.manual_seed(1)
    model = create_model(NAME, 7, 1, 32)
    head = {key: value.clone() for key, value in model.state_dict().items() if key.startswith("fc")}
    found = initialize(model, NAME, 1, 32, path)
    for key, value in model.state_dict().items():
        assert torch.equal(value, head[key] if key in head else theirs.state_dict()[key])
    assert "new head: fc.weight, fc.bias" in found.notes


def test_fine_tuning_leaves_aside_heads_of_other_kinds_and_says_so(five, tmp_path):
    theirs, _, _ = five
    state = {f"backbone.{key}": value for key, value in theirs.state_dict().items() if not key.startswith("fc")}
    torch.save(state | {"backbone.cls_head.weight": torch.ones(5, 9)}, tmp_path / "other.pt")
    model = create_model(NAME, 7, 1, 32)
    found = initialize(model, NAME, 1, 32, str(tmp_path / "other.pt"))
    assert torch.equal(model.get_parameter("conv1.weight"), theirs.get_parameter("conv1.weight"))
    assert "left aside: cls_head.weight" in found.notes


def test_fine_tuning_refuses_the_backbone_of_another_network(tmp_path):
    deep = create_model("cifar_resnet34", 5, 1, 32).state_dict()
    torch.save(deep, tmp_path / "deep.pt")
    model = create_model("cifar_resnet18", 5, 1, 32)
    before = model.get_parameter("conv1.weight").clone()
    with pytest.raises(ConfigError, match=r"training\.init: .*layer1\.2\.conv1\.weight"):
        initialize(model, "cifar_resnet18", 1, 32, str(tmp_path / "deep.pt"))
    assert torch.equal(model.get_parameter("conv1.weight"), before)


@pytest.mark.slow
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


def unnamed(tmp_path, classes):
    """The path of a file of weights that says nothing of its classes."""
    torch.manual_seed(0)
    save_file(create_model(NAME, classes, 1, 32).state_dict(), tmp_path / "net.safetensors")
    return str(tmp_path / "net.safetensors")


def test_the_same_weights_mean_the_same_in_whatever_order_the_data_has_its_classes(tmp_path):
    names, path = listed("tiny_imagenet"), unnamed(tmp_path, 200)
    with pytest.raises(ConfigError, match=r"model.labels=tiny_imagenet .*tiny_imagenet_sorted"):
        evaluated(NAME, names, 1, 32, Given(path, "auto", "data"))
    clip = torch.randn(1, 3, 1, 32, 32)
    published, folders = (evaluated(NAME, order, 1, 32, Given(path, "tiny_imagenet", "data"))[0].eval()(clip)
                          for order in (names, sorted(names)))  # fmt: skip
    torch.testing.assert_close(folders, published[:, [names.index(name) for name in sorted(names)]])


def test_ten_classes_of_cifar_are_in_the_order_of_its_archive(tmp_path):
    path = unnamed(tmp_path, 10)
    shuffled = sorted(listed("cifar10"), reverse=True)
    model, found = evaluated(NAME, shuffled, 1, 32, Given(path, "auto", "data"))
    assert model.get_buffer("answers").tolist() == list(range(10))[::-1]
    assert found.labels == "by name, cifar10"
    with pytest.raises(ConfigError, match="names none of its 10 classes"):
        evaluated(NAME, [*listed("cifar10")[:9], "lorry"], 1, 32, Given(path, "auto", "data"))


def test_any_of_the_classes_that_are_one_action_counts_as_right(tmp_path):
    path = unnamed(tmp_path, 400)
    model, found = evaluated(NAME, ["golf", "shoot_bow"], 1, 32, Given(path, "auto", "all"))
    theirs = create_model(NAME, 400, 1, 32, path).eval()
    clip, places = torch.randn(2, 3, 1, 32, 32), [listed("kinetics400").index(f"golf {what}") for what in
                                                 ("driving", "chipping", "putting")]  # fmt: skip
    with torch.no_grad():
        given, answered = theirs(clip), model.eval()(clip)
    torch.testing.assert_close(answered[:, 0], given[:, places].amax(1))
    torch.testing.assert_close(answered[:, 1], given[:, listed("kinetics400").index("archery")])
    assert answered.shape == (2, 398)
    assert set(found.joined) == {"golf", "shoot_bow"}
    assert found.joined["shoot_bow"] == ("archery",)


def test_classes_of_which_weights_know_nothing_are_told_before_anything_is_evaluated(tmp_path):
    path = unnamed(tmp_path, 400)
    known = answered_classes(NAME, ["wave", "golf", "shoot_bow"], 1, 32, Given(str(path)))
    assert [bool(names) for names in known] == [False, True, True]
    assert answered_classes(NAME, ["wave", "zebra"], 1, 32, Given(str(path))) == []
    with pytest.raises(ConfigError, match="1 of the data's 2 classes"):
        evaluated(NAME, ["wave", "golf"], 1, 32, Given(path, "auto", "all"))


def test_classes_that_a_narrowed_network_or_one_part_of_a_file_knows_are_found_too(tmp_path):
    """As wide as the weights are, else the head has no size and the file seems to know no class."""
    names = ["wave", "golf", "shoot_bow"]
    save_file(create_model(NAME, 400, 1, 32, narrowed=0.5).state_dict(), tmp_path / "narrow.safetensors")
    known = answered_classes(NAME, names, 1, 32, Given(str(tmp_path / "narrow.safetensors"), narrowed=0.5))
    assert [bool(called) for called in known] == [False, True, True]
    both = {
        "teacher": create_model(NAME, 400, 1, 32).state_dict(),
        "student": create_model(NAME, 3, 1, 32).state_dict(),
    }
    torch.save(both, tmp_path / "both.pth")
    known = answered_classes(NAME, names, 1, 32, Given(f"{tmp_path / 'both.pth'}#teacher"))
    assert [bool(called) for called in known] == [False, True, True]


def test_classes_stand_in_a_config_beside_the_weights(tmp_path):
    path = unnamed(tmp_path, 3)
    (tmp_path / "config.json").write_text('{"id2label": {"0": "cat", "1": "dog", "2": "elk"}}')
    assert evaluated(NAME, ["elk", "dog", "cat"], 1, 32, Given(path, "auto", "data"))[0].get_buffer(
        "answers"
    ).tolist() == [
        2,
        1,
        0,
    ]
    (tmp_path / "config.json").write_text('{"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}')
    with pytest.raises(ConfigError, match="names none of its 3 classes"):
        evaluated(NAME, ["elk", "dog", "cat"], 1, 32, Given(path, "auto", "data"))


def test_a_run_that_evaluated_weights_of_others_passes_on_their_names_and_not_those_of_its_data(tmp_path):
    path = Path(unnamed(tmp_path, 3))
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    path.rename(folder / "final.safetensors")
    record = RunRecord(
        data=data_record(classes=("elk", "dog", "cat")),
        weights=WeightsRecord(labels="by name, x", class_names=tuple("abc")),
    )
    (tmp_path / "run" / "run.json").write_text(record.to_json())
    for reference in (tmp_path / "run", folder / "final.safetensors"):
        assert find_weights(model_spec(NAME), reference).classes == (("a",), ("b",), ("c",))
    (tmp_path / "run" / "run.json").write_text(replace(record, weights=None).to_json())
    assert find_weights(model_spec(NAME), folder / "final.safetensors").classes == (("elk",), ("dog",), ("cat",))
