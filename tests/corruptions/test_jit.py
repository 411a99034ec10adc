"""The cache of compiled kernels heals itself: a cut-off file, a full disk or an older source are nobody's concern."""

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SOURCE = """
from corruptions.jit import kernel

@kernel("float64(float64)", "int64(int64)")
def half(x):
    return x / 2 if x > 10 else x // 2
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """module(): the kernel of SOURCE, imported anew, its cache beside it."""
    (tmp_path / "kernels.py").write_text(SOURCE)

    def load():
        spec = spec_from_file_location("kernels", tmp_path / "kernels.py")
        loaded = module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded

    return load


def cached(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "__pycache__").glob(f"*.{suffix}"))


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", 40, -1, b"\0" * 999], ids=str)
def test_a_damaged_cache_is_made_again(module, tmp_path, suffix, content):
    assert module().half(12.0) == 6.0
    for path in cached(tmp_path, suffix):
        path.write_bytes(path.read_bytes()[:content] if isinstance(content, int) else content)
    assert (module().half(12.0), module().half(5)) == (6.0, 2)
    before = {path: path.stat().st_mtime_ns for path in cached(tmp_path, "nb?")}
    assert module().half(12.0) == 6.0
    assert {path: path.stat().st_mtime_ns for path in cached(tmp_path, "nb?")} == before  # whole again, and used
    assert len(cached(tmp_path, "nbc")) == 2


def test_the_code_of_an_older_source_is_never_used(module, tmp_path):
    assert module().half(12.0) == 6.0
    old = {path: path.read_bytes() for path in cached(tmp_path, "nbc")}
    (tmp_path / "kernels.py").write_text(SOURCE.replace("x / 2", "x / 3"))
    assert module().half(12.0) == 4.0
    for path, content in old.items():  # killed after the new index was written, before the new code was
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
    assert module().half(12.0) == 4.0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("how", ["size=4k", "size=12k", "ro"])
def test_a_full_or_read_only_disk_costs_the_cache_alone(tmp_path, how):
    (tmp_path / "kernels.py").write_text(SOURCE)
    (tmp_path / "disk").mkdir()
    script = (
        f"mount -t tmpfs -o {how} none disk && exec {sys.executable} -c 'import kernels; print(kernels.half(12.0))'"
    )
    environment = os.environ | {
        "NUMBA_CACHE_DIR": "disk",
        "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
    }
    ran = subprocess.run(
        ["unshare", "-m", "bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("mounting is not allowed here")
    assert (ran.stdout, ran.returncode) == ("6.0\n", 0), ran.stderr


def test_two_processes_may_compile_at_once(tmp_path):
    (tmp_path / "kernels.py").write_text(SOURCE)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-c", "import kernels; print(kernels.half(12.0), kernels.half(5))"]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["6.0 2\n"] * 2
