"""The model table: names, refusals, and reading it without torch."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
import torch

from vidsparse.models.zoo import MODELS, NORMALIZE, check_model, create_model, list_models
from vidsparse.utils.errors import ConfigError


def test_reading_the_table_needs_no_torch():
    code = "import sys; from vidsparse.models.zoo import check_model; check_model('x3d_s', 5, 8, 56)"
    code += "; check_model('timm/resnet50', 5, 1, 64)"
    code += "; print([m for m in ('torch', 'timm', 'transformers', 'pytorchvideo') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_rows_are_frozen_keyed_by_their_name_and_name_a_known_normalisation():
    assert all(name == spec.name and spec.normalize in NORMALIZE and spec.source for name, spec in MODELS.items())
    with pytest.raises(FrozenInstanceError):
        MODELS["r3d_18"].size = 1


def test_patterns_select_names_in_the_order_of_the_table():
    assert list_models() == tuple(MODELS)
    assert list_models("r*_18") == ("r3d_18", "r2plus1d_18")
    assert list_models("nothing*") == ()


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("r3d18", "r3d_18"),
        ("X3D-S", "x3d_s"),
        ("i3d_50", "i3d_r50"),
        ("slowfast", "slowfast_r50"),
        ("vgg16", "cifar_vgg16"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(typo, meant):
    with pytest.raises(ConfigError, match=f"unknown model {typo!r}, did you mean [^?]*{meant}"):
        create_model(typo, 5)


def test_a_name_like_no_other_is_answered_with_where_all_are():
    with pytest.raises(ConfigError, match=r"there is none like it, all are in vidsparse\.list_models\(\)"):
        create_model("zzzz", 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"num_classes": 0}, "1 classes, not 0"), ({"frames": 0}, "1 frames, not 0"), ({"size": 31}, "32 pixels, not 31")],
)
def test_what_cannot_be_built_is_refused_by_number(change, said):
    with pytest.raises(ConfigError, match=said):
        check_model(**{"name": "r3d_18", "num_classes": 5, "frames": 1, "size": 32} | change)


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("vidsparse.models.model_rows.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"vivit_s .*pip install .*hf"):
        check_model("vivit_s", 5, 8, 64)


def test_parameters_are_a_function_of_the_seed():
    def parameters(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return create_model("x3d_s", 5).state_dict()

    first, again, other = parameters(0), parameters(0), parameters(1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)
