"""What the published programs make of our drawn clips, as statistics: the file that `test_parity_published.py` reads.

`PYTHONPATH=tests python -m helpers.parity_published CLONES [PROFILE ...]` makes
`corruptions/data/parity_published.json` again, or these profiles in it. CLONES holds git clones of
hendrycks/robustness, facebookresearch/augmentation-corruption, Maddy12/ActionRecognitionRobustnessEval and
Newbeeyoung/Video-Corruption-Robustness, under their own names. It needs scikit-image, wand with ImageMagick 6, and
`ffmpeg` and `ffprobe` on PATH. Their files are run as they are; names that today's NumPy, SciPy and scikit-image no
longer have are put back around them. Only numbers leave this program.
"""

import json
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from helpers.parity_statistics import Clip, Statistics, drawn_clip, statistics
from vidsparse.utils import torchvision_compat

PATH: Final = Path(__file__).parents[1] / "corruptions" / "data" / "parity_published.json"
SEEDS: Final = 8
SIDES: Final = {
    "imagenet_c": 224,
    "cifar_c": 32,
    "tiny_c": 64,
    "cifar_c_bar": 32,
    "imagenet_c_bar": 48,
    "ucf101_p": 64,
    "kinetics_c": 224,
}
FRAMES: Final = dict.fromkeys(SIDES, 1) | {"ucf101_p": 4, "kinetics_c": 2}
ORDERED: Final = 96  # frames of the clips that are put into another order
BLURRED: Final = (40, 64)  # frames and side of the clips that are blurred over time
CODED: Final = (48, 224)  # and of those that are encoded
CODECS: Final = ("h264_crf", "h265_crf", "h264_abr", "h265_abr", "frame_rate")
ORDERS: Final = ("jumble", "box_jumble", "freeze")
KEPT: Final = ("sampling", "reverse_sampling")
Names = dict[str, Any]


def clip_of(profile: str, name: str) -> Clip:
    """The clip that a corruption of a profile is tried on."""
    if name == "clip_motion_blur":
        return drawn_clip(profile, BLURRED[1], BLURRED[0])
    if name in CODECS:
        return drawn_clip(profile, CODED[1], CODED[0])
    return drawn_clip(profile, SIDES[profile], FRAMES[profile])


def draws_of(name: str, clip: Clip) -> int:
    """How often a corruption is drawn: twice where nothing is random, which shows that."""
    if name in (*ORDERS, "single_frequency_greyscale", "blue_noise_sample"):  # few draws say little of these
        return 4 * SEEDS
    if name in (*CODECS, "clip_motion_blur"):
        return 2
    return SEEDS // 2 if len(clip) > 1 or clip.shape[1] in (SIDES["imagenet_c"], SIDES["imagenet_c_bar"]) else SEEDS


def order_statistics(order: NDArray[np.int64]) -> Statistics:
    """Of the frames that are shown one after another: how many are distinct, held, out of order, and how far off."""
    steps = np.diff(order)
    return {
        "distinct": float(len(np.unique(order))),
        "held": float((steps == 0).mean()),
        "broken": float(((steps != 0) & (steps != 1)).mean()),
        "travel": float(np.abs(order - np.arange(len(order))).mean()),
    }


def summarised(rows: list[Statistics]) -> dict[str, tuple[float, float]]:
    """{statistic: (mean, standard deviation)}."""
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return {key: (round(float(np.mean(v)), 4), round(float(np.std(v, ddof=1)), 4)) for key, v in columns.items()}


def _run(path: Path, until: str = "", stubs: Mapping[str, Any] | None = None) -> Names:
    """The names that a published file defines, of its text up to a line, with some modules in place of others."""
    before = {name: sys.modules.get(name) for name in stubs or {}}
    sys.modules.update(stubs or {})
    try:
        names: Names = {"__name__": path.stem}
        text = path.read_text()
        exec(compile(text.partition(until)[0] if until else text, str(path), "exec"), names)
        return names
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def prepare() -> None:
    """Put back names and arguments that NumPy, SciPy and scikit-image had when these programs were written."""
    import scipy.ndimage
    import skimage.filters
    import skimage.util

    torchvision_compat.install()
    old: Any = np
    old.float_, old.float, old.int = np.float64, float, int
    old.fromstring = lambda content, dtype: np.frombuffer(content, dtype)
    gaussian = skimage.filters.gaussian

    def with_channels(image: Any, *args: Any, multichannel: bool = False, **more: Any) -> Any:
        return gaussian(image, *args, channel_axis=-1 if multichannel else None, **more)

    skimage.filters.gaussian = with_channels
    sys.modules.setdefault("scipy.ndimage.interpolation", _module(map_coordinates=scipy.ndimage.map_coordinates))


def _module(**names: Any) -> Any:
    module = ModuleType("stub")
    vars(module).update(names)
    return module


def _seed(number: int) -> None:
    np.random.seed(number)  # noqa: NPY002  # theirs draw from it
    random.seed(number)


Maker = Callable[[str, int, Clip, int], Clip]


def hendrycks(clones: Path, profile: str) -> Maker:
    """make_imagenet_c.py, make_cifar_c.py or make_tinyimagenet_c.py, up to where it begins to write a data set."""
    from PIL import Image

    folder = clones / "robustness" / "ImageNet-C" / "create_c"
    file = {"imagenet_c": "make_imagenet_c.py", "cifar_c": "make_cifar_c.py", "tiny_c": "make_tinyimagenet_c.py"}
    names = _run(folder / file[profile], "# /////////////// End Distortions")

    def make(name: str, level: int, clip: Clip, seed: int) -> Clip:
        _seed(seed)
        with chdir(folder):
            return np.asarray(names[name](Image.fromarray(clip[0]), level)).astype(np.uint8)[None]

    return make


def bar(clones: Path, kind: str) -> Maker:
    """imagenet_c_bar of augmentation-corruption, with its table of severities."""
    folder = clones / "augmentation-corruption" / "imagenet_c_bar"
    sys.path.insert(0, str(folder))
    import transform_finder

    file = {"cifar": "cifar10_c_bar.csv", "imagenet": "imagenet_c_bar.csv"}[kind]
    rows = [line.split(",") for line in (folder / file).read_text().split()]
    levels = {row[0]: [float(value) for value in row[1:]] for row in rows}

    def make(name: str, level: int, clip: Clip, seed: int) -> Clip:
        _seed(seed)
        transform = transform_finder.transform_dict[name](levels[name][level - 1], clip.shape[1])
        return np.asarray(transform(clip[0])).astype(np.uint8)[None]

    return make


def ucf101_p(clones: Path) -> Maker:
    """core/video_perturb.py, without PixMix, whose pictures are another repository's."""
    import torch

    inner = _module(pixmix_utils=_module())
    stubs = {"submodules": _module(pixmix=inner), "submodules.pixmix": inner}
    path = clones / "ActionRecognitionRobustnessEval" / "core" / "video_perturb.py"
    names = _run(path, stubs={**stubs, "submodules.pixmix.pixmix_utils": inner.pixmix_utils})
    names["PixMix"] = lambda severity: None

    def make(name: str, level: int, clip: Clip, seed: int) -> Clip:
        _seed(seed)
        perturb = names["VideoPerturbation"]({"jpeg_compression": "compression"}.get(name, name), level)
        return np.asarray(perturb(torch.from_numpy(clip).permute(3, 0, 1, 2))).astype(np.uint8)

    return make


def kinetics_c(clones: Path) -> Maker:
    """create_mini_kinetics_c.py, which takes most of its functions from create_mini_ssv2_c.py."""
    folder = clones / "Video-Corruption-Robustness"
    stubs = {
        "h5py": _module(),
        "dataloader": _module(VideoDatasetHdf5=None),
        "utils": _module(VideoLoaderHDF5=None, ImageToHdf5=None),
        "video_transforms": _module(),
    }
    shared = _run(folder / "create_mini_ssv2_c.py", stubs=stubs)
    public = {name: value for name, value in shared.items() if not name.startswith("_")}
    names = _run(folder / "create_mini_kinetics_c.py", stubs={**stubs, "create_mini_ssv2_c": _module(**public)})

    def make(name: str, level: int, clip: Clip, seed: int) -> Clip:
        _seed(seed)
        if name in CODECS:
            return _coded(names[name], level, clip)
        if name in ("fog", "clip_motion_blur"):
            return np.asarray(names[name.removeprefix("clip_")](list(clip), level)).astype(np.uint8)
        return np.stack([np.asarray(names[name](frame, level)).astype(np.uint8) for frame in clip])

    return make


def _coded(work: Callable[[str, str, int], object], level: int, clip: Clip) -> Clip:
    """What a function from file to file makes of a clip that is stored without loss, as yuv420p."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/source.mp4", f"{folder}/target.mp4"
        write_source(source, clip)
        work(source, target, level)
        with av.open(target) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def write_source(path: str, clip: Clip) -> None:
    """Write a clip as H.264 without loss."""
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libx264", 25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = *clip.shape[1:3], "yuv420p"
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())


def order_of(make: Maker, name: str, level: int, seed: int) -> NDArray[np.int64]:
    """Which frames of a clip of ORDERED are shown, by frames that hold their own number."""
    numbers = np.broadcast_to(np.arange(ORDERED, dtype=np.uint8)[:, None, None, None], (ORDERED, 2, 2, 3)).copy()
    return make(name, level, numbers, seed)[:, 0, 0, 0].astype(np.int64)


def left_out(profile: str, make: Maker, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """The corruptions that this program can make, and why each of the others cannot."""
    made, why = [], {}
    for name in names:
        try:
            make(name, 1, clip_of(profile, name), 0)
            made.append(name)
        except (KeyError, AttributeError, TypeError, ValueError, RuntimeError, OSError) as error:
            why[name] = f"{type(error).__name__}: {error}"
    return made, why


def main(clones: Path, profiles: Sequence[str]) -> None:
    """Write these profiles (all if none is named) into the file, and say what could not be made."""
    from corruptions.severities import TABLES

    warnings.simplefilter("ignore")
    prepare()
    makers = {
        **{each: partial(hendrycks, profile=each) for each in ("imagenet_c", "cifar_c", "tiny_c")},
        "cifar_c_bar": partial(bar, kind="cifar"),
        "imagenet_c_bar": partial(bar, kind="imagenet"),
        "ucf101_p": ucf101_p,
        "kinetics_c": kinetics_c,
    }
    before = json.loads(PATH.read_text()) if PATH.exists() else {"cells": {}, "kept": {}}
    cells, kept = before["cells"], before["kept"]
    for profile in profiles or makers:
        make = makers[profile](clones)
        names = [name for each, name in TABLES if each == profile and name != "translate"]
        spatial, why = left_out(profile, make, [name for name in names if name not in (*ORDERS, *KEPT)])
        print(profile, "cannot be made:", why, flush=True)
        for name in spatial:
            clip = clip_of(profile, name)
            seeds = range(draws_of(name, clip))
            for level in range(1, 6):
                rows = [statistics(*_paired(clip, make(name, level, clip, seed))) for seed in seeds]
                cells[f"{profile}/{name}/{level}"] = summarised(rows)
            print(profile, name, cells[f"{profile}/{name}/3"]["psnr"], flush=True)
        for level in range(1, 6) if profile == "ucf101_p" else ():
            for name in ORDERS:
                orders = [
                    order_statistics(order_of(make, name, level, seed))
                    for seed in range(draws_of(name, clip_of(profile, name)))
                ]
                cells[f"{profile}/{name}/{level}"] = summarised(orders)
            kept |= {f"{profile}/{name}/{level}": order_of(make, name, level, 0).tolist() for name in KEPT}
        _save(cells, kept)


def _paired(clip: Clip, made: Clip) -> tuple[Clip, Clip]:
    """The frames that a shorter clip was made of, those in the middle, beside it."""
    lost = (len(clip) - len(made)) // 2
    return clip[lost : lost + len(made)], made


def _save(cells: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    note = "statistics of what the published programs make (parity_published.py); [mean, sd over seeds]"
    head = {"note": note, "seeds": SEEDS, "kept": kept}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in cells.items())
    PATH.write_text(json.dumps(head)[:-1] + f',\n"cells": {{\n{lines}\n}}}}\n')


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
