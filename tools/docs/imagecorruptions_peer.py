"""The registry's imagecorruptions in an environment of its own: a process that corrupts what it is asked to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = ("imagecorruptions", "setuptools<81")  # it imports pkg_resources, which newer setuptools lack
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
SERVER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import cv2, numpy as np
from imagecorruptions import corrupt, get_corruption_names
cv2.setNumThreads(1)
print(json.dumps(get_corruption_names("all")), flush=True)
for line in sys.stdin:
    name, severity, file = json.loads(line)
    clip = np.load(file)
    try:
        times = []
        for _ in range(2):
            start = time.process_time()
            for frame in clip:
                corrupt(frame, corruption_name=name, severity=severity)
            times.append(time.process_time() - start)
        answer = min(times)
    except Exception as error:
        answer = type(error).__name__ + ": " + str(error).splitlines()[0]
    print(json.dumps(answer), flush=True)
"""


class Peer:
    """imagecorruptions beside us; `names` are those that it knows. RuntimeError says why it cannot be had."""

    def __init__(self, folder: Path) -> None:
        python = folder / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
            install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
            subprocess.run(install, check=True, capture_output=True, text=True, timeout=600)
        except (subprocess.SubprocessError, OSError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()
            raise RuntimeError(f"imagecorruptions cannot be installed: {said[-1] if said else error}") from error
        environment = {**os.environ, **ONE_THREAD}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [str(python), "-c", SERVER], stdin=pipe, stdout=pipe, text=True, env=environment
        )
        self.names: list[str] = self._answer()

    def seconds(self, name: str, severity: int, clip: Path) -> float | str:
        """Processor seconds for the frames of a .npy clip, the better of two calls, or the error that it raises."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([name, severity, str(clip)]) + "\n")
        self._process.stdin.flush()
        answer: float | str = self._answer()
        return answer

    def close(self) -> None:
        """End its process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("imagecorruptions ended without an answer")
        return json.loads(line)
