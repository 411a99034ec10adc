"""The maintained fork of albumentations beside us, in a process of its own: both own the module `albumentations`.

The packages that it needs beyond those that are here are laid into a folder, which stands first on the path of that
process alone; nothing of this environment changes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FORK = "nrtk-albumentations 2.3.0"
PACKAGES = (FORK.replace(" ", "=="), "numkong>=7", "eval-type-backport")  # all else that it needs is here
IN_TURN = "import json; from tools.docs.corruption_speed import ratios; print(json.dumps(ratios()))"
Ratios = dict[str, tuple[float, float]]  # of an operation: its time over ours, in the large clip and in the small one


def fork_ratios(folder: Path) -> Ratios:
    """Ratios to the fork, installed into this folder. RuntimeError says why it cannot be had."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
    path = os.pathsep.join([str(folder), str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "NO_ALBUMENTATIONS_UPDATE": "1"}
    try:
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=600)
        called = [sys.executable, "-c", IN_TURN]
        made = subprocess.run(called, check=True, capture_output=True, text=True, env=environment)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        raise RuntimeError(f"{FORK} cannot be installed or run: {said[-1] if said else error}") from error
    ratios: Ratios = json.loads(made.stdout)
    return ratios
