import subprocess
import sys

import pytest

import corruptions


def test_importing_loads_none_of_the_heavy_libraries() -> None:
    code = "import sys, corruptions; corruptions.suite('core_10'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "corruptions" in loaded
    assert not {"numpy", "numba", "cv2", "PIL", "scipy", "torch", "vidsparse"} & set(loaded)


def test_every_public_name_exists() -> None:
    assert all(getattr(corruptions, name) is not None for name in corruptions.__all__)


def test_other_names_do_not() -> None:
    with pytest.raises(AttributeError, match="corupt"):
        _ = corruptions.corupt
