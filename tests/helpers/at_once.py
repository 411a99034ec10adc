"""The same command twice at the same instant, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

from helpers.killing import ROOT


def twice(script: str, arguments: list[str], cwd: Path, **environment: str) -> list[tuple[int, str]]:
    """(exit code, what it said) of two processes of scripts/<script>.py, sorted by exit code."""
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    both = [subprocess.Popen(command, cwd=cwd, env=surroundings, text=True, **pipes) for _ in range(2)]
    said = [process.communicate(timeout=800)[0] for process in both]
    return sorted((process.returncode, text) for process, text in zip(both, said, strict=True))
