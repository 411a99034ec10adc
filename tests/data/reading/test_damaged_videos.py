"""Damage that checksums or flags of codec and container show is said, or the frames are right: a small seeded sample.

`tests/soak/test_damage.py` tries some hundred more, also of codecs that carry no checksum.
"""

from fractions import Fraction

import av
import numpy as np
import pytest

from helpers.damaged_videos import make, pictures, trials
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


def packets(path):
    """Where each packet stands in the file, and its size; in AVI a head of 8 bytes stands before it."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("name", ["ffv1_avi", "mjpeg", "mpeg4"])
@pytest.mark.parametrize("how", ["all of it", "its head", "the head is another's", "the end of the file"])
def test_one_packet_that_an_avi_has_lost_is_said(tmp_path, name, how):
    path = make(tmp_path, (name,))[name]
    content, (start, size) = path.read_bytes(), packets(path)[10]
    head, last = start - 8, packets(path)[-1][0] - 8
    path.write_bytes(
        {
            "all of it": content[:head] + content[start + size + size % 2 :],
            "its head": content[:head] + content[start + 20 :],
            "the head is another's": content[:head] + b"zzzz" + content[head + 4 :],
            "the end of the file": content[:last],
        }[how]
    )
    assert inspect(path).n_frames == 19
    assert inspect(path).damage.startswith("19 of 20 frames")


@pytest.mark.parametrize("name", ["mjpeg", "mpeg4", "h264"])
def test_an_mp4_whose_last_packet_is_cut_off_is_damaged(tmp_path, name):
    source, path = make(tmp_path, (name,))[name], tmp_path / "first.mp4"
    with av.open(str(source)) as one, av.open(str(path), "w", options={"movflags": "faststart"}) as other:
        stream = other.add_stream_from_template(one.streams.video[0])
        for packet in one.demux(video=0):
            if packet.size:
                packet.stream = stream
                other.mux(packet)
    assert not inspect(path).damage
    path.write_bytes(path.read_bytes()[: packets(path)[-1][0]])
    assert "19 of 20 frames" in inspect(path).damage


@pytest.mark.parametrize("encoder", ["ffv1", "mjpeg", "mpeg4", "libx264"])
def test_an_avi_that_shows_frames_longer_has_lost_none(tmp_path, encoder):
    """Its head counts the empty packets too, which show the frame before once more."""
    path = tmp_path / "slow.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, 25)
        stream.height, stream.width, stream.pix_fmt = 52, 64, "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        for number, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number + 3 * (number > 8) + 2 * (number > 15), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert (inspect(path).n_frames, inspect(path).damage) == (20, "")


@pytest.mark.parametrize("name", ["ffv1", "ffv1_avi"])
@pytest.mark.parametrize("part", [1, 0.6])
def test_a_hole_of_zeros_in_ffv1_is_said(tmp_path, name, part):
    """The checksum of zeros is zero, so that slices of them fit theirs."""
    path = make(tmp_path, (name,))[name]
    content, (start, size) = bytearray(path.read_bytes()), packets(path)[10]
    start, size = (start + 4, size - 4) if name == "ffv1" else (start, size)  # the head of the block stays
    content[start : start + int(size * part)] = bytes(int(size * part))
    path.write_bytes(content)
    assert inspect(path).damage


@pytest.mark.parametrize("options", [{"level": "3", "slicecrc": "0"}, {"level": "1"}, {"level": "3", "slices": "24"}])
@pytest.mark.parametrize("dark", [False, True])
def test_sound_ffv1_of_every_kind_has_no_holes(tmp_path, options, dark):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25, options=options)
        stream.height, stream.width, stream.pix_fmt = 52, 64, "yuv420p"
        for picture in pictures(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.where(dark, 0, picture).astype("u1"), "rgb24")))
        container.mux(stream.encode())
    assert (inspect(path).n_frames, inspect(path).damage) == (4, "")


def test_the_same_fault_in_two_files_is_said_of_both(tmp_path):
    """FFmpeg's log leaves out a message that is that of before."""
    path = make(tmp_path, ("ffv1",))["ffv1"]
    content, start = bytearray(path.read_bytes()), packets(path)[19][0]
    content[start : start + 900] = bytes(900)
    for name in ("one.mkv", "two.mkv", "three.mkv"):
        (tmp_path / name).write_bytes(content)
        assert inspect(tmp_path / name).damage, name
