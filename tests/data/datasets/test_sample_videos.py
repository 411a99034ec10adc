import hashlib
import os
from fractions import Fraction

import cv2
import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import SAMPLE_CLASSES, ensure_sample
from vidsparse.data.datasets.sources import load_dataset, mirrored
from vidsparse.data.reading.decoders import VideoInfo, decode, inspect
from vidsparse.data.reading.video_files import VideoReader

READ_BY_PYAV = VideoInfo(40, Fraction(25), 72, 96, "pyav")


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return ensure_sample(tmp_path_factory.mktemp("sample"))


def hashes(root):
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*.*")}


def frames(root, name, group=4, clip=1):
    return VideoReader(root / f"videos/{name}/v_{name}_g{group:02d}_c{clip:02d}.avi", info=READ_BY_PYAV)


def grey(root, name, indices, **which):
    return frames(root, name, **which).read(indices).astype(float).mean(axis=-1)


def shift(one, other):
    """(dy, dx) by which the content of `one` moved, by phase correlation."""
    spectrum = np.fft.fft2(other) * np.fft.fft2(one).conj()
    peak = np.fft.ifft2(spectrum / (np.abs(spectrum) + 1e-9)).real
    dy, dx = np.unravel_index(peak.argmax(), peak.shape)
    return (dy + 36) % 72 - 36, (dx + 48) % 96 - 48


@pytest.mark.slow
def test_two_makings_give_the_same_bytes(root, tmp_path):
    assert hashes(ensure_sample(tmp_path)) == hashes(root)
    assert len(hashes(root)) == 8 * 22 + 7


def test_it_is_made_once(root, monkeypatch):
    monkeypatch.setenv("VIDSPARSE_CACHE", str(root.parent))
    before = root.stat().st_mtime_ns
    assert ensure_sample() == root
    assert root.stat().st_mtime_ns == before
    assert list(root.parent.iterdir()) == [root]


def test_a_cache_that_cannot_be_written_is_passed_over(root, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "file/cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = tmp_path / f"vidsparse-{os.getuid()}"
    target.mkdir()
    (target / root.name).symlink_to(root)
    assert ensure_sample() == target / root.name


@pytest.mark.parametrize("split", [1, 2, 3])
def test_it_is_a_ucf101_tree(root, split):
    data = load_dataset("ucf101", root, split, "error")
    assert data.classes == SAMPLE_CLASSES
    assert [len(data.train), len(data.test)] == [8 * 16, 8 * 6]
    assert {s.label for s in data.train} == {s.label for s in data.test} == set(range(8))
    assert not {s.group for s in data.train} & {s.group for s in data.test}
    tested = {s.group[-3:] for s in data.test}
    assert tested == {f"g{group:02d}" for group in range(3 * split - 2, 3 * split + 1)}


def test_clips_are_tagged_like_ucf101_and_read_by_decord(root):
    path = root / "videos/Sway/v_Sway_g01_c01.avi"
    assert b"XVID" in path.read_bytes()[:400]
    info = inspect(path)
    assert (info.decoder, info.rate, info.height, info.width) == ("decord", 25, 72, 96)
    lengths = [sum(1 for _ in decode(p)) for p in sorted((root / "videos/Bounce").iterdir())]
    assert 40 <= min(lengths) < max(lengths) <= 60


@pytest.mark.parametrize("group", [1, 7])
def test_motion_is_what_the_name_says(root, group):
    def spin(name):  # degrees by which the first picture must be turned to look like the later one
        first, later = grey(root, name, [18, 22], group=group)

        def error(degrees):
            turn = cv2.getRotationMatrix2D((47.5, 35.5), degrees, 1)
            return np.abs(cv2.warpAffine(first, turn, (96, 72)) - later)[16:-16, 24:-24].mean()

        return min(range(-24, 25, 2), key=error)

    left, right = (
        np.median([shift(*grey(root, name, [t, t + 2], group=group))[1] for t in (8, 16, 24)])
        for name in ("DriftLeft", "DriftRight")
    )
    assert -5 < left < -1
    assert 1 < right < 5
    assert 6 < spin("SpinCounterclockwise") < 24  # OpenCV: positive is counter-clockwise
    assert -24 < spin("SpinClockwise") < -6

    def detail(name):  # magnified texture has less
        early, late = (np.abs(np.diff(picture, axis=1)).mean() for picture in grey(root, name, [2, 36], group=group))
        return late / early

    assert detail("ZoomIn") < 0.9
    assert detail("ZoomOut") > 1.1


def test_pairs_share_their_look_and_colour_does_not_tell_classes_apart(root):
    data = load_dataset("ucf101", root, 1, "error")
    colours = {s.id: VideoReader(s.path, 16, info=READ_BY_PYAV).read([10, 30]).mean((0, 1, 2)) for s in data.train}
    by_class = np.stack([[colours[s.id] for s in data.train if s.label == k] for k in range(8)])  # (8, 16, 3)
    between, within = by_class.mean(axis=1).std(axis=0), by_class.std(axis=1).mean(axis=0)
    assert (between < within).all()
    turned = {SAMPLE_CLASSES[label] for label in mirrored(SAMPLE_CLASSES)}
    assert turned == {"DriftLeft", "DriftRight", "SpinClockwise", "SpinCounterclockwise"}


def test_textures_have_natural_statistics(root):
    """Power falls with frequency: the spectral slope of amplitude lies where photographs have it, roughly -1."""
    window = np.hanning(72)[:, None] * np.hanning(72)
    slopes = {}
    for name in SAMPLE_CLASSES:
        pictures = np.concatenate([grey(root, name, [5, 25], group=g)[:, :, 12:84] for g in (1, 4, 8)])
        amplitude = np.abs(np.fft.fft2((pictures - pictures.mean((1, 2), keepdims=True)) * window)).mean(axis=0)
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(72), np.fft.fftfreq(72)))
        bins = [amplitude[(radius >= low) & (radius < 1.5 * low)].mean() for low in (0.04, 0.06, 0.09, 0.135, 0.2)]
        slopes[name] = np.polyfit(np.log([0.05, 0.075, 0.1125, 0.169, 0.25]), np.log(bins), 1)[0]
    assert all(-2 < slope < -0.4 for slope in slopes.values()), slopes
