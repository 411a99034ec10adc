"""Against the published generators' own output on a photograph; the fixtures lie beside the repository."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt, suite

FIXTURES = Path(__file__).resolve().parents[2] / "../shared/parity"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="../shared/parity is not there")


@pytest.fixture(scope="module")
def parity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity", FIXTURES / "parity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["imagenet_c", "cifar_c"])
def test_no_statistic_departs_from_the_published_generator(parity: ModuleType, profile: str) -> None:
    def ours(image: NDArray[np.uint8], name: str, severity: int, seed: int) -> NDArray[np.uint8]:
        made: NDArray[np.uint8] = corrupt(
            image[None], name, severity, str(seed), profile=profile, temporal="independent"
        )[0]
        return made

    assert parity.check(ours, sets=(profile,), corruptions=suite("cifar_c_19")) == []


@pytest.mark.parametrize("name", ["contrast", "pixelate", "jpeg_compression"])
@pytest.mark.parametrize("profile", ["imagenet_c", "cifar_c"])
def test_bit_exact_where_nothing_is_random(name: str, profile: str) -> None:
    clean, arrays = _reference(profile)
    for severity in range(1, 6):
        published = arrays[f"{profile}/{name}/astronaut/{severity}"]
        assert np.array_equal(corrupt(clean[None], name, severity, profile=profile)[0], published)


def _reference(profile: str) -> tuple[NDArray[np.uint8], np.lib.npyio.NpzFile]:
    arrays = np.load(FIXTURES / "reference.npz")
    side = {"imagenet_c": 224, "cifar_c": 32}[profile]
    return arrays[f"clean{side}/astronaut"].copy(), arrays
