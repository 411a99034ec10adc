import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.orders import SETTINGS
from vidsparse.benchmark.generate import generate
from vidsparse.config import Config
from vidsparse.loading import load_benchmark_config


@pytest.fixture
def order(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """order("key=value", ...): the config of a benchmark that takes a second, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *more: load_benchmark_config("ucf101_c", [f"data.root={tiny_root}", *SETTINGS, *more])


@pytest.fixture(scope="session")
def whole(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole benchmark, made in this process: what every other way of making it must equal."""
    root = tmp_path_factory.mktemp("whole") / "ucf101_c"
    settings = [f"data.root={tiny_root}", *SETTINGS, f"benchmark.dir={root}", f"logging.dir={root.parent}/runs"]
    generate(load_benchmark_config("ucf101_c", settings))
    return root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """small_disk("1m"): a disk of that size, or the same one resized or changed by other mount options; root only."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        what = ["remount," + options] if place.is_mount() else [options]
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", *what, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", str(place)], check=True)
