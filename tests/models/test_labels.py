"""Classes by name: ImageNet's synsets, Kinetics, UCF101, a file."""

import json

import pytest

from vidsparse.errors import ConfigError
from vidsparse.models.labels import SPACES, find_classes, match_classes


@pytest.mark.parametrize("space", SPACES)
def test_a_known_label_space_has_its_size_and_no_name_twice(space):
    classes = find_classes(space)
    assert len(classes) == len({names[0] for names in classes}) == SPACES[space]


def test_synsets_and_their_words_find_imagenets_indices():
    imagenet = find_classes("imagenet")
    assert match_classes(["n01440764", "goldfish", "n15075141", "Tinca tinca".upper()][:3], imagenet) == [0, 1, 999]
    assert match_classes(["tench"], imagenet) == [0]
    with pytest.raises(ConfigError, match="1 of the data's 1 classes"):
        match_classes(["crane"], imagenet)  # a bird and a machine


def test_letter_case_and_blanks_do_not_count():
    kinetics = find_classes("kinetics400")
    assert [kinetics[i][0] for i in match_classes(["Playing_Guitar", "yoga"], kinetics)] == ["playing guitar", "yoga"]
    assert match_classes(["ApplyEyeMakeup", "yo yo", "HandStandPushups"], find_classes("ucf101")) == [0, 100, 36]


def test_what_has_no_counterpart_is_listed_with_a_way_on():
    with pytest.raises(ConfigError, match=r"2 of the data's 3 classes .*: Nope, Nada; fine-tune with training\.init"):
        match_classes(["Nope", "YoYo", "Nada"], find_classes("ucf101"))
    with pytest.raises(ConfigError, match="two classes of the data are one class of the weights: yoyo"):
        match_classes(["yo-yo", "YoYo"], [("yoyo",), ("other",)])


def test_a_file_names_the_classes(tmp_path):
    (tmp_path / "names.txt").write_text("cat, kitty\ndog\n\n")
    (tmp_path / "names.json").write_text(json.dumps(["dog", "cat"]))
    assert match_classes(["Kitty", "Dog"], find_classes(str(tmp_path / "names.txt"))) == [0, 1]
    assert match_classes(["cat"], find_classes(str(tmp_path / "names.json"))) == [1]
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a list of class names"):
        find_classes(str(tmp_path / "bad.json"))
    with pytest.raises(ConfigError, match=r"model\.labels=imagnet: did you mean imagenet"):
        find_classes("imagnet")
