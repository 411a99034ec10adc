"""What is damaged is named, exactly; what is named is mended, exactly."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.orders import ROOT, sums
from vidsparse.benchmark.generate import generate
from vidsparse.benchmark.verify import open_sound, verify
from vidsparse.data.corrupted.layout import LOG
from vidsparse.utils.errors import BenchmarkError


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def flip(path, seed=0):
    content = bytearray(path.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 0x10
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


DAMAGES = {"changed": flip, "truncated": truncate, "missing": Path.unlink}


def faults(root):
    return {fault.path: fault.what for fault in verify(root, open_sound(root))}


def as_named(found, named):
    """Whether these files are named and no others; without its length, a truncated file is called changed."""
    return found.keys() == named.keys() and all(
        found[name] in (what, "changed" if what == "truncated" and not name.endswith(".mkv") else what)
        for name, what in named.items()
    )


def test_a_whole_benchmark_is_sound_and_sha256sum_agrees(copy):
    assert faults(copy) == {}
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=copy, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    listed = {line.split("  ", 1)[1] for line in (copy / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(sums(copy)) - {"SHA256SUMS"}


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_named_and_mended_and_nothing_else_is_touched(order, copy, whole, seed):
    chosen = random.Random(seed).sample(sorted(sums(whole)), 3)
    named = dict(zip(chosen, DAMAGES, strict=True))
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    for name, what in named.items():
        DAMAGES[what](copy / name)
    assert as_named(faults(copy), named)
    with pytest.raises(BenchmarkError, match="stage=repair"):
        generate(order(f"benchmark.dir={copy}", "benchmark.stage=verify"))
    generate(order(f"benchmark.dir={copy}", "benchmark.stage=repair"))
    assert sums(copy) == sums(whole)
    touched = {path.relative_to(copy).as_posix() for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert touched - {LOG} == set(named)


@pytest.mark.parametrize("name", ["benchmark.json", "samples.parquet", "SHA256SUMS", "manifest.parquet", "classes.txt"])
@pytest.mark.parametrize("what", DAMAGES)
def test_what_describes_the_benchmark_is_checked_beside_a_damaged_clip_and_sidecar(order, copy, whole, name, what):
    named = {name: what, "freeze/2/Right/v_Right_g05_c01.mkv": "changed", "units/h264_crf/4/00002.json": "truncated"}
    for damaged, how in named.items():
        DAMAGES[how](copy / damaged)
    assert as_named(faults(copy), named)
    generate(order(f"benchmark.dir={copy}", "benchmark.stage=repair"))
    assert sums(copy) == sums(whole)


def test_extra_files_are_named_and_left(order, copy, whole):
    (copy / "fog" / "3").mkdir(parents=True)
    (copy / "fog" / "3" / "mine.mkv").write_text("")
    (copy / "units" / ".left.1.tmp").write_text("")
    shutil.copy(copy / "units/freeze/2/00000.json", copy / "units/freeze/2/00007.json")
    extra = {"fog/3/mine.mkv": "extra", "units/freeze/2/00007.json": "extra"}
    assert faults(copy) == {**extra, "units/.left.1.tmp": "extra"}
    generate(order(f"benchmark.dir={copy}", "benchmark.stage=repair"))
    assert faults(copy) == extra


def test_what_is_extra_is_not_promised_to_be_repaired(order, copy):
    (copy / "mine.txt").write_text("")
    with pytest.raises(BenchmarkError, match=r"1 extra.*remove"):
        generate(order(f"benchmark.dir={copy}", "benchmark.stage=verify"))


def test_an_array_that_is_missing_is_one_file_and_comes_back(order, tmp_path, capsys):
    for number in range(5):
        picture = tmp_path / "pictures" / ("train" if number % 2 else "test") / "a b" / f"{number}%.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (40, 44, 3), np.uint8)).save(picture)
    settings = (f"data.root={tmp_path / 'pictures'}", "data.frames=1", "evaluation.corruptions=[gaussian_noise]",
                "benchmark.format=cifar_npy")  # fmt: skip
    config = order(*settings)
    generate(config)
    before = sums(config.benchmark_folder)
    (config.benchmark_folder / "gaussian_noise.npy").unlink()
    capsys.readouterr()
    with pytest.raises(BenchmarkError, match=": 1 missing; stage=repair"):
        generate(order(*settings, "benchmark.stage=verify"))
    assert capsys.readouterr().out.count("gaussian_noise.npy") == 1
    generate(order(*settings, "benchmark.stage=repair"))
    assert sums(config.benchmark_folder) == before


def test_an_unfinished_benchmark_names_what_it_lacks(order, copy):
    (copy / "units" / "freeze" / "2" / "00001.json").unlink()
    for derived in ("manifest.parquet", "SHA256SUMS", "BENCHMARK.md", "test.txt", "classes.txt"):
        (copy / derived).unlink()
    assert faults(copy) == {"units/freeze/2/00001.json": "missing"}


@pytest.mark.slow
def test_deep_verification_makes_clips_again_and_sees_other_pixels(order, copy):
    from vidsparse.data.corrupted.sidecars import read_sidecar, sidecar_bytes

    deep_words = (f"benchmark.dir={copy}", "benchmark.stage=verify", "benchmark.deep=1000")
    deep = order(*deep_words)
    generate(deep)
    with pytest.raises(BenchmarkError, match="holds another benchmark: corruption_seed"):
        generate(
            order(f"benchmark.dir={copy}", "benchmark.stage=verify", "benchmark.deep=1", "evaluation.corruption_seed=1")
        )
    one, other = (
        copy / "gaussian_noise" / "2" / clip for clip in ("Left/v_Left_g04_c01.mkv", "Left/v_Left_g05_c01.mkv")
    )
    content, sidecar = other.read_bytes(), copy / "units" / "gaussian_noise" / "2" / "00000.json"
    one.write_bytes(content)  # a clip of another video, and a sidecar that was made to fit
    said = read_sidecar(sidecar)
    for key in ("bytes", "sha256", "pixels"):
        said["clips"][0][key] = said["clips"][1][key]
    said["files"]["gaussian_noise/2/Left/v_Left_g04_c01.mkv"] = said["files"][
        "gaussian_noise/2/Left/v_Left_g05_c01.mkv"
    ]
    sidecar.write_bytes(sidecar_bytes(said))
    for derived in ("manifest.parquet", "SHA256SUMS", "BENCHMARK.md"):
        (copy / derived).unlink()
    generate(order(f"benchmark.dir={copy}"))
    with pytest.raises(BenchmarkError, match=r"1 of 42 clips .*gaussian_noise/2/Left/v_Left_g04"):
        generate(deep)


@pytest.mark.slow
def test_the_command_verifies_a_folder_alone(copy, tmp_path):
    run = [sys.executable, str(ROOT / "scripts" / "generate.py"), str(copy), "stage=verify"]
    sound = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert "every file as it was written" in sound.stdout
    flip(copy / "freeze" / "4" / "Still" / "v_Still_g05_c01.mkv")
    broken = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert broken.returncode == 2
    assert "changed    freeze/4/Still/v_Still_g05_c01.mkv" in broken.stdout
    assert broken.stderr.endswith("1 changed; stage=repair makes again what can be made\n")
