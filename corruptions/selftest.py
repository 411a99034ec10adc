"""Compilation ahead of time, and a fingerprint of what this machine and these library versions make of the clips."""

import platform
import time
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec

import cv2
import numba
import numpy as np
import PIL
from numpy.typing import NDArray

from corruptions import ice, panes
from corruptions.apply import corrupt
from corruptions.registry import REGISTRY, find
from corruptions.registry import names as all_names
from corruptions.severities import TABLES
from corruptions.suites import SUITES


def compile_kernels(names: Iterable[str] | None = None) -> float:
    """Compile, or load from the cache, all that the named corruptions (default: every one) need; return seconds.

    Called in the parent before workers start, so that they find the machine code, and forked ones the tables and the
    ice too.
    """
    start = time.perf_counter()
    for name in all_names() if names is None else names:
        if find(name).support != "video":
            corrupt(_tiny_clip(), name, 1, "compile", temporal="drift")
        if name == "frost" and not panes.folder_in_use():
            for number in range(ice.TEXTURES):
                ice.texture(number)
    return time.perf_counter() - start


def fingerprint() -> str:
    """Return the versions and a hash of the severity tables and a self-test: equal fingerprints promise equal bytes.

    Without PyAV the codecs stay out of it. Photographs chosen with `frost_textures` are in it, by digest; the version
    of video_c, whose levels are ours, is named.
    """
    frost = panes.digest_in_use()
    return _build() + (f", frost {frost}" if frost else "")


@lru_cache(maxsize=1)
def _build() -> str:
    coded = find_spec("av") is not None
    digest = blake2b(repr(sorted(TABLES.items())).encode(), digest_size=8)
    for name in all_names() if coded else (name for name in all_names() if REGISTRY[name].support != "video"):
        for severity in (1, 3, 5):
            with panes.frost_textures(None):
                digest.update(corrupt(_tiny_clip(), name, severity, "fingerprint", temporal="drift").tobytes())
    versions = f"numpy {np.__version__}, cv2 {cv2.__version__}, numba {numba.__version__}, pillow {PIL.__version__}"
    versions += f", av {version('av')}" if coded else ", no av"
    versions += f", video_c {SUITES['video_c'].version}"
    return f"{versions}, {platform.machine()}, {digest.hexdigest()}"


def _tiny_clip() -> NDArray[np.uint8]:
    """Return a moving gradient with all grey levels and no symmetry: uint8 (4, 24, 34, 3)."""
    t, y, x, c = np.ogrid[:4, :24, :34, :3]
    levels: NDArray[np.int64] = (3 * t + 7 * y + 5 * x + 60 * c + x * y // 4) % 256
    return levels.astype(np.uint8)
