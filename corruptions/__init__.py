"""Corruptions of images and videos: the published ones, consistent in time, the same bytes wherever they are made.

>>> import numpy as np, corruptions
>>> clip = np.zeros((16, 112, 112, 3), np.uint8)
>>> corruptions.corrupt(clip, "gaussian_noise", 3, key="0/ucf101/Punch/v_Punch_g01_c01").shape
(16, 112, 112, 3)

The tables of names load at once; NumPy, OpenCV, Numba and Pillow only when the first corruption is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corruptions.exceptions import (
    CorruptionError,
    MissingFrames,
    NoKeyWarning,
    UnknownName,
    UnknownProfile,
    WrongFrames,
)
from corruptions.registry import REGISTRY, Corruption, names
from corruptions.suites import SUITES, Suite, suite

if TYPE_CHECKING:
    from corruptions.additions import register
    from corruptions.albument import ForAlbumentations
    from corruptions.apply import corrupt, corrupt_labels, damaged_frames, frame_order, frames_needed
    from corruptions.keys import KeyCounter
    from corruptions.panes import frost_textures
    from corruptions.selftest import compile_kernels, fingerprint
    from corruptions.temporal import Consistency, consistency
    from corruptions.transforms import Corrupt, RandomCorrupt

__version__ = "0.2.0"  # of vidsparse too: both wheels and the citation are made of this line
__all__ = [
    "REGISTRY",
    "SUITES",
    "Consistency",
    "Corrupt",
    "Corruption",
    "CorruptionError",
    "ForAlbumentations",
    "KeyCounter",
    "MissingFrames",
    "NoKeyWarning",
    "RandomCorrupt",
    "Suite",
    "UnknownName",
    "UnknownProfile",
    "WrongFrames",
    "compile_kernels",
    "consistency",
    "corrupt",
    "corrupt_labels",
    "damaged_frames",
    "fingerprint",
    "frame_order",
    "frames_needed",
    "frost_textures",
    "names",
    "register",
    "suite",
]

_LAZY = {
    "Consistency": "temporal",
    "Corrupt": "transforms",
    "ForAlbumentations": "albument",
    "KeyCounter": "keys",
    "RandomCorrupt": "transforms",
    "consistency": "temporal",
    "corrupt": "apply",
    "corrupt_labels": "apply",
    "damaged_frames": "apply",
    "frame_order": "apply",
    "frames_needed": "apply",
    "frost_textures": "panes",
    "register": "additions",
    "compile_kernels": "selftest",
    "fingerprint": "selftest",
}


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)  # next time without a search
    return found
