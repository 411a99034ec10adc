"""Peak memory of making a benchmark of whole videos, at two lengths: it must not grow with the length."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from vidsparse.data.datasets.sample_videos import write_video

SCRIPT = """
import resource, sys
from vidsparse.data.reading import spill
spill.PART = 4 << 20
from vidsparse.benchmark.generate import generate
from vidsparse.loading import load_benchmark_config
generate(load_benchmark_config("ucf101_c", sys.argv[1:]))
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
SETTINGS = ("data.source=folder", "data.short_side=112", "data.size=112", "benchmark.materialize=videos",
            "evaluation.suite=video_c", "evaluation.corruptions=[gaussian_noise]", "evaluation.severities=[3]",
            "engine.workers=0")  # fmt: skip


def peak(root: Path, frames: int, most: float) -> int:
    """MiB that a process needs at most for one video of so many frames, 37,632 bytes each on the canvas."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (112, 150, 3), np.uint8)
    for part in ("train", "test"):
        folder = root / f"{frames}" / part / "A"
        if not folder.is_dir():
            folder.mkdir(parents=True)
            shown = (np.roll(texture, t, axis=1) for t in range(frames if part == "test" else 4))
            write_video(folder / f"{part}.avi", shown)
    settings = (f"data.root={root / str(frames)}", f"evaluation.max_clip_mb={most}", f"name=of_{frames}_{most}")
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *SETTINGS, *settings], cwd=root, capture_output=True, text=True, check=True
    )
    return int(ran.stdout.rpartition("peak")[2])


def test_peak_memory_does_not_grow_with_the_length_of_a_video(tmp_path, capsys):
    short, long = (peak(tmp_path, frames, 4) for frames in (300, 1500))
    at_once = peak(tmp_path, 1500, 4096)
    with capsys.disabled():
        print(f"\npeak memory in parts: {short} MiB for 300 frames, {long} for 1,500; at once: {at_once}")
    assert long - short < 20
    assert at_once - long > 60
