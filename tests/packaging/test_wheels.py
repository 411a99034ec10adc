"""Wheels as a person gets them: corruptions alone, in a fresh environment without torch, and beside vidsparse's own."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AWAY = re.compile(r"No matching distribution|NewConnectionError|ConnectTimeout|ProxyError|Temporary failure|timed out")

TRIED = """
import importlib.util, pickle, sys
import numpy as np
import corruptions
from PIL import Image
for absent in ("torch", "torchvision", "av", "albumentations", "vidsparse", "scipy"):
    assert importlib.util.find_spec(absent) is None, absent
clip = np.random.default_rng(0).integers(0, 256, (4, 32, 40, 3), np.uint8)
want = np.load(sys.argv[1])
assert (corruptions.corrupt(clip, "fog", 3, "k") == want).all()
fog = pickle.loads(pickle.dumps(corruptions.Corrupt("fog", 3)))
assert (fog(clip.transpose(3, 0, 1, 2), key="k") == want.transpose(3, 0, 1, 2)).all()
assert (np.asarray(fog(Image.fromarray(clip[0]), key="k")) == corruptions.corrupt(clip[:1], "fog", 3, "k")[0]).all()
assert corruptions.Corrupt("fog", 3, key=corruptions.KeyCounter("a"))({"x": clip})["x"].shape == clip.shape
for call in (lambda: corruptions.corrupt(clip, "h264_crf", 3), lambda: corruptions.ForAlbumentations):
    try:
        call()
    except corruptions.CorruptionError as error:
        assert "pip install" in str(error)
    else:
        raise AssertionError("what is not installed was not missed")
try:
    import corruptions.torch
except ModuleNotFoundError as error:
    assert error.name == "torch" and "pip install" in str(error)
else:
    raise AssertionError("torch was not missed")
print(corruptions.__file__, corruptions.__version__)
"""


def pip(*words: object, python: object = sys.executable) -> None:
    """Call pip; a registry that cannot be reached is a reason to skip, anything else to fail."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800)
    if done.returncode and AWAY.search(done.stdout + done.stderr):
        pytest.skip(f"the package registry cannot be reached: {AWAY.search(done.stdout + done.stderr)[0]}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The wheels of both packages, made from this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT / "corruptions", ROOT)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


def modules(wheel: Path) -> dict[str, bytes]:
    """What a wheel puts into site-packages/corruptions."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.startswith("corruptions/")}


@pytest.mark.slow
def test_both_wheels_bring_the_same_files_and_all_of_them(wheels):
    alone, whole = (modules(wheels[name]) for name in ("vidsparse_corruptions", "vidsparse"))
    here = [path.relative_to(ROOT).as_posix() for path in (ROOT / "corruptions").rglob("*.py")]
    assert "corruptions/torch/__init__.py" in here
    assert sorted(alone) == sorted([*here, "corruptions/py.typed"])
    assert alone == whole


@pytest.mark.slow
def test_the_package_alone_works_without_torch(wheels, tmp_path):
    import numpy as np

    import corruptions

    clip = np.random.default_rng(0).integers(0, 256, (4, 32, 40, 3), np.uint8)
    np.save(tmp_path / "want.npy", corruptions.corrupt(clip, "fog", 3, "k"))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip("install", "--quiet", "--constraint", ROOT / "constraints.txt", wheels["vidsparse_corruptions"], python=python)
    pip("check", python=python)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", TRIED, "want.npy"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "site-packages" in done.stdout


@pytest.mark.slow
def test_vidsparse_beside_the_package_alone_works_while_they_agree_and_says_so_where_not(wheels, tmp_path):
    site = tmp_path / "site"
    pip("install", "--quiet", "--no-deps", "--target", site, wheels["vidsparse"])
    pip("install", "--quiet", "--no-deps", "--upgrade", "--target", site, wheels["vidsparse_corruptions"])
    environment = os.environ | {"PYTHONPATH": str(site)}

    def asked() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from vidsparse.cli import main; raise SystemExit(main())", "run", "none"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert "corruptions" not in asked().stderr
    record = next(site.glob("vidsparse_corruptions-*.dist-info")) / "RECORD"
    written = record.read_text()
    at = written.index("corruptions/noise.py,sha256=") + len("corruptions/noise.py,sha256=")
    record.write_text(f"{written[:at]}{'_' if written[at] == '-' else '-'}{written[at + 1 :]}")
    done = asked()
    assert done.returncode == 2
    assert "have both written" in done.stderr
