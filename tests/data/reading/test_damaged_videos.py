"""Damage that checksums or flags of codec and container show is said, or the frames are right: a small seeded sample.

`tests/soak/test_damage.py` tries some hundred more, also of codecs that carry no checksum.
"""

import pytest

from helpers.damaged_videos import make, trials
from vidsparse.data.reading.decoders import inspect

CHECKED = ("ffv1", "ffv1_avi", "hevc")


def test_undamaged_videos_are_not_called_damaged(tmp_path):
    found = {name: inspect(path) for name, path in make(tmp_path).items()}
    assert {(info.n_frames, info.rate, info.damage, info.error) for info in found.values()} == {(20, 25, "", "")}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKED)
def test_what_carries_checksums_never_gives_wrong_frames_in_silence(tmp_path, name):
    silent = [trial for trial in trials(tmp_path, range(4), (name,)) if trial[3] == "silent"]
    assert not silent


def test_a_matroska_file_that_ends_early_is_damaged(tmp_path):
    path = make(tmp_path, ("ffv1",))["ffv1"]
    content = path.read_bytes()
    for share in (0.3, 0.5, 0.8):
        path.write_bytes(content[: int(len(content) * share)])
        assert inspect(path).damage


def test_cases_made_elsewhere(cases):
    assert "CRC" in inspect(cases("ffv1_flip.mkv")).damage
    assert inspect(cases("mjpeg_insert.avi")).damage


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_frames_whose_times_go_back_are_said(name, tmp_path):
    """A bit of the table of times makes an MP4 give fewer frames, in another order, each of them sound."""
    path = make(tmp_path, (name,))[name]
    content = bytearray(path.read_bytes())
    second = content.find(b"ctts") + 4 + 8 + 8  # after the name, version and count, and the first entry
    content[second] ^= 8  # the second offset counts for all frames that follow
    path.write_bytes(content)
    assert "times" in inspect(path).damage


def test_a_video_that_nothing_here_decodes_is_refused(tmp_path):
    path = make(tmp_path, ("mjpeg",))["mjpeg"]
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZZZZ"))
    assert "no decoder" in inspect(path).error
