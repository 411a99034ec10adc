"""Hundreds of damaged videos: how many give frames off by more than a few grey levels in silence. `make soak`."""

import os
from collections import Counter
from pathlib import Path

from helpers.damaged_videos import KINDS, MADE, trials

TRIALS = int(os.environ.get("VIDSPARSE_DAMAGED", "20"))  # of each kind of video and of damage
CHECKED = ("ffv1", "ffv1_avi", "hevc")


def test_damage_is_said_or_the_frames_are_right(tmp_path: Path) -> None:
    """What carries checksums is never wrong in silence; of the rest the count is printed."""
    counted = Counter((name, kind, outcome) for name, kind, _, outcome in trials(tmp_path, range(TRIALS)))
    print(f"\n{TRIALS} of each: same / said / silent")
    for name in MADE:
        rows = (" / ".join(str(counted[name, kind, what]) for what in ("same", "said", "silent")) for kind in KINDS)
        print(f"{name:10}", "   ".join(f"{kind} {row}" for kind, row in zip(KINDS, rows, strict=True)))
    assert not sum(counted[name, kind, "silent"] for name in CHECKED for kind in KINDS)
