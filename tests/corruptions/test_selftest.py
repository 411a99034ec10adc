import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.event import install_recorder

import corruptions
from corruptions import UnknownName, ice


def test_compiling_twice_is_free_and_knows_its_names() -> None:
    corruptions.compile_kernels()
    with install_recorder("numba:compile") as compiled:
        assert corruptions.compile_kernels(corruptions.suite("core_10")) >= 0
        assert corruptions.compile_kernels() >= 0
    assert not compiled.buffer


def test_a_name_that_does_not_exist_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean fog"):
        corruptions.compile_kernels(["fogg"])


@pytest.mark.slow
def test_frost_is_grown_before_the_first_video_asks_for_it() -> None:
    ice.texture.cache_clear()
    corruptions.compile_kernels(["frost"])
    assert ice.texture.cache_info().currsize == ice.TEXTURES


@pytest.mark.slow
def test_a_package_that_cannot_be_written_caches_in_the_users_folder(tmp_path: Path) -> None:
    """Read-only files do not stop root, so the package's own cache folder is a file here."""
    package = tmp_path / "site" / "corruptions"
    shutil.copytree(Path(corruptions.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__pycache__").write_text("in the way")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"},
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    code = "import corruptions; corruptions.compile_kernels(['brightness']); print(corruptions.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == str(package / "__init__.py")
    assert list((tmp_path / "cache").rglob("photometric*.nbi"))


@pytest.mark.slow
def test_a_fresh_process_with_another_hash_seed_has_the_same_fingerprint() -> None:
    code = "import corruptions; print(corruptions.fingerprint())"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert fresh.stdout.strip() == corruptions.fingerprint()
    assert "numpy" in corruptions.fingerprint()
