"""What is looked at, one function a matter: each tries the thing itself, and nothing is downloaded or left behind."""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from vidsparse.utils.errors import VidsparseError, first_line, install, plural
from vidsparse.utils.machine import cores, user_cache
from vidsparse.utils.version import VERSION

State = Literal["fine", "limited", "broken"]
NEEDED = ("torch", "torchvision", "pytorchvideo", "av", "numpy", "opencv-python-headless", "numba", "pandas", "pyarrow",
          "albumentations", "timm", "lightning-fabric", "omegaconf", "matplotlib")  # fmt: skip
EXTRAS = {"cluster": "distributed", "tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow",
          "hub": "huggingface_hub", "hf": "transformers", "completion": "shtab", "hdf5": "h5py"}  # fmt: skip
_CODECS = ("h264_crf", "h265_crf", "mpeg2", "mpeg4", "bit_error", "packet_loss")
_SHM = 512  # MiB of shared memory, below which loader processes of clips may die
_ROOM = 2  # GiB a run of the default config takes, checkpoints included


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what that means; `advice` is empty where it is fine."""

    what: str
    state: State
    found: str
    advice: str = ""


Check = Callable[[str], Iterator[Finding]]


def found(check: Check, folder: str) -> list[Finding]:
    """The findings of one check; what it stumbles over is a finding, too."""
    try:
        return list(check(folder))
    except Exception as error:  # whatever a broken installation raises
        return [Finding(check.__name__, "broken", f"{type(error).__name__}: {first_line(error)}",
                        "this check itself failed: the installation is not whole")]  # fmt: skip


def python(_: str) -> Iterator[Finding]:
    """The interpreter, and the machine."""
    yield Finding("vidsparse", "fine", f"{VERSION} in {Path(__file__).resolve().parents[1]}")
    yield Finding("python", "fine", f"{sys.version.split()[0]} on {platform.system()} {platform.machine()}")
    yield Finding("processor", "fine", plural(cores(), "core"))


def packages(_: str) -> Iterator[Finding]:
    """Packages that are required, and the copy of `corruptions`."""
    there, absent = {}, []
    for name in NEEDED:
        try:
            there[name] = version(name)
        except PackageNotFoundError:
            absent.append(name)
    said = ", ".join(f"{name} {number}" for name, number in there.items())
    if absent:
        yield Finding("packages", "broken", f"missing: {', '.join(absent)}", f"pip install {' '.join(absent)}")
    else:
        yield Finding("packages", "fine", said)
    from vidsparse.utils.one_copy import check_corruptions

    try:
        check_corruptions()
        yield Finding("corruptions", "fine", "one copy")
    except VidsparseError as error:
        yield Finding("corruptions", "broken", "two copies", str(error))


def torch_and_gpu(_: str) -> Iterator[Finding]:
    """The build of torch, GPUs, and whether torchvision's operators fit it."""
    import torch

    yield Finding("torch", "fine", f"{torch.__version__}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
        kind = "bf16" if torch.cuda.is_bf16_supported() else "16"
        yield Finding("GPU", "fine", f"{', '.join(names)}; engine.precision=auto computes in {kind}")
    else:
        built = f"built for CUDA {torch.version.cuda}, but no GPU is seen" if torch.version.cuda else "a CPU build"
        advice = "training at full size is a job for a GPU; the sample data and small settings run without one"
        yield Finding("GPU", "limited", f"none ({built})", advice)
    import torchvision

    yield Finding("torchvision", "fine", str(torchvision.__version__))


def decoders(_: str) -> Iterator[Finding]:
    """A small video, written here and read by each decoder."""
    import numpy as np

    from vidsparse.data.datasets.sample_videos import write_video
    from vidsparse.data.reading.decoders import inspect

    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory(prefix="vidsparse-") as folder:
        path = Path(folder) / "v.avi"
        write_video(path, frames)
        info = inspect(path)
    if info.n_frames != len(frames):
        yield Finding("PyAV", "broken", info.error or f"{info.n_frames} of {len(frames)} frames", "reinstall av")
        return
    yield Finding("PyAV", "fine", f"{version('av')}, reads what it wrote")
    if info.decoder == "decord":
        yield Finding("decord", "fine", f"{version('decord')}, agrees with PyAV")
    elif find_spec("decord") is None:
        yield Finding("decord", "limited", "not installed", "PyAV reads all videos, more slowly (decord has wheels for "
                      "Linux on x86-64 alone)")  # fmt: skip
    else:
        yield Finding("decord", "limited", "does not give the frames that PyAV gives", "PyAV reads all videos instead")


def codecs(_: str) -> Iterator[Finding]:
    """The corruptions that need an encoder, tried on a small clip."""
    import numpy as np

    import corruptions

    clip = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    failed = {}
    for name in _CODECS:
        try:
            corruptions.corrupt(clip, name, 3, key="0/doctor/clip")
        except Exception as error:  # whatever the build of FFmpeg lacks
            failed[name] = first_line(error)
    works = [name for name in _CODECS if name not in failed]
    if works:
        yield Finding("codecs", "fine", f"{', '.join(works)}; fingerprint {corruptions.fingerprint()}")
    for name, why in failed.items():
        advice = "suites that hold it cannot be evaluated; the wheels of av bring all encoders that are used"
        yield Finding("codecs", "limited", f"{name} does not work: {why}", advice)


def shared_memory(_: str) -> Iterator[Finding]:
    """Room for the clips that loader processes hand over."""
    if not os.path.isdir("/dev/shm"):
        return
    free = shutil.disk_usage("/dev/shm").free >> 20
    advice = "start a container with --shm-size=1g, or set engine.workers=0" if free < _SHM else ""
    yield Finding("shared memory", "limited" if advice else "fine", f"{free:,} MiB free in /dev/shm", advice)


def folders(folder: str) -> Iterator[Finding]:
    """Whether files can be written where runs, caches and temporary files go, and how much room there is."""
    for what, path in (("runs", Path(folder)), ("cache", user_cache()), ("temporary", Path(tempfile.gettempdir()))):
        yield _writable(what, path)


def _writable(what: str, path: Path) -> Finding:
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        advice = "name another folder, or give yourself the right to write there"
        return Finding(f"{what} folder", "broken", f"{there}: {error.strerror or error}", advice)
    free = shutil.disk_usage(there).free / 2**30
    tight = what == "runs" and free < _ROOM
    return Finding(f"{what} folder", "limited" if tight else "fine", f"{path}, {free:.1f} GiB free",
                   f"a run of the default config takes up to {_ROOM} GiB" if tight else "")  # fmt: skip


def extras(_: str) -> Iterator[Finding]:
    """Packages that only some things need."""
    for extra, module in EXTRAS.items():
        if find_spec(module):
            yield Finding(f"extra {extra}", "fine", module)
        else:
            yield Finding(f"extra {extra}", "limited", "not installed", install(extra, module.replace("_", "-")))


CHECKS: tuple[Check, ...] = (
    python,
    packages,
    torch_and_gpu,
    decoders,
    codecs,
    shared_memory,
    folders,
    extras,
)
