"""Classes by name: ImageNet's synsets, Kinetics, UCF101, a file."""

import json

import pytest

from vidsparse.models.weights.labels import SPACES, find_classes, match_classes
from vidsparse.utils.errors import ConfigError


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
    with pytest.raises(ConfigError, match=r"2 of .*3 classes .*: Nope, Nada.*training\.init"):
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
    with pytest.raises(ConfigError, match=r"model\.labels=imagnet: .*did you mean imagenet"):
        find_classes("imagnet")


def test_a_file_that_has_a_name_twice_is_refused_with_its_lines(tmp_path):
    for name, text, said in (
        ("a.txt", "cat\n\ndog\ncat\n", r"cat \(line 1, 4\)"),
        ("b.txt", "1 cat\n2 dog\n3 cat\n", r"cat \(line 1, 3\)"),
        ("c.json", '["cat", "dog", "cat"]', r"cat \(entry 1, 3\)"),
        ("d.json", '{"cat": 0, "cat": 1}', "cat stands in it twice"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=said):
            find_classes(str(tmp_path / name))


def test_usual_forms_of_names_files_are_read(tmp_path):
    for name, text in (
        ("classInd.txt", "1 cat\n2 big dog\n"),
        ("from_0.csv", "0,cat\n1,big dog\n"),
        ("id2label.json", '{"1": "big dog", "0": "cat"}'),
        ("labels.json", '{"big dog": "1", "cat": "0"}'),
        ("plain.txt", "cat\r\nbig dog"),
    ):
        (tmp_path / name).write_text(text)
        assert [names[0] for names in find_classes(str(tmp_path / name))] == ["cat", "big dog"], name
    (tmp_path / "ssv2.txt").write_text("Putting something, something and something on the table\nPutting something\n")
    wanted = ["Putting something, something and something on the table", "Putting something"]
    assert match_classes(wanted[:1], find_classes(str(tmp_path / "ssv2.txt"))) == [0]
    assert match_classes(["C", "C#", "C++"], [("C++",), ("C",), ("C#",)]) == [1, 2, 0]
    assert match_classes(["-1", "+1"], [("+1",), ("-1",)]) == [1, 0]


def test_a_file_without_names_and_a_name_that_is_too_long_are_refused(tmp_path):
    (tmp_path / "none.txt").write_text("\ufeff\r\n \n")
    with pytest.raises(ConfigError, match=r"none\.txt holds no name"):
        find_classes(str(tmp_path / "none.txt"))
    with pytest.raises(ConfigError, match=r"model\.labels=xxx.*no such file"):
        find_classes("x" * 5000)
