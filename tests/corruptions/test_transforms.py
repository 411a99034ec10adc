"""Corrupt and RandomCorrupt: keys, samples of any form, pipelines, and what is refused."""

import operator
import pickle
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from PIL import Image

import corruptions
from corruptions import SUITES, Corrupt, KeyCounter, RandomCorrupt, corrupt
from corruptions.exceptions import CorruptionError, UnknownName, UnknownProfile, WrongFrames

CLIP = np.random.default_rng(0).integers(0, 256, (4, 32, 40, 3), np.uint8)


@pytest.mark.parametrize("name", ["gaussian_noise", "fog", "jumble", "clip_motion_blur", "rotate", "packet_loss"])
def test_a_transform_gives_the_bytes_of_corrupt(name):
    made = Corrupt(name, 2, temporal="static", resolution="relative", fps=30)(CLIP, key="k")
    assert (made == corrupt(CLIP, name, 2, "k", temporal="static", resolution="relative", fps=30)).all()


def test_settings_reach_the_corruption():
    assert (
        Corrupt("fog", 2, profile="cifar_c")(CLIP, key="k") == corrupt(CLIP, "fog", 2, "k", profile="cifar_c")
    ).all()
    assert Corrupt("fog", 0)(CLIP, key="k") is CLIP


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Corrupt("fogg", 3), UnknownName),
        (lambda: Corrupt("fog", 6), CorruptionError),
        (lambda: Corrupt("fog", True), CorruptionError),
        (lambda: Corrupt("fog", 3, profile="ucf101_p"), UnknownProfile),
        (lambda: Corrupt("fog", 3, temporal="slow"), UnknownName),
        (lambda: Corrupt("fog", 3, resolution="big"), UnknownName),
        (lambda: Corrupt("fog", 3, fps=0), CorruptionError),
        (lambda: Corrupt("fog", 3, key="0/clip"), CorruptionError),
        (lambda: RandomCorrupt("core10"), UnknownName),
        (lambda: RandomCorrupt(["fog", "fogg"]), UnknownName),
        (lambda: RandomCorrupt([]), CorruptionError),
        (lambda: RandomCorrupt("core_10", ()), CorruptionError),
        (lambda: RandomCorrupt("core_10", (1, 9)), CorruptionError),
        (lambda: RandomCorrupt("core_10", p=1.5), CorruptionError),
        (lambda: RandomCorrupt("core_10", 3), CorruptionError),
        (lambda: RandomCorrupt("core_10", "123"), CorruptionError),
        (lambda: RandomCorrupt(3), CorruptionError),
        (lambda: RandomCorrupt("core_10", temporal=np.array([1, 2])), CorruptionError),
        (lambda: Corrupt("brightness", 3)(CLIP, key=np.array("k")), CorruptionError),
        (lambda: RandomCorrupt("core_10", p=True), CorruptionError),
        (lambda: KeyCounter(3), CorruptionError),
    ],
)
def test_a_mistake_is_told_when_the_transform_is_made(make, error):
    with pytest.raises(error):
        make()


def test_a_random_corruption_without_a_key_is_refused_and_others_need_none():
    with pytest.raises(CorruptionError, match="KeyCounter"):
        Corrupt("gaussian_noise", 3)(CLIP)
    with pytest.raises(CorruptionError, match="KeyCounter"):
        RandomCorrupt("core_10")(CLIP)
    assert (Corrupt("brightness", 3)(CLIP) == corrupt(CLIP, "brightness", 3)).all()
    assert Corrupt("gaussian_noise", 0)(CLIP) is CLIP


def test_the_key_is_found_in_the_sample_and_a_key_of_the_call_goes_before():
    fog = Corrupt("fog", 3, key=operator.itemgetter("id"))
    sample = {"video": CLIP, "id": "0/a", "label": 7}
    made = fog(sample)
    assert (made["video"] == corrupt(CLIP, "fog", 3, "0/a")).all()
    assert (made["id"], made["label"]) == ("0/a", 7)
    assert sample["video"] is CLIP
    assert (fog(sample, key="b")["video"] == corrupt(CLIP, "fog", 3, "b")).all()
    with pytest.raises(CorruptionError, match="'id'"):
        fog({"video": CLIP})
    with pytest.raises(CorruptionError, match="key 7"):
        fog({"video": CLIP, "id": 7})


def test_a_batch_of_a_dictionary_takes_the_keys_of_its_list():
    fog = Corrupt("fog", 3, key=operator.itemgetter("id"))
    images = [Image.fromarray(frame) for frame in CLIP]
    made = fog({"image": images, "id": ["a", "b", "c", "d"]})["image"]
    assert (np.asarray(made[1]) == corrupt(CLIP[1:2], "fog", 3, "b")[0]).all()


Pair = namedtuple("Pair", "picture label")


@pytest.mark.parametrize(
    "sample",
    [
        (CLIP, 3),
        [CLIP, 3],
        Pair(CLIP, 3),
        OrderedDict(a={"b": (CLIP, None)}, c="text"),
        {
            "clip": CLIP,
            "flow": np.zeros((4, 2, 32, 40), np.float32),
            "boxes": np.zeros((2, 4)),
            "audio": np.zeros((1, 9)),
        },
    ],
)
def test_the_one_picture_of_a_sample_is_found_whatever_is_around_it(sample):
    made = Corrupt("fog", 3)(sample, key="k")
    assert type(made) is type(sample)
    clips: list[np.ndarray] = []

    def look(part):
        if isinstance(part, np.ndarray) and part.shape == CLIP.shape:
            clips.append(part)
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, (list, tuple)) else ():
            look(inner)

    look(made)
    assert len(clips) == 1
    assert (clips[0] == corrupt(CLIP, "fog", 3, "k")).all()


def test_several_arguments_come_back_as_a_tuple():
    made, label = Corrupt("fog", 3)(CLIP, 7, key="k")
    assert label == 7
    assert (made == corrupt(CLIP, "fog", 3, "k")).all()


def test_two_arrays_that_may_be_pictures_are_refused():
    with pytest.raises(WrongFrames, match="2 arrays"):
        Corrupt("fog", 3)((CLIP, CLIP), key="k")


def test_a_random_choice_is_that_of_the_key_alone():
    chosen = RandomCorrupt("core_10", (1, 3, 5), p=0.6)
    conditions = [chosen.condition(f"0/clip_{i}") for i in range(3000)]
    assert conditions == [chosen.condition(f"0/clip_{i}") for i in range(3000)]
    done = [each for each in conditions if each.severity]
    assert 0.57 < len(done) / 3000 < 0.63  # three standard errors: 0.027
    cells = Counter((each.name, each.profile) for each in done)
    assert set(cells) == set(SUITES["core_10"].cells)
    assert max(abs(n - len(done) / 10) for n in cells.values()) < 4 * (len(done) * 0.09) ** 0.5
    levels = Counter(each.severity for each in done)
    assert set(levels) == {1, 3, 5}
    assert max(abs(n - len(done) / 3) for n in levels.values()) < 4 * (len(done) * 2 / 9) ** 0.5
    assert {each.resolution for each in done} == {SUITES["core_10"].resolution}


def test_what_was_chosen_gives_the_bytes_of_corrupt():
    chosen = RandomCorrupt("ucf101_p_16", p=0.8)
    for i in range(12):
        key = f"0/{i}"
        what = chosen.condition(key)
        asked = {"profile": what.profile, "temporal": what.temporal, "resolution": what.resolution}
        assert (chosen(CLIP, key=key) == corrupt(CLIP, what.name, what.severity, key, **asked)).all()


def test_never_and_always_are_that():
    assert all(RandomCorrupt("core_10", p=0).condition(str(i)).severity == 0 for i in range(50))
    assert all(RandomCorrupt(["fog"], (4,)).condition(str(i)).severity == 4 for i in range(50))


@pytest.mark.parametrize("transform", [Corrupt("fog", 3, key=operator.itemgetter("id")),
                                       RandomCorrupt("core_10", p=0.7, key=operator.itemgetter("id"))])  # fmt: skip
def test_a_transform_is_pickled_whole(transform):
    again = pickle.loads(pickle.dumps(transform))
    assert repr(again) == repr(transform)
    sample = {"clip": CLIP, "id": "0/x"}
    assert (again(sample)["clip"] == transform(sample)["clip"]).all()


def test_public_names_are_shown_before_they_are_loaded():
    assert {"Corrupt", "RandomCorrupt", "KeyCounter", "corrupt", "fingerprint"} <= set(dir(corruptions))
    assert set(corruptions.__all__) <= set(dir(corruptions))


def test_a_tensor_on_another_device_goes_back_there():
    device = "cuda" if torch.cuda.is_available() else "cpu"
    made = Corrupt("fog", 3)(torch.from_numpy(CLIP).to(device), key="k")
    assert made.device.type == device


def test_an_array_that_is_no_picture_is_named_with_its_shape():
    with pytest.raises(WrongFrames, match=r"ndarray of shape \(20, 30\).*three sides or more"):
        Corrupt("fog", 3)(np.zeros((20, 30), np.uint8), key="k")
