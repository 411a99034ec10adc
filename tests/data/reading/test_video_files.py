import logging
import multiprocessing
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.datasets.sample_videos import damage
from vidsparse.data.reading import video_files
from vidsparse.data.reading.decoders import DECORD_FAILS_AT, VideoInfo, inspect, open_decord, read_pyav
from vidsparse.data.reading.video_files import VideoReader, output_size
from vidsparse.utils.errors import ClipDecodeError, MachineError


def known(decoder):
    """What the index knows of the clips of this file's fixtures, but for who is to read them."""
    return VideoInfo(40, Fraction(25), 72, 96, decoder)


@given(st.integers(16, 4000), st.integers(16, 4000), st.integers(8, 256).map(lambda half: 2 * half))
def test_output_sides_are_even_and_keep_the_aspect(height, width, short_side):
    out = output_size(height, width, short_side)
    assert min(out) == short_side
    assert out[0] % 2 == out[1] % 2 == 0
    assert abs(max(out) - max(height, width) * short_side / min(height, width)) <= 1
    assert output_size(height, width, None) == (height, width)


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_one_read_of_many_frames_equals_many_reads_of_one(avi, decoder):
    indices = [39, 3, 3, 17, 0, 39, 18]
    reader = VideoReader(avi, 48, info=known(decoder))
    frames = reader.read(indices)
    assert frames.dtype == np.uint8
    assert frames.shape == (7, 48, 64, 3) == (7, reader.height, reader.width, 3)
    assert frames.flags.c_contiguous
    assert frames.flags.writeable
    np.testing.assert_array_equal(frames, np.concatenate([reader.read([index]) for index in indices]))
    assert (reader.decoder, reader.fell_back, reader.fps) == (decoder, False, 25.0)


def test_the_decoders_agree(avi, h264):
    for path in (avi, h264):
        one, other = (VideoReader(path, 48, info=known(name)).read(range(40)) for name in ("decord", "pyav"))
        assert np.abs(one.astype(int) - other).max() <= 2


def test_an_open_reader_can_be_asked_again_and_again(avi, h264):
    rng = np.random.default_rng(0)
    for path in (avi, h264):
        expected = VideoReader(path, 48, info=known("pyav")).read(range(40)).astype(int)
        reader = VideoReader(path, 48, info=known("decord"))
        for _ in range(25):
            wanted = np.append(rng.choice(40, rng.integers(1, 9)), 39 * rng.integers(0, 2))
            assert np.abs(reader.read(wanted) - expected[wanted]).max() <= 2
        assert not reader.fell_back


def test_frames_come_in_the_order_of_time(avi, moving_pictures):
    frames = VideoReader(avi, info=known("decord")).read(range(40)).astype(int)
    errors = np.array([[np.abs(frame - picture).mean() for picture in moving_pictures()] for frame in frames])
    assert errors.argmin(axis=1).tolist() == list(range(40))


@pytest.mark.parametrize("indices", [[40], [-1], []])
def test_frames_that_do_not_exist(avi, indices):
    with pytest.raises(IndexError, match="of a video of 40 frames"):
        VideoReader(avi, 48).read(indices)


def test_what_decord_cannot_read_goes_to_pyav_and_is_told_once(avi, tmp_path, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("decord is not well")

    path = shutil.copy(avi, tmp_path / "clip.avi")
    expected = VideoReader(path, 48, info=known("pyav")).read([5, 1])
    monkeypatch.setattr(video_files, "open_decord", broken)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            reader = VideoReader(path, 48, info=known("decord"))
            np.testing.assert_array_equal(reader.read([5, 1]), expected)
            assert reader.fell_back
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: decord failed (RuntimeError), PyAV reads what decord cannot"
    ]


def test_fewer_frames_than_asked_is_a_failure_of_decord(avi, tmp_path, monkeypatch):
    class Short:
        def get_batch(self, wanted):
            return self

        def asnumpy(self):
            return np.zeros((1, 48, 64, 3), np.uint8)

    monkeypatch.setattr(video_files, "open_decord", lambda *_: Short())
    reader = VideoReader(shutil.copy(avi, tmp_path / "clip.avi"), 48, info=known("decord"))
    assert reader.read([0, 1]).any()
    assert reader.fell_back


def test_who_reads_a_frame_does_not_depend_on_what_was_read_before(avi, monkeypatch):
    """decord refuses frame 7 here, and an open reader that has given the last frame refuses all."""
    by_pyav = read_pyav(avi, range(40), 48, 64)

    class Moody:
        def __init__(self, *_):
            self.well = True

        def get_batch(self, wanted):
            if 7 in wanted or not self.well:
                raise RuntimeError("not this one")
            self.wanted, self.well = wanted, 39 not in wanted
            return self

        def asnumpy(self):
            return by_pyav[self.wanted] ^ 1  # who reads must be seen

    monkeypatch.setattr(video_files, "open_decord", Moody)
    asked = [[0, 1], [6, 7], [0, 1], [39], [2], [6, 7, 8], [8, 9], [7], [39], [39]]
    one = VideoReader(avi, 48, known("decord"))
    for wanted in [*asked, *asked[::-1]]:
        fresh = VideoReader(avi, 48, known("decord")).read(wanted)
        np.testing.assert_array_equal(one.read(wanted), fresh)
        np.testing.assert_array_equal(fresh, by_pyav[wanted] ^ (7 not in wanted))


def test_a_size_that_decord_cannot_give_is_read_by_pyav_each_time(avi, caplog, monkeypatch):
    """decord 0.6.0 fails at a width of 48 pixels: it is not asked, and nothing is printed a video."""
    monkeypatch.setattr(video_files, "open_decord", lambda *_: pytest.fail("decord was asked"))
    reader = VideoReader(avi, 36, known("decord"))
    for wanted in ([0, 5], [5, 39]):
        np.testing.assert_array_equal(reader.read(wanted), read_pyav(avi, wanted, 36, 48))
        assert reader.fell_back
    assert not caplog.records


def test_the_widths_at_which_decord_fails_are_those_that_are_said(avi):
    """Whatever the height; each of them, and their neighbours."""
    pytest.importorskip("decord")
    for width in sorted({beside + step for beside in DECORD_FAILS_AT for step in (-1, 0, 1)} - {0, 1}):
        try:
            open_decord(avi, 34, width).get_batch([0]).asnumpy()
            failed = False
        except Exception:
            failed = True
        assert failed == (width in DECORD_FAILS_AT), width


def test_widths_that_decord_cannot_give_are_said_once_for_all_clips(avi, tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
        for name in "xyz":
            shutil.copy(avi, tmp_path / part / "a" / f"{name}.avi")
    for side, widths in ((36, [48]), (48, [])):
        config = DataConfig(source="folder", root=str(tmp_path), frames=2, short_side=side, size=32)
        assert load_clips(config, 0, tmp_path / "index").widths_without_decord == widths


def test_a_truncated_file_that_the_index_believed_whole_is_named(avi, tmp_path):
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), "truncated")
    with pytest.raises(ClipDecodeError, match=r"clip\.truncated\.avi: frame 39 was asked for"):
        VideoReader(path, 48, info=known("decord")).read([0, 39])


@pytest.mark.parametrize("kind", ["empty", "absent"])
def test_a_file_that_nobody_can_read_is_named(avi, tmp_path, kind):
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), "empty") if kind == "empty" else tmp_path / "clip.absent.avi"
    for info in (None, known("decord")):
        counted = kind == "absent" and info is not None  # it was there when the data set was listed
        expected = (MachineError, "No such file") if counted else (ClipDecodeError, "cannot be opened as a video")
        with pytest.raises(expected[0], match=rf"clip\.{kind}\.avi: {expected[1]}"):
            VideoReader(path, 48, info).read([0])


def test_rotated_pictures_stand_upright(avi, tmp_path):
    """The container says: a quarter turn counter-clockwise."""
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), "rotated")
    upright = np.rot90(VideoReader(avi, 36).read(range(40)), 1, axes=(1, 2)).astype(int)
    for decoder in ("decord", "pyav"):
        reader = VideoReader(path, 36, info=replace(inspect(path), decoder=decoder))
        frames = reader.read(range(40))
        assert (reader.decoder, frames.shape) == (decoder, (40, 48, 36, 3))
        assert np.abs(frames - upright).mean() < 8  # it was compressed twice


def test_the_better_of_two_streams_is_read(avi, tmp_path):
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), "two_streams")
    for decoder in ("decord", "pyav"):
        frames = VideoReader(path, info=known(decoder)).read([0, 20])
        assert frames.shape == (2, 72, 96, 3)
        assert frames.mean() > 50


def _read_in_child(reader, answers):
    answers.put(reader.read([7]).sum())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_reader_that_was_used_before_a_fork_reads_after_it(avi):
    """A decoder of decord that stays open hangs in the child: none does."""
    reader = VideoReader(avi, 48, info=known("decord"))
    expected = reader.read([7]).sum()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_read_in_child, args=(reader, answers), daemon=True)
    child.start()
    assert answers.get(timeout=20) == expected
    child.join(20)
    assert child.exitcode == 0


def test_readers_leave_no_threads_and_no_open_files(avi, h264):
    def open_here():
        return len(list(Path("/proc/self/task").iterdir())), len(list(Path("/proc/self/fd").iterdir()))

    readers = [VideoReader(path, 48, info=known(who)) for path in (avi, h264) for who in ("decord", "pyav")]
    for reader in readers:
        reader.read([0, 20])
    before = open_here()
    for _ in range(20):
        for reader in readers:
            reader.read([1, 39])
    assert open_here() == before


def test_without_an_index_the_reader_looks_for_itself(h264):
    reader = VideoReader(h264, 48)
    assert (reader.n_frames, reader.decoder) == (inspect(h264).n_frames, "decord")
