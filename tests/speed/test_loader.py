"""How fast clips come, printed and never judged: `make bench`. Ratios are medians of interleaved rounds in one process.

On the real UCF101 clips beside the repository where they are, else on made ones of the same size.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import decord
import numpy as np
import pytest
import torch

import corruptions
import vidsparse
from speed.timing import interleaved, processor_seconds
from vidsparse import load_config
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import Clips, load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import CLEAN, Cell, evaluation_cells
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.indexing.cache import FrameCache
from vidsparse.data.loader import TrainingClips, make_loader
from vidsparse.data.sampling import train_indices, view_indices
from vidsparse.evaluation.evaluate import evaluate
from vidsparse.run_dir.folder import RunFolder
from vidsparse.training.engine import Engine
from vidsparse.training.session import Session

UCF101 = Path(__file__).resolve().parents[2] / "../shared/data/ucf101"
SETTINGS = {"frames": 16, "stride": 4, "short_side": 128, "size": 112}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    cache = tmp_path_factory.mktemp("index")
    if UCF101.is_dir():
        return load_clips(DataConfig(source="ucf101", root=str(UCF101), **SETTINGS), 0, cache, 2)
    root = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        (root / part / "Noise").mkdir(parents=True)
        for number in range(24):
            still = rng.integers(0, 256, (240, 320, 3), np.uint8)
            write_video(root / part / "Noise" / f"{number}.avi", [np.roll(still, t, 1) for t in range(120)])
    return load_clips(DataConfig(source="folder", root=str(root), **SETTINGS), 0, cache, 2)


def bare(path: Path, size: tuple[int, int], indices: np.ndarray) -> np.ndarray:
    """What the shortest loop around decord does: open at the wanted size, read the frames."""
    return decord.VideoReader(str(path), width=size[1], height=size[0], num_threads=1).get_batch(indices).asnumpy()


def both_times(calls: dict[str, Callable[[], object]]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds by the clock, and of the processor, which what else the machine does hardly changes."""
    return interleaved(calls, rounds=5), interleaved(calls, 3, processor_seconds)


def ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def test_training_reads_over_a_bare_decord_loop(clips: Clips, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    reads = [(s, train_indices(clips.n_frames(s), 16, 4, "dense", "loop", rng)) for s in clips.train[:48]]

    def ours() -> None:
        for sample, indices in reads:
            clips.read(sample, indices)

    def theirs() -> None:
        for sample, indices in reads:
            bare(sample.path, clips.size(sample), indices)

    times, processor = both_times({"ours": ours, "bare": theirs})
    with capsys.disabled():
        print(f"\n{len(reads)} training reads: speed over a bare decord loop {ratio(times, 'bare', 'ours'):.3f}, in "
              f"processor time {ratio(processor, 'bare', 'ours'):.3f}; {len(reads) / median(times['ours']):.0f} clips/s"
              )  # fmt: skip


def test_evaluation_reads_over_a_bare_decord_loop(clips: Clips, capsys: pytest.CaptureFixture[str]) -> None:
    count = min(32, len(clips.test))

    def ours() -> None:
        units = CorruptedUnits(clips, EvaluationConfig(), (Cell(CLEAN, "", 0),), [(0, range(count))])
        assert next(iter(units)).clips.shape[0] == count

    def theirs() -> None:
        for sample in clips.test[:count]:
            bare(sample.path, clips.size(sample), view_indices(clips.n_frames(sample), 16, 4, "dense", "loop", 1)[0])

    times, processor = both_times({"ours": ours, "bare": theirs})
    with capsys.disabled():
        print(f"\n{count} centre clips to one batch: speed over a bare decord loop {ratio(times, 'bare', 'ours'):.3f}, "
              f"in processor time {ratio(processor, 'bare', 'ours'):.3f}")  # fmt: skip


def test_ten_views_over_one_open_a_clip(clips: Clips, capsys: pytest.CaptureFixture[str]) -> None:
    samples = clips.test[:12]
    views = {s.id: view_indices(clips.n_frames(s), 16, 4, "dense", "loop", 10) for s in samples}

    def ours() -> None:
        units = CorruptedUnits(clips, EvaluationConfig(views=10), (Cell(CLEAN, "", 0),), [(0, range(len(samples)))])
        assert next(iter(units)).clips.shape[0] == 10 * len(samples)

    def theirs() -> None:
        for sample in samples:
            for indices in views[sample.id]:
                bare(sample.path, clips.size(sample), indices)

    times = interleaved({"ours": ours, "one open a clip": theirs}, rounds=5)
    with capsys.disabled():
        print(f"\nten views: speed over one open a clip {ratio(times, 'one open a clip', 'ours'):.2f}")


def test_kept_frames_over_decoding(clips: Clips, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    kept = replace(clips, kept=FrameCache(tmp_path, 1 << 32))

    def read(source: Clips) -> Callable[[], None]:
        units = CorruptedUnits(source, EvaluationConfig(), (Cell(CLEAN, "", 0),), [(0, range(24))])
        return lambda: [None for _ in units] and None

    times = interleaved({"decoded": read(clips), "kept": read(kept)}, rounds=5)
    with capsys.disabled():
        print(f"\nkept frames: speed over decoding {ratio(times, 'decoded', 'kept'):.1f}")


def test_augmentation_and_workers(clips: Clips, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = TrainingClips(clips, 0)
    places = [[(0, position) for position in range(start, start + 8)] for start in range(0, 40, 8)]

    def load(workers: int) -> Callable[[], None]:
        loader = make_loader(dataset, workers, batch_sampler=places, persistent_workers=workers > 0)
        return lambda: [None for _ in loader] and None

    times = interleaved({"0 workers": load(0), "2 workers": load(2)}, rounds=3)
    with capsys.disabled():
        print("\naugmented training clips/s: " + ", ".join(f"{k} {40 / median(v):.0f}" for k, v in times.items()))


def test_evaluation_over_its_model_and_corruption_time(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """16 corruptions x 4 severities: everything that is neither the network nor a corruption is overhead."""
    torch.set_num_threads(1)
    root = UCF101 if UCF101.is_dir() else clips.dataset.root
    small = ["data.frames=8", "data.short_side=128", "data.size=112", "evaluation.severities=[1,2,3,4]"]
    here = [f"data.root={root}", f"logging.dir={tmp_path}", "engine.workers=0", "engine.cache_gb=0"]
    config = load_config("ucf101_dense", [*small, *here])
    few = Clips(config.data, clips.dataset, clips.index, (), (), clips.test[:8])
    cells, engine = evaluation_cells(config.evaluation), Engine(config.engine)
    model, spent = vidsparse.create_model("r3d_18", 101, 8, 112), {"corruptions": 0.0, "model": 0.0}

    def timed(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **named: object) -> object:
            start = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                spent[name] += time.perf_counter() - start

        return run

    corruptions.compile_kernels(tuple({cell.corruption for cell in cells if cell.severity}))
    monkeypatch.setattr(corruptions, "corrupt", timed("corruptions", corruptions.corrupt))
    model.forward = timed("model", model.forward)
    start = time.perf_counter()
    evaluate(Session(config, few, engine, RunFolder(tmp_path / "run")), cells, model)
    whole = time.perf_counter() - start
    with capsys.disabled():
        print(f"\nevaluation of {len(cells)} cells: {whole:.0f} s, over model ({spent['model']:.1f} s) and corruptions "
              f"({spent['corruptions']:.1f} s): {whole / sum(spent.values()):.3f}")  # fmt: skip
