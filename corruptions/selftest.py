"""Compilation ahead of time, and a fingerprint of what this machine and these library versions make of the clips."""

import platform
import time
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import cv2
import numba
import numpy as np
import PIL
from numpy.typing import NDArray

from corruptions import ice, panes
from corruptions.apply import corrupt
from corruptions.outside import source_digest
from corruptions.registry import FIRST, ROWS, find, is_first
from corruptions.registry import names as all_names
from corruptions.tables_camera import VIDEO_C_3


def compile_kernels(names: Iterable[str] | None = None) -> float:
    """Compile, or load from the cache, all that the named corruptions (default: every one) need; return seconds.

    Called in the parent before workers start, so that they find the machine code, and forked ones the tables and the
    ice too.

    >>> compile_kernels(["fog"]) > 0
    True
    """
    start = time.perf_counter()
    for name in all_names() if names is None else names:
        if find(name).support != "video":
            corrupt(_tiny_clip(), name, 1, "compile", temporal="drift")
        if name == "frost" and not panes.folder_in_use():
            for number in range(ice.TEXTURES):
                ice.texture(number)
    return time.perf_counter() - start


def fingerprint(cells: Iterable[tuple[str, str]] | None = None) -> str:
    """Return the versions and a hash of the severity tables and a self-test: equal fingerprints promise equal bytes.

    Of `cells`, pairs of (corruption, profile), it covers those alone, with a digest of the source of those that were
    not shipped; without cells, the first 53 corruptions in their first profiles, as it always did. Without PyAV the
    codecs stay out of it. Photographs chosen with `frost_textures` are in it, by digest; the version of video_c, whose
    levels are ours, is named.

    >>> "numpy" in fingerprint()
    True
    """
    frost = panes.digest_in_use()
    if cells is None:
        return _build() + (f", frost {frost}" if frost else "")
    chosen = tuple(sorted(set(cells)))
    code = {module for name, _ in chosen if (module := ROWS.module_of(name))}
    parts = [_build_of(chosen, tuple(sorted((module, source_digest(module)) for module in code)))]
    parts += [f"frost {frost}"] if frost and "frost" in dict(chosen) else []
    return ", ".join(parts)


@lru_cache(maxsize=1)
def _build() -> str:
    coded = find_spec("av") is not None
    tables = {(profile, name): table for name in FIRST for profile, table in ROWS[name].levels.items()}
    tables = {cell: table for cell, table in tables.items() if is_first(cell[1], cell[0])}
    digest = blake2b(repr(sorted(tables.items())).encode(), digest_size=8)
    for name in FIRST if coded else (name for name in FIRST if ROWS[name].support != "video"):
        for severity in (1, 3, 5):
            _self_test(digest, name, None, severity)
    versions = f"{_versions()}, av {version('av')}" if coded else f"{_versions()}, no av"
    versions += f", video_c {_levels_of([])}"
    return f"{versions}, {platform.machine()}, {digest.hexdigest()}"


@lru_cache(maxsize=16)
def _build_of(cells: tuple[tuple[str, str], ...], code: tuple[tuple[str, str], ...]) -> str:
    """That of some corruptions; `code` is {module: digest of its source} of those that were not shipped."""
    rows = [(find(name), profile) for name, profile in cells]
    digest = blake2b(repr([(cell, row.levels[cell[1]]) for cell, (row, _) in zip(cells, rows, strict=True)]).encode(),
                     digest_size=8)  # fmt: skip
    coded = any(row.support == "video" for row, _ in rows)
    for name, profile in cells if not coded or find_spec("av") else ():
        for severity in (1, 3, 5):
            _self_test(digest, name, profile, severity)
    parts = [_versions(), *([f"av {version('av')}" if find_spec("av") else "no av"] if coded else [])]
    ours = [name for name, profile in cells if profile == "video_c"]
    parts += [f"video_c {_levels_of(ours)}"] if ours else []
    parts += [f"{module} {source}" for module, source in code]
    return ", ".join([*parts, platform.machine(), f"{len(cells)} corruptions {digest.hexdigest()}"])


def _levels_of(names: Iterable[str]) -> int:
    """The version of video_c that has all of these corruptions."""
    return 3 if set(names) & set(VIDEO_C_3) else 2


def _self_test(digest: Any, name: str, profile: str | None, severity: int) -> None:
    with panes.frost_textures(None):
        clip = corrupt(_tiny_clip(), name, severity, "fingerprint", profile=profile, temporal="drift")
    digest.update(clip.tobytes())


def _versions() -> str:
    return f"numpy {np.__version__}, cv2 {cv2.__version__}, numba {numba.__version__}, pillow {PIL.__version__}"


def _tiny_clip() -> NDArray[np.uint8]:
    """Return a moving gradient with all grey levels and no symmetry: uint8 (4, 24, 34, 3)."""
    t, y, x, c = np.ogrid[:4, :24, :34, :3]
    levels: NDArray[np.int64] = (3 * t + 7 * y + 5 * x + 60 * c + x * y // 4) % 256
    return levels.astype(np.uint8)
