"""A corruption of your own in a benchmark on disk. Run: python examples/own_corruption.py

This file is the plug-in: the workers that write the benchmark import it.
"""

import numpy as np

import corruptions
from corruptions import Corruption, Suite
from corruptions.motion import Scene
from vidsparse.cli import main


def scanlines(frames: np.ndarray, level: tuple[float, ...], scene: Scene) -> None:
    """Darken every other line, which rolls by one line a frame; frames are uint8 (n, H, W, 3), changed in place."""
    for frame, time in zip(frames, scene.times, strict=True):
        dark = frame[time % 2 :: 2]
        dark[:] = np.round(dark * (1 - level[0]))


record = Corruption("scanlines", "digital", "frame", random=False, home="mine", source="this example")
corruptions.register(record, scanlines, table=((0.1,), (0.2,), (0.35,), (0.5,), (0.7,)))
corruptions.register(Suite("screens", (("scanlines", "mine"), ("contrast", "imagenet_c")), severities=(1, 3, 5)))

if __name__ == "__main__":
    clip = np.full((2, 16, 16, 3), 200, np.uint8)
    print(corruptions.corrupt(clip, "scanlines", 5)[:, :2, 0, 0])
    words = [f"plugins={__file__}", "name=screens", "evaluation.suite=screens", "data.share=0.3", "data.frames=4"]
    done = main(["generate", "ucf101_c", *words]) or main(["generate", "benchmarks/screens", "stage=verify"])
    raise SystemExit(done)
