"""Runs and a benchmark that the code of commit f0aee5e made, kept here, and the digests of what it made of them.

    python tests/made_before/before.py WHERE      # makes them anew, with the code of now, by way of an empty folder

Only a change that is meant to break them makes them anew: then they would no longer be of before.

Numbers of a network are promised within one build: `surroundings` says which one, by versions and by what small
computations give here. Where that is another, bytes are not compared; that the folders are read and continued is.
"""

import hashlib
import json
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torch import nn

import tiny_network
from vidsparse.benchmark.generate import generate
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.evaluation import predictions
from vidsparse.experiment import run
from vidsparse.loading import load_benchmark_config, load_config
from vidsparse.training.engine import Checkpoints

HERE = Path(__file__).resolve().parent
COMMIT = "f0aee5e"
DATA = ("data.source=folder", "data.root=clips", "data.frames=4", "data.stride=2", "data.short_side=32",
        "data.size=24", "engine.workers=0")  # fmt: skip
RUN = (*DATA, "training.epochs=3", "training.batch_size=3", "training.schedule.warmup_epochs=0", "sparse.every=1",
       "evaluation.suite=ucf101_p_16", "evaluation.severities=[2,4]", "evaluation.batch_size=4",
       "evaluation.corruptions=[gaussian_noise,motion_blur,freeze]", "engine.checkpoint_every=1",
       "engine.accelerator=cpu", "analysis.spectral=off", "analysis.saliency=off", "sparse.every_epochs=null",
       f"model.name={tiny_network.NAME}")  # fmt: skip
SEGMENT = ("data.root=masks", "data.frames=2", "data.stride=1", "data.short_side=40", "data.size=32",
           "model.name=unet", "training.epochs=2", "training.batch_size=3", "training.schedule.warmup_epochs=0",
           "engine.workers=0", "engine.accelerator=cpu", "evaluation.suite=ucf101_p_16", "evaluation.severities=[1,4]",
           "sparse.every=1", "evaluation.corruptions=[gaussian_noise,static_rotate,freeze]",
           "evaluation.batch_size=4")  # fmt: skip
BENCHMARK = (*DATA, "evaluation.suite=video_c", "evaluation.corruptions=[gaussian_noise,freeze,h264_crf]",
             "evaluation.severities=[2,4]", "benchmark.unit=2", "benchmark.dir=benchmark")  # fmt: skip
CLASSES = {"Left": 2, "Right": -2, "Still": 0}
_TIMES = ["clips_per_second", "data_wait"]
_NO_RESULTS = ("log.jsonl", "BENCHMARK.md", "SHA256SUMS")


def train_config(method: str, name: str, *more: str):
    """The config of a tiny run: what somebody would type again to continue it."""
    tiny_network.register()
    return load_config(f"ucf101_{method}", [f"name={name}", *RUN, *more])


def segment_config(method: str, name: str):
    return load_config(f"segmentation_{method}", [f"name={name}", *SEGMENT])


def benchmark_config(*more: str):
    return load_benchmark_config("ucf101_c", [*BENCHMARK, *more])


def make_clips(root: Path) -> None:
    """Three classes, of each three clips to train on and two to test: smooth texture that moves, 44 x 36, 10 frames."""
    for label, (name, speed) in enumerate(CLASSES.items()):
        for part, groups in (("train", range(3)), ("test", range(3, 5))):
            (root / part / name).mkdir(parents=True)
            for group in groups:
                rng = np.random.default_rng([label, group])
                noise = rng.integers(0, 256, (9, 16, 3), np.uint8)
                canvas = cv2.resize(noise, None, fx=5, fy=4, interpolation=cv2.INTER_LINEAR)
                frames = [canvas[:, 18 + speed * t :][:, :44] for t in range(10)]
                write_video(root / part / name / f"v_{name}_g{group:02d}_c01.avi", frames)


def make_masks(root: Path) -> None:
    """Segmentation: videos of 3 frames, 40 x 48, a red box and a blue bar that move over noise."""
    root.mkdir()
    (root / "classes.txt").write_text("background\nbox\nbar\n")
    for part, count in (("train", 6), ("test", 3)):
        for number in range(count):
            rng = np.random.default_rng([count, number])
            left = int(rng.integers(4, 20))
            for t in range(3):
                frame, mask = rng.integers(60, 160, (40, 48, 3), np.uint8), np.zeros((40, 48), np.uint8)
                mask[6:18, left + t : left + t + 12], mask[26:34, 4 + t : 40 + t] = 1, 2
                frame[mask == 1], frame[mask == 2] = (220, 20, 20), (20, 20, 220)
                mask[:, 0] = 255
                for kind, picture in (("images", frame[..., ::-1]), ("masks", mask)):
                    (root / part / kind / f"clip{number}").mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(root / part / kind / f"clip{number}" / f"{t}.png"), picture)


def _hash(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:16]


def _tensors(tensors: dict) -> str:
    return _hash(*(name.encode() + bytes(np.ascontiguousarray(tensors[name].numpy())) for name in sorted(tensors)))


def _masks(state: object) -> list[bytes]:
    if isinstance(state, torch.Tensor):
        return [bytes(np.ascontiguousarray(state.numpy()))]
    if isinstance(state, dict):
        return [part for key in sorted(state, key=str) for part in (str(key).encode(), *_masks(state[key]))]
    return (
        [part for each in state for part in _masks(each)] if isinstance(state, list | tuple) else [repr(state).encode()]
    )


def _table(table: pd.DataFrame) -> str:
    plain = table.astype({name: str for name in table if table[name].dtype == "category"})
    return _hash(",".join(plain.columns).encode(), repr(plain.to_dict("list")).encode())


def _as_then(state: dict) -> dict:
    """The state of a checkpoint without the digest of its run, which those of then had not."""
    return {key: value for key, value in state.items() if key != "run"}


def run_digests(folder: Path) -> dict[str, str]:
    """What a finished run came to: {what: digest}, all but the times."""
    from safetensors.torch import load_file

    weights, state = Checkpoints(folder / "checkpoints").load() or ({}, {})
    metrics = pd.read_csv(folder / "metrics.csv").drop(columns=_TIMES)
    said = {
        "predictions": _table(predictions.load(folder / "predictions.parquet")),
        "weights": _tensors(load_file(folder / "checkpoints" / "final.safetensors")),
        "last checkpoint": _tensors(weights) if weights else "",
        "topology and optimizer": _hash(*_masks(_as_then(state))) if state else "",
        "metrics": _hash(metrics.to_csv(index=False).encode()),
    }
    for name in ("topology.csv", "layers.csv"):
        if (folder / name).exists():
            said[name] = _hash((folder / name).read_bytes())
    return said


def benchmark_digests(root: Path) -> dict[str, str]:
    """{file of a benchmark: digest}, but for its log and its page, and the sums of all files, which hold the page's."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and path.name not in _NO_RESULTS)
    return {path.relative_to(root).as_posix(): _hash(path.read_bytes()) for path in found}


def surroundings() -> dict[str, str]:
    """What the numbers of a network depend on besides our code: versions, and what small computations give here."""
    packages = ("torch", "numpy", "opencv-python-headless", "av", "decord", "numba", "pandas", "safetensors")
    said = {name: version(name) for name in packages}
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.Conv3d(8, 8, 3, stride=2))
    clips = torch.randn(3, 3, 4, 24, 24)
    net(clips).square().mean().backward()
    flat = nn.Conv2d(12, 24, 3, padding=1)
    flat(torch.randn(4, 12, 16, 16)).square().mean().backward()
    gradients = [parameter.grad for module in (net, flat) for parameter in module.parameters()]
    said["torch computes"] = _hash(*(gradient.numpy().tobytes() for gradient in gradients))
    picture = np.random.default_rng(0).integers(0, 256, (61, 83, 3), np.uint8)
    blurred = cv2.GaussianBlur(cv2.resize(picture, (40, 32), interpolation=cv2.INTER_AREA), (5, 5), 1.3)
    said["OpenCV computes"] = _hash(blurred.tobytes(), np.exp(picture / 77).tobytes())
    clip = next((HERE / "clips").rglob("*.avi"))
    said["decoded"] = _hash(VideoReader(clip, 32).read(range(4)).tobytes())
    return said


def stopped_after(steps: int):
    """A stand-in for interrupt.Stop that asks to stop after so many steps."""

    class Stop:
        asked = 0

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        @property
        def wanted(self):
            self.asked += 1
            return self.asked >= steps

    return Stop


def _stop_run(config) -> None:
    from vidsparse.training import loop

    real, loop.Stop = loop.Stop, stopped_after(5)
    try:
        run(config)
    except KeyboardInterrupt:
        return
    finally:
        loop.Stop = real
    raise SystemExit("it was not stopped")


def main(where: Path) -> None:
    """Make everything anew in an empty folder."""
    torch.set_num_threads(1)
    where.mkdir()
    os.chdir(where)
    make_clips(where / "clips")
    shutil.rmtree(HERE / "clips", ignore_errors=True)
    shutil.copytree(where / "clips", HERE / "clips")
    make_masks(where / "masks")
    _stop_run(train_config("rigl", "stopped"))
    shutil.copytree(where / "runs" / "stopped", where / "stopped")
    made = {"stopped": run_digests(run(train_config("rigl", "stopped")))}
    made |= {"rigl": run_digests(run(train_config("rigl", "finished")))}
    made["dense"] = run_digests(run(train_config("dense", "dense")))
    made["segmentation"] = run_digests(run(segment_config("rigl", "segmentation")))
    generate(benchmark_config("benchmark.shard=1/2"))
    shutil.copytree(where / "benchmark", where / "half")
    generate(benchmark_config("benchmark.shard=2/2"))
    made["benchmark"] = benchmark_digests(where / "benchmark")
    text = {"commit": COMMIT, "surroundings": surroundings(), "digests": made}
    (HERE / "digests.json").write_text(json.dumps(text, indent=1) + "\n")
    for name, source in {"half": "half", "runs/stopped": "stopped", "runs/finished": "runs/finished"}.items():
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(where / source, HERE / name, ignore=shutil.ignore_patterns(*_REMADE))


_REMADE = ("figures", "tables", "tensorboard", "report.html", "gallery.parquet*", "step-00000004", "step-0000000[89]")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
