"""Long trials of the data side: ten thousand opens, and all of HMDB51 by its official names. `make soak`."""

import gc
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import Clips, load_clips
from vidsparse.data.corrupted.batches import CLEAN, Cell, CorruptedUnits
from vidsparse.data.datasets.prepare import prepare
from vidsparse.data.datasets.sample_videos import DAMAGES, damage, write_video
from vidsparse.utils.errors import ClipDecodeError

OPENS = int(os.environ.get("VIDSPARSE_OPENS", "10000"))
SPLITS = Path(__file__).resolve().parents[2] / "../shared/data/hmdb51/splits"


def held() -> dict[str, int]:
    """What this process holds: memory in MiB, threads, open files."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    return {"MiB": resident, **{name: len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd")}}


def pictures(seed: int, n: int = 24) -> list[np.ndarray]:
    still = np.random.default_rng(seed).integers(0, 256, (72, 96, 3), np.uint8)
    return [np.roll(still, 2 * t, axis=1) for t in range(n)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Sound and damaged videos, AVI and MP4, for decord and for PyAV."""
    root = tmp_path_factory.mktemp("videos")
    for part in ("train", "test"):
        (root / part / "Roll").mkdir(parents=True)
        for number in range(4):
            avi = write_video(root / part / "Roll" / f"a{number}.avi", pictures(number))
            write_video(root / part / "Roll" / f"h{number}.mp4", pictures(number), "libx264", {"crf": "18", "bf": "2"})
            write_video(root / part / "Roll" / f"b{number}.mp4", pictures(number), "mpeg4", {"bf": "2"})
            for kind in DAMAGES if number == 0 else ():
                damage(avi, kind)
    config = DataConfig(source="folder", root=str(root), frames=8, stride=2, short_side=64, size=56)
    return load_clips(config, 0, tmp_path_factory.mktemp("index"))


def test_opens_leak_nothing(clips: Clips) -> None:
    """Memory after all of them is that after the first tenth, within 64 MiB; threads and open files are the same."""
    rng, samples, after_a_tenth = random.Random(0), [*clips.train, *clips.test], {}
    for opened in range(OPENS):
        sample = rng.choice(samples)
        try:
            clips.read(sample, sorted(rng.choices(range(max(1, clips.n_frames(sample))), k=8)))
        except ClipDecodeError:
            assert not clips.n_frames(sample) or sample.id in clips.index.damaged
        if opened == OPENS // 10:
            gc.collect()
            after_a_tenth = held()
    gc.collect()
    now = held()
    print(f"\n{OPENS} opens: after a tenth {after_a_tenth}, after all {now}")
    assert now["MiB"] - after_a_tenth["MiB"] < 64
    assert (now["task"], now["fd"]) == (after_a_tenth["task"], after_a_tenth["fd"])


@pytest.mark.skipif(not SPLITS.is_dir(), reason="the official lists are not at hand: ../shared/data/hmdb51/splits")
def test_hmdb51_by_its_official_names_and_lists(tmp_path: Path) -> None:
    """All 6,766 clips in a tree of made videos: prepared, then loaded from the manifest, decoded and corrupted."""
    made = [write_video(tmp_path / f"{seed}.avi", pictures(seed)) for seed in range(8)]
    root = tmp_path / "hmdb51"
    shutil.copytree(SPLITS, root / "testTrainMulti_7030_splits")
    for path in sorted(SPLITS.glob("*_test_split1.txt")):
        folder = root / path.name.removesuffix("_test_split1.txt")
        folder.mkdir()
        for number, line in enumerate(path.read_text().splitlines()):
            os.link(made[number % 8], folder / line.split()[0])
    prepare("hmdb51", root)
    config = DataConfig(source="hmdb51", root=str(root), frames=8, stride=2, short_side=64, size=56, missing="error")
    for split in (1, 2, 3):
        clips = load_clips(replace(config, split=split), 0, tmp_path / "index")
        assert (len(clips.train), len(clips.test), len(clips.dataset.classes)) == (3570, 1530, 51)
        assert not clips.index.unreadable
    assert not (tmp_path / "index").exists()  # nothing was left to count
    cells = (Cell(CLEAN, "", 0), Cell("gaussian_noise", "imagenet_c", 3))
    clean, noisy = CorruptedUnits(clips, EvaluationConfig(), cells, [(0, range(0, 1530, 15))])
    assert clean.ok.all()
    assert (noisy.clips != clean.clips).any()
