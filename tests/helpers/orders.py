"""Small benchmarks for tests: their settings, their checksums, and commands that make them."""

import os
import subprocess
import sys
from pathlib import Path

from vidsparse.data.corrupted.layout import LOG
from vidsparse.utils import files

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("data.source=folder", "data.frames=4", "data.stride=2", "data.short_side=40", "data.size=32",
            "evaluation.suite=video_c", "evaluation.corruptions=[gaussian_noise,freeze,h264_crf]",
            "evaluation.severities=[2,4]", "benchmark.unit=2", "engine.workers=0")  # fmt: skip


def sums(root: Path) -> dict[str, str]:
    """{path: SHA-256} of every file of a benchmark but its log."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: files.digest(path) for name, path in sorted(found.items()) if name != LOG}


def start(settings: tuple[str, ...], cwd: Path) -> subprocess.Popen:
    """`scripts/generate.py ucf101_c` in a process and session of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "generate.py"), "ucf101_c", *settings], cwd=cwd, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def finish(settings: tuple[str, ...], cwd: Path, expected: int = 0) -> str:
    """Run it to its end and return what it said."""
    process = start(settings, cwd)
    said, _ = process.communicate(timeout=280)
    assert process.returncode == expected, said
    return said
