"""What was corrupted before is seen as if it were corrupted now; what does not fit is refused, with the reason."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.orders import SETTINGS
from vidsparse.benchmark.generate import generate
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.cells import Cell, evaluation_cells
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.loader import split_units
from vidsparse.experiment import run
from vidsparse.loading import load_benchmark_config, load_config
from vidsparse.utils.errors import ConfigError, DataError

MODEL = ("model.name=x3d_s", "training.epochs=0", "sparse.method=dense", "engine.workers=0",
         "analysis.spectral=off", "analysis.saliency=off")  # fmt: skip


def batches(clips, evaluation, cells):
    units = list(enumerate(split_units(len(clips.test), 4)))
    return [(batch.cell, batch.clips, batch.ok) for batch in CorruptedUnits(clips, evaluation, cells, units)]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [
    (),
    ("benchmark.materialize=videos",),
    ("benchmark.format=npy", "evaluation.views=2"),
    ("benchmark.format=webp", "evaluation.sampling=uniform"),
    ("benchmark.format=h264_rgb", "evaluation.canvas=frame", "evaluation.crops=3"),
    ("benchmark.materialize=videos", "evaluation.canvas=source"),
    ("data.frames=16", "data.stride=2"),
])  # fmt: skip
def test_predictions_are_the_same_row_by_row_as_on_the_fly(settings, tiny_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ordered = [f"data.root={tiny_root}", *SETTINGS, *settings]
    generate(load_benchmark_config("ucf101_c", ordered))
    seen = [word for word in (*SETTINGS, *settings) if not word.startswith(("data.source", "benchmark", "engine"))]
    evaluation = [
        word for word in seen if not word.startswith(("evaluation.suite", "evaluation.corr", "evaluation.sev"))
    ]
    flown = run(
        load_config("ucf101_dense", [f"data.root={tiny_root}", "data.source=folder", *seen, *MODEL, "name=fly"])
    )
    stored = ["data.source=corrupted", "data.root=benchmarks/ucf101_c", *evaluation, *MODEL, "name=kept"]
    kept = run(load_config("ucf101_dense", stored))
    assert (flown / "predictions.parquet").read_bytes() == (kept / "predictions.parquet").read_bytes()


def test_a_part_of_a_benchmark_is_evaluated_where_it_is_asked_for(whole_copy):
    settings = [*MODEL, "data.source=corrupted", f"data.root={whole_copy}", *PROTOCOL]
    config = load_config("ucf101_dense", [*settings, "evaluation.corruptions=[freeze]", "evaluation.severities=[4]"])
    clips = load_clips(config.data, 0, whole_copy.parent / "index")
    assert cells_of(clips, config.evaluation) == (Cell("clean", "", 0), Cell("freeze", "video_c", 4))
    config = load_config("ucf101_dense", [*settings, "evaluation.corruptions=[fog]"])
    with pytest.raises(DataError, match=r"fog.*gaussian_noise, freeze, h264_crf"):
        cells_of(clips, config.evaluation)


PROTOCOL = ("data.frames=4", "data.stride=2", "data.short_side=40", "data.size=32")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("evaluation.canvas=frame", "corrupted on the canvas crop"),
        ("data.stride=3", "holds the frames of one protocol alone, with data.stride=2"),
        ("data.frames=8", "data.frames=4"),
        ("evaluation.views=3", "evaluation.views=1"),
        ("evaluation.sampling=uniform", "data.sampling=dense"),
        ("data.short=clamp", "data.short=loop"),
        ("data.size=36", "holds the frames of one size alone, with data.size=32"),
        ("data.short_side=48", "data.short_side=40"),
        ("evaluation.suite=core_10", "made with video_c"),
        ("evaluation.corruption_seed=1", "made with 0"),
        ("evaluation.temporal=drift", "made with default"),
        ("training.epochs=1", "nothing to train on"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_with_the_reason(whole_copy, setting, said):
    settings = [*MODEL, "data.source=corrupted", f"data.root={whole_copy}", *PROTOCOL, setting]
    with pytest.raises(ConfigError, match=said):
        load_config("ucf101_dense", settings)


def test_a_run_of_what_a_benchmark_does_not_hold_leaves_no_folder_behind(whole_copy, tmp_path):
    settings = [*MODEL, "data.source=corrupted", f"data.root={whole_copy}", *PROTOCOL, "training.epochs=0",
                f"logging.dir={tmp_path / 'runs'}", "evaluation.corruptions=[fog]"]  # fmt: skip
    config = load_config("ucf101_dense", settings)
    with pytest.raises(DataError, match="holds no fog"):
        run(config)
    assert not config.folder.exists()


def test_a_benchmark_that_is_not_whole_is_refused_by_name(whole_copy):
    (whole_copy / "freeze" / "2" / "Left" / "v_Left_g04_c01.mkv").unlink()
    config = DataConfig(source="corrupted", root=str(whole_copy))
    with pytest.raises(DataError, match=r"missing \(freeze/2/Left/v_Left_g04_c01.mkv\).*stage=repair"):
        load_clips(config, 0, whole_copy.parent / "index")


def _flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def _read_all(root):
    clips = load_clips(DataConfig("corrupted", str(root), frames=4, stride=2, short_side=40, size=32), 0, root / "i")
    return batches(clips, EvaluationConfig(suite="video_c"), clips.stored.cells)


def test_a_flipped_byte_that_a_decoder_would_show_is_an_error(whole_copy, capsys):
    """decord reads an FFV1 with damage in a slice without a word."""
    path = whole_copy / "freeze" / "2" / "Left" / "v_Left_g04_c01.mkv"
    assert _read_all(whole_copy)
    _flip(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match=r"freeze/2/Left/v_Left_g04_c01.mkv is damaged.*stage=repair"):
        _read_all(whole_copy)
    _flip(path, path.stat().st_size // 2)
    sidecar = sorted((whole_copy / "units" / "freeze" / "2").iterdir())[0]
    _flip(sidecar, 100)
    with pytest.raises(DataError, match=r"units/freeze/2/.*damaged.*stage=repair"):
        _read_all(whole_copy)
    assert "no digests" not in capsys.readouterr().out
    sidecar.unlink()
    with pytest.raises(DataError, match=r"missing \(units/freeze/2/.*stage=repair"):
        _read_all(whole_copy)
    shutil.rmtree(whole_copy / "units")
    _read_all(whole_copy)
    assert "holds no digests" in " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def whole(tiny_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmark") / "whole"
    words = [f"data.root={tiny_root}", *SETTINGS, f"benchmark.dir={root}", f"logging.dir={root.parent}/runs"]
    generate(load_benchmark_config("ucf101_c", words))
    return root


@pytest.fixture
def whole_copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def picture(seed, side=32):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


@pytest.fixture
def packed(tmp_path):
    """A data set as ../shared/data/cifar10_jpeg.npz: five test images of 32 x 32 in three classes."""
    jpegs = []
    for seed in range(8):
        buffer = io.BytesIO()
        Image.fromarray(picture(seed)).save(buffer, "JPEG")
        jpegs.append(buffer.getvalue())
    parts = {}
    for part, some in (("train", jpegs[:3]), ("test", jpegs[3:])):
        parts[f"{part}_jpeg"] = np.frombuffer(b"".join(some), np.uint8)
        parts[f"{part}_offsets"] = np.cumsum([0, *map(len, some)])
        parts[f"{part}_labels"] = np.arange(len(some)) % 3
    np.savez(tmp_path / "tiny10.npz", **parts, classes=np.array(["cat", "dog", "ship"]))
    return tmp_path / "tiny10.npz"


IMAGES = ("data.frames=1", "data.stride=1", "data.short_side=32", "data.size=32")


@pytest.mark.slow
def test_images_are_written_in_the_published_layout_and_read_back_with_and_without_our_files(
    packed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = ["data.source=packed", f"data.root={packed}", "benchmark.unit=2", "engine.workers=0"]
    generate(load_benchmark_config("cifar10_c", words))
    root = tmp_path / "benchmarks" / "cifar10_c"
    evaluation = EvaluationConfig(suite="cifar_c_19", resolution="absolute")
    names = dict.fromkeys(cell.corruption for cell in evaluation_cells(evaluation)[1:])
    assert {path.name for path in root.glob("*.npy")} == {f"{name}.npy" for name in names} | {"labels.npy"}
    assert np.load(root / "labels.npy").tolist() == [0, 1, 2, 0, 1] * 5
    assert np.load(root / "fog.npy").shape == (25, 32, 32, 3)
    flown = load_clips(DataConfig("packed", str(packed), frames=1, stride=1, short_side=32, size=32), 0, tmp_path / "i")
    kept = load_clips(DataConfig("corrupted", str(root), frames=1, stride=1, short_side=32, size=32), 0, tmp_path / "i")
    cells = cells_of(kept, evaluation)
    assert cells == evaluation_cells(evaluation)
    now, before = batches(flown, evaluation, cells), batches(kept, evaluation, cells)
    assert len(now) == 2 * 96
    assert all(torch.equal(a[1], b[1]) for a, b in zip(now, before, strict=True))
    assert [s.label for s in kept.test] == [s.label for s in flown.test]
    _flip(root / "fog.npy", 3000)
    with pytest.raises(DataError, match=r"fog\.npy is damaged.*stage=repair"):
        batches(kept, evaluation, cells)
    _flip(root / "fog.npy", 3000)

    for ours in ("benchmark.json", "samples.parquet", "manifest.parquet", "BENCHMARK.md", "SHA256SUMS"):
        (root / ours).unlink()
    shutil.rmtree(root / "clean")
    published = load_clips(kept.config, 0, tmp_path / "i")
    theirs = cells_of(published, evaluation)
    assert [(cell.corruption, cell.severity) for cell in theirs] == [(c.corruption, c.severity) for c in _sorted(cells)]
    assert {cell.profile for cell in theirs} == {"published"}
    page = run(
        load_config("ucf101_dense", [*MODEL, *IMAGES, "data.source=corrupted", f"data.root={root}", "name=theirs"])
    )
    assert (page / "report.html").exists()  # though no clean accuracy is to be had
    seen = {theirs[cell]: clips for cell, clips, _ in batches(published, evaluation, theirs)[:95]}
    for cell, clips, _ in now[1:96]:
        assert torch.equal(seen[Cell(cells[cell].corruption, "published", cells[cell].severity)], clips)


def _sorted(cells):
    import corruptions

    return sorted(cells[1:], key=lambda cell: (corruptions.names().index(cell.corruption), cell.severity))


@pytest.mark.parametrize("above", ["", "noise/"])
def test_imagenet_c_as_it_unpacks(tmp_path, above):
    for name in ("gaussian_noise", "far_focus"):
        for level in range(1, 6):
            for number, synset in enumerate(("n01440764", "n01443537")):
                folder = tmp_path / "ImageNet-C" / above / name / str(level) / synset
                folder.mkdir(parents=True)
                for k in range(2):
                    Image.fromarray(picture(10 * level + 2 * number + k, 64)).save(folder / f"val_{k}.JPEG", quality=85)
    config = DataConfig("corrupted", str(tmp_path / "ImageNet-C"), frames=1, short_side=64, size=64)
    clips = load_clips(config, 0, tmp_path / "index")
    evaluation = EvaluationConfig()
    cells = cells_of(clips, evaluation)
    assert [(c.corruption, c.severity) for c in cells] == [
        (n, s) for n in ("gaussian_noise", "far_focus") for s in range(1, 6)
    ]
    assert clips.dataset.classes == ("n01440764", "n01443537")
    assert [sample.label for sample in clips.test] == [0, 0, 1, 1]
    made = batches(clips, evaluation, cells)
    shown = np.asarray(Image.open(tmp_path / "ImageNet-C" / above / "far_focus/3/n01443537/val_1.JPEG"))
    assert (made[7][1][3, 0].numpy() == shown).all()
    with pytest.raises(ConfigError, match=r"data.size=48: .*64 x 64 pixels.*another benchmark"):
        cells_of(
            load_clips(DataConfig("corrupted", config.root, frames=1, short_side=64, size=48), 0, tmp_path), evaluation
        )
    shutil.rmtree(tmp_path / "ImageNet-C" / above / "far_focus" / "2" / "n01443537")
    with pytest.raises(DataError, match="has not the class folders of"):
        load_clips(config, 0, tmp_path / "index")


def test_a_tree_of_corrupted_videos(tmp_path):
    videos = {}
    for name in ("fog", "frame_rate"):
        for level in (1, 3):
            for clip in ("Left/a", "Right/b"):
                frames = np.stack(
                    [picture(hash((level, k)) % 1000, 48) for k in range(10 - 4 * (name == "frame_rate"))]
                )
                path = tmp_path / "set" / name / str(level) / f"{clip}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                videos[name, level, clip] = write_video(path, frames, "libx264", {"crf": "10"})
    config = DataConfig("corrupted", str(tmp_path / "set"), frames=4, stride=2, short_side=48, size=48)
    clips = load_clips(config, 0, tmp_path / "index")
    evaluation = EvaluationConfig()
    cells = cells_of(clips, evaluation)
    assert [(c.corruption, c.severity) for c in cells] == [("fog", 1), ("fog", 3), ("frame_rate", 1), ("frame_rate", 3)]
    made = batches(clips, evaluation, cells)
    from vidsparse.data.reading.video_files import VideoReader

    reader = VideoReader(videos["frame_rate", 3, "Right/b"])
    assert (made[3][1][1].numpy() == reader.read([1, 3, 5, 5])).all()  # shorter than the others: its last is held
    small = EvaluationConfig(canvas="source")
    resized = load_clips(DataConfig("corrupted", config.root, frames=4, short_side=32, size=32), 0, tmp_path / "index")
    assert batches(resized, small, cells)[0][1].shape == (2, 4, 32, 32, 3)


def test_a_folder_that_is_no_corrupted_set_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="holds no corrupted set: neither"):
        load_clips(DataConfig("corrupted", str(tmp_path)), 0, tmp_path / "index")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (b"hello", "cannot be read as an array"),
        (np.arange(6), r"holds int64 \(6,\)"),
        (np.zeros(0, np.uint8), r"holds uint8 \(0,\)"),
        (np.tile([0, -1], 5), "numbers of classes in it, from 0"),
        (np.tile([0.5, 1], 5), "holds float64"),
        (np.zeros((10, 1), np.uint8), r"holds uint8 \(10, 1\)"),
    ],
)
def test_labels_that_are_none_are_told(tmp_path, labels, said):
    np.save(tmp_path / "fog.npy", np.zeros((10, 32, 32, 3), np.uint8))
    if isinstance(labels, bytes):
        (tmp_path / "labels.npy").write_bytes(labels)
    else:
        np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(DataError, match=said):
        load_clips(DataConfig("corrupted", str(tmp_path), frames=1), 0, tmp_path / "i")
