"""Processor time a frame of ours beside other libraries and decoding, as a table of docs/speed.md.

    python -m tools.docs.corruption_speed          # measure, and write the table into docs/speed.md

One process, one thread, turn by turn: a time is the least of the turns. Operations are those that another library has
too; parameters are ours at severity 3. imagecorruptions needs other packages, so it has an environment and a process of
its own, made for the occasion; so has the maintained fork of albumentations, nrtk-albumentations, beside which ours is
timed once more. Both need an index of packages; where one cannot be had, its columns are empty and the text says why.
"""

import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import albumentations as A
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import corruptions
from tools.docs.albumentations_fork import FORK, Ratios, fork_ratios
from tools.docs.corruption_pages import table
from tools.docs.imagecorruptions_peer import Peer
from tools.docs.scene import scene
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading.decoders import read_pyav  # importing vidsparse mends torchvision beside a CPU torch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "speed.md"
BEGIN, END = "<!-- corruption speed: python -m tools.docs.corruption_speed -->", "<!-- end of corruption speed -->"
TURNS, FRAMES, HEIGHT, WIDTH, SIDE = 25, 8, 240, 320, 112
PEER_TURNS = 3  # of imagecorruptions, each the better of two calls
ONLY_IMAGECORRUPTIONS = ("speckle_noise", "frost")
COLUMNS = (
    "operation", "ours", "albumentations", "ratio", f"ratio at {SIDE} px", "ratio to the fork",
    f"ratio to the fork at {SIDE} px", "torchvision v2", "imagecorruptions", "ours / decoding",
)  # fmt: skip
Call = Callable[[], object]
Frames = NDArray[np.uint8]


def theirs() -> dict[str, Any]:
    """Transforms of albumentations by the name of ours."""
    return {
        "gaussian_noise": A.GaussNoise(std_range=(0.18, 0.18), p=1),
        "shot_noise": A.ShotNoise(scale_range=(0.08, 0.08), p=1),
        "impulse_noise": A.SaltAndPepper(amount=(0.09, 0.09), p=1),
        "iso_noise": A.ISONoise(p=1),
        "gaussian_blur": A.GaussianBlur(blur_limit=(25, 25), sigma_limit=(3, 3), p=1),
        "defocus_blur": A.Defocus(radius=(6, 6), alias_blur=(0.5, 0.5), p=1),
        "motion_blur": A.MotionBlur(blur_limit=(31, 31), p=1),
        "zoom_blur": A.ZoomBlur(max_factor=(1.21, 1.21), step_factor=(0.02, 0.02), p=1),
        "glass_blur": A.GlassBlur(sigma=1, max_delta=2, iterations=3, p=1),
        "snow": A.RandomSnow(p=1),
        "rain": A.RandomRain(p=1),
        "fog": A.RandomFog(p=1),
        "spatter": A.Spatter(p=1),
        "brightness": A.HueSaturationValue((0, 0), (0, 0), (77, 77), p=1),  # adds to max(r, g, b), as ImageNet-C does
        "contrast": A.RandomBrightnessContrast((0, 0), (-0.8, -0.8), p=1),
        "saturate": A.HueSaturationValue((0, 0), (30, 30), (0, 0), p=1),
        "elastic_transform": A.ElasticTransform(alpha=12, sigma=2.4, p=1),
        "pixelate": A.Downscale(scale_range=(0.4, 0.4), p=1),
        "jpeg_compression": A.ImageCompression(quality_range=(15, 15), p=1),
        "color_quant": A.Posterize(num_bits=3, p=1),
    }


def of_torchvision() -> dict[str, Callable[[torch.Tensor], Any]]:
    """Transforms of torchvision v2 by the name of ours, on uint8 tensors (C, H, W)."""
    from torchvision.transforms import v2

    return {
        "gaussian_noise": v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(sigma=0.18)]),
        "gaussian_blur": v2.GaussianBlur(25, 3.0),
        "brightness": partial(v2.functional.adjust_brightness, brightness_factor=1.3),
        "contrast": partial(v2.functional.adjust_contrast, contrast_factor=0.2),
        "saturate": partial(v2.functional.adjust_saturation, saturation_factor=2.0),
        "elastic_transform": v2.ElasticTransform(alpha=12.0, sigma=2.4),
        "color_quant": partial(v2.functional.posterize, bits=3),
    }


def least(calls: dict[str, Call]) -> dict[str, float]:
    """Milliseconds of processor time a frame of each call, the least of turns that are taken in turn."""
    found = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call()
    for _ in range(TURNS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            found[name] = min(found[name], 1000 * (time.process_time() - start) / FRAMES)
    return found


def _of_image(transform: Any, frame: Any) -> object:
    return transform(image=frame)


def _each(transform: Callable[[Any], Any], frames: Iterable[Any]) -> object:
    return [transform(frame) for frame in frames]


def clips() -> tuple[Frames, Frames]:
    """The clip of the table, uint8 (T, 240, 320, 3), and the small one, (T, 112, 112, 3)."""
    return np.ascontiguousarray(scene(FRAMES, WIDTH)[:, 40:280]), scene(FRAMES, SIDE)


def _two(name: str, clip: Frames) -> dict[str, Call]:
    """Ours, and that of albumentations where it has it."""
    calls: dict[str, Call] = {"ours": partial(corruptions.corrupt, clip, name, 3, "bench")}
    if name in (peers := theirs()):
        calls["albumentations"] = partial(_each, partial(_of_image, peers[name]), clip)
    return calls


def in_turn(name: str, clip: Frames) -> dict[str, float]:
    """Milliseconds a frame of ours, and of albumentations and torchvision where they have it."""
    calls = _two(name, clip)
    if name in (peers := of_torchvision()):
        tensors = [torch.from_numpy(frame).permute(2, 0, 1).contiguous() for frame in clip]
        calls["torchvision"] = partial(_each, peers[name], tensors)
    return least(calls)


def _ratio(spent: dict[str, float]) -> float:
    return spent["albumentations"] / spent["ours"]


def ratios() -> Ratios:
    """How many times our time the albumentations that is imported here takes, for all that it shares with us."""
    _one_thread()
    large, small = clips()
    return {name: (_ratio(least(_two(name, large))), _ratio(least(_two(name, small)))) for name in theirs()}


def of_imagecorruptions(names: Iterable[str], clip: Frames, folder: Path) -> dict[str, str]:
    """Milliseconds a frame of what imagecorruptions has, as text, or the error that it raises."""
    np.save(folder / "clip.npy", clip)
    peer, found = Peer(folder / "imagecorruptions"), dict[str, str]()
    for name in (name for name in names if name in peer.names):
        spent = [peer.seconds(name, 3, folder / "clip.npy") for _ in range(PEER_TURNS)]
        times = [1000 * each / FRAMES for each in spent if isinstance(each, float)]
        found[name] = f"{min(times):.2f}" if len(times) == len(spent) else "fails"
    peer.close()
    return found


def rows() -> tuple[list[tuple[str, ...]], float, str]:
    """A row an operation, milliseconds a frame of decoding, and why another library is not there, if so."""
    large, small = clips()
    names, absent, others, fork = [*theirs(), *ONLY_IMAGECORRUPTIONS], "", dict[str, str](), Ratios()
    with tempfile.TemporaryDirectory() as folder:
        file = write_video(Path(folder) / "clip.mp4", large, "libx264")
        decode = least({"decode": lambda: read_pyav(file, range(FRAMES), HEIGHT, WIDTH)})["decode"]
        try:
            fork = fork_ratios(Path(folder) / "fork")
        except RuntimeError as error:
            absent += f" {error}."
        try:
            others = of_imagecorruptions(names, large, Path(folder))
        except RuntimeError as error:
            absent += f" {error}."
    made = list[tuple[str, ...]]()
    for name in names:
        spent, at_small = in_turn(name, large), in_turn(name, small)
        shown = {who: f"{ms:.2f}" for who, ms in spent.items()}
        beside = [f"{_ratio(at):.2f}" if name in theirs() else "" for at in (spent, at_small)]
        beside += [f"{ratio:.2f}" for ratio in fork[name]] if name in fork else ["", ""]
        made.append((name, shown["ours"], shown.get("albumentations", ""), *beside, shown.get("torchvision", ""),
                     others.get(name, ""), f"{spent['ours'] / decode:.2f}"))  # fmt: skip
    return made, decode, absent


def brightness_apart() -> str:
    """How far albumentations' two kinds of brightness are from ours, in a sentence of grey levels."""
    clip = clips()[0]
    ours = corruptions.corrupt(clip, "brightness", 3, "bench").astype(int)
    kinds = theirs()["brightness"], A.RandomBrightnessContrast((0.3, 0.3), (0, 0), p=1)
    apart = [np.abs(np.stack([kind(image=frame)["image"] for frame in clip]) - ours) for kind in kinds]
    return (
        "Of its two kinds of brightness this is the one that adds to max(r, g, b), as ImageNet-C does: within "
        f"{apart[0].max()} grey levels of ours, {apart[0].mean():.1f} in the mean; the one that adds to every channel "
        f"is {apart[1].mean():.0f} off."
    )


def _package() -> str:
    """The package that brought the module albumentations, with its version."""
    found = metadata.packages_distributions()["albumentations"][0]
    return f"{found} {metadata.version(found)}"


def _one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def main() -> None:
    """Measure, print and write the table into docs/speed.md."""
    _one_thread()
    made, decode, absent = rows()
    said = (
        f"Milliseconds of processor time a frame of {WIDTH} x {HEIGHT}, severity 3, one thread, turn by turn in one "
        f"process (imagecorruptions in its own): {_package()}, torchvision v2 on tensors, imagecorruptions as its last "
        f"release is; {platform.machine()}, {date.today()}. Decoding a frame of H.264 takes {decode:.2f} ms. A ratio "
        f"above 1 says that ours is faster than albumentations; ratios to the fork, {FORK}, are taken in turn in a "
        f"process where it has albumentations' place.{absent} What albumentations draws as rain, snow, fog "
        f"and spatter is its own. {brightness_apart()}"
    )
    text = f"{said}\n\n{table(COLUMNS, made)}"
    sys.stdout.write(text + "\n")
    page = PAGE.read_text("utf-8")
    if BEGIN not in page:
        page = f"{page.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
