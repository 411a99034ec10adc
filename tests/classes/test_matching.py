"""Class names: which are one, which are not, and what the shipped lists and the map of actions hold."""

import unicodedata

import pytest

from vidsparse.classes.matching import SETS, Lookup, find_all, plain, same_actions, sets_of
from vidsparse.classes.spaces import SPACES, ambiguous, listed, space_classes

FILES = tuple(space for space in SPACES if space not in ("imagenet", "voc") and not space.endswith("_sorted"))


@pytest.mark.parametrize(
    "names",
    [
        ("C", "C++", "C#"),
        ("+1", "-1", "1"),
        ("shift -1", "shift +1", "shift 1"),
        ("grade A", "grade A-", "grade A+"),
        ("1.5", "15", "1 5 0"),
        ("version 1.2", "version 12"),
        (".5", "5"),
        ("résumé", "resume"),
        (",", ".", "-"),
        ("हिन्दी", "हन्द"),
    ],
)
def test_names_that_differ_in_what_they_mean_stay_apart(names):
    assert len({plain(name) for name in names}) == len(names)
    assert find_all(names, [(name,) for name in reversed(names)]) == [(i,) for i in reversed(range(len(names)))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("YoYo", "yo-yo"),
        ("HandStandPushups", "hand stand push-ups"),
        ("__background__", "background"),
        ("Café", unicodedata.normalize("NFD", "CAFÉ")),
        ("massaging person's head", "massaging_person’s_head"),
        ("covid-19", "COVID 19"),
        ("hurling (sport)", "hurling_sport"),
        ("Straße", "STRASSE"),
    ],
)
def test_names_that_differ_in_their_writing_are_one(one, other):
    assert plain(one) == plain(other)


def test_a_looser_comparison_never_wins_over_a_stricter_one_and_never_guesses():
    lookup = Lookup([("Jump",), ("jump",), ("run", "jog"), ("jog",)])
    assert [lookup.find(name) for name in ("Jump", "jump", "jog", "run")] == [(0,), (1,), (3,), (2,)]
    assert lookup.find("JUMP") == (0, 1)
    assert find_all(["JUMP"], [("Jump",), ("jump",)]) == [()]
    assert lookup.find("C") == ()
    assert Lookup([("C++",)]).find("C") == ()


@pytest.mark.parametrize("space", FILES)
def test_a_shipped_list_is_whole_and_has_no_name_twice(space):
    assert len({plain(name) for name in listed(space)}) == len(listed(space)) == SPACES[space]


@pytest.mark.parametrize("space", FILES)
def test_only_spaces_whose_order_is_that_of_their_names_are_free_of_a_second_order(space):
    assert (list(listed(space)) == sorted(listed(space))) == (not ambiguous(space))


def test_kinetics_400_is_in_the_order_of_published_weights():
    from torchvision.models.video import R3D_18_Weights

    assert list(listed("kinetics400")) == R3D_18_Weights.KINETICS400_V1.meta["categories"]


def test_tiny_imagenet_is_a_part_of_imagenet():
    synsets = {names[0] for names in space_classes("imagenet")}
    assert len(set(listed("tiny_imagenet")) - synsets) <= 1


@pytest.mark.parametrize(
    ("own", "name", "other", "theirs"),
    [
        ("ucf101", "Punch", "kinetics400", ("punching person (boxing)",)),
        ("ucf101", "PushUps", "kinetics600", ("push up",)),
        ("ucf101", "BabyCrawling", "kinetics400", ("crawling baby",)),
        ("hmdb51", "golf", "kinetics400", ("golf driving", "golf chipping", "golf putting")),
        ("hmdb51", "shoot_bow", "ucf101", ("Archery",)),
        ("hmdb51", "wave", "kinetics600", ("waving hand",)),
        ("hmdb51", "wave", "kinetics400", ()),
        ("kinetics400", "dying hair", "kinetics600", ("dyeing hair",)),
        ("kinetics400", "golf putting", "kinetics600", ()),  # by its name, not by the action of another set
        ("ucf101", "YoYo", "kinetics400", ()),
    ],
)
def test_actions_are_joined_as_the_map_says(own, name, other, theirs):
    assert same_actions(name, own, other) == theirs


@pytest.mark.parametrize("space", SETS)
def test_every_name_in_the_map_is_a_class_of_its_column(space):
    for other in SETS:
        for name in listed(space):
            assert set(same_actions(name, space, other)) <= set(listed(other))


def test_actions_are_joined_only_among_the_sets_that_they_belong_to():
    kinetics = space_classes("kinetics400")
    assert [kinetics[i][0] for (i,) in find_all(["Punch", "PushUps"], kinetics)] == [
        "punching person (boxing)",
        "push up",
    ]
    assert find_all(["Punch", "Zebra"], kinetics) == [(), ()]  # a set of somebody's own
    assert find_all(["golf putting"], space_classes("kinetics600")) == [(listed("kinetics600").index("golf putting"),)]
    assert sets_of(["golf", "wave"]) == ("hmdb51",)
