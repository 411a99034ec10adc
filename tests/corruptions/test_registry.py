from dataclasses import FrozenInstanceError
from importlib import import_module

import pytest

from corruptions.exceptions import UnknownName, UnknownProfile
from corruptions.registry import REGISTRY, find, names, resolve_profile


@pytest.mark.parametrize("name", REGISTRY)
def test_a_row_is_consistent_and_has_its_function(name: str) -> None:
    row = REGISTRY[name]
    assert row.name == name
    assert row.home in row.tables
    assert row.default in row.modes
    assert callable(getattr(import_module(f"corruptions.{row.family}"), name))


@pytest.mark.parametrize("name", [n for n, row in REGISTRY.items() if row.support == "frame"])
def test_random_corruptions_of_frames_have_all_three_modes_and_others_one(name: str) -> None:
    row = REGISTRY[name]
    assert len(row.modes) == (3 if row.random else 1)


def test_rows_and_registry_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        REGISTRY["freeze"].home = "imagenet_c"
    with pytest.raises(TypeError):
        REGISTRY["freeze"] = REGISTRY["contrast"]


def test_names_by_family() -> None:
    noises = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "pepper_noise", "salt_noise")
    assert names("noise") == noises
    assert set(names()) == set(REGISTRY)
    with pytest.raises(UnknownName, match="did you mean noise"):
        names("noises")


def test_unknown_names_and_profiles_name_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'gausian_noise': did you mean gaussian_noise"):
        find("gausian_noise")
    with pytest.raises(UnknownProfile, match="profile for contrast 'imagenet-c': did you mean imagenet_c"):
        resolve_profile(find("contrast"), "imagenet-c")
    with pytest.raises(UnknownProfile, match=r"profile for freeze 'cifar_c': .*ucf101_p"):
        resolve_profile(find("freeze"), "cifar_c")
    assert resolve_profile(find("freeze"), None) == "ucf101_p"
