"""Videos are shown the way up that their container or stream states, all frames alike; NumPy says what is right."""

import struct

import av
import numpy as np
import pytest

from vidsparse.data.reading.decoders import decode, header, inspect
from vidsparse.data.reading.orientation import of_matrix
from vidsparse.data.reading.video_files import VideoReader

ONE = 1 << 16
SHOWN = {  # (a, b, c, d) of the matrix: what becomes of a picture
    (1, 0, 0, 1): lambda picture: picture,
    (-1, 0, 0, 1): lambda picture: picture[:, ::-1],
    (1, 0, 0, -1): lambda picture: picture[::-1],
    (-1, 0, 0, -1): lambda picture: picture[::-1, ::-1],
    (0, 1, 1, 0): lambda picture: picture.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda picture: picture[::-1, ::-1].transpose(1, 0, 2),
    (0, 1, -1, 0): lambda picture: np.rot90(picture, -1),
    (0, -1, 1, 0): lambda picture: np.rot90(picture),
}


def scenes(n=6, height=48, width=64):
    """Pictures that no turn or mirror maps to themselves."""
    ramp = np.add.outer(2 * np.arange(height), np.arange(width))[..., None] + np.array([0, 20, 40])
    return [np.clip(ramp + 4 * t, 0, 255).astype(np.uint8) for t in range(n)]


def written(path, matrix, codec="mpeg4", options=None, pictures=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25, options={"g": "3", **(options or {})})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        if matrix:
            a, b, c, d = (each * ONE for each in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        for picture in pictures or scenes():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def plain(path):
    return [frame.to_ndarray(format="rgb24").astype(int) for frame in decode(path)]


def check(path, shown, tolerance=3):
    info, stored = inspect(path), plain(path)
    expected = np.stack([shown(picture) for picture in stored])
    assert (info.n_frames, info.height, info.width) == expected.shape[:3]
    assert (header(path).height, header(path).width) == (info.height, info.width)
    for numbers in (range(len(stored)), [4], [1, 5]):
        frames = VideoReader(path, info=info).read(numbers)
        assert np.abs(frames - expected[list(numbers)]).max() <= tolerance
    return info


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("matrix", SHOWN, ids=str)
def test_all_eight_display_matrices(tmp_path, matrix, suffix):
    path = written(tmp_path / f"clip{suffix}", matrix)
    info = check(path, SHOWN[matrix])
    assert not info.damage
    mirrored = matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0
    assert info.decoder == "pyav" or not mirrored, "decord turns but does not mirror"


@pytest.mark.parametrize("matrix", SHOWN, ids=str)
def test_a_matrix_that_also_scales_or_leans_is_the_nearest_of_the_eight(matrix):
    a, b, c, d = (int(each * 3 * ONE) for each in matrix)
    exact = of_matrix(*(each * ONE for each in matrix[:2]), 0, *(each * ONE for each in matrix[2:]), 0, 0, 0, 1 << 30)
    assert of_matrix(a + 900, b - 900, 0, c + 900, d + 900, 0, 7, 9, 1 << 30) == exact


def sei(hflip=0, vflip=0, quarters=0, repetition="1", header=b"\x06"):
    """The NAL unit of a display orientation message (H.264, D.1.27): not cancelled, mirrors, anticlockwise turn."""
    bits = f"0{hflip}{vflip}{quarters * 1 << 14:016b}{repetition}0" + "1"  # the last 1 aligns the payload
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    body = bytes([47, len(payload)]) + payload + b"\x80"
    for zeros in (b"\0\0\0", b"\0\0\1", b"\0\0\2", b"\0\0\3"):
        body = body.replace(zeros, b"\0\0\3" + zeros[2:])
    return b"\0\0\0\1" + header + body


def with_sei(source, target, message, key=b"\0\0\1\x65"):
    """The stream of an MPEG-TS with a message before the slices of each key frame; `message` of its number."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as container:
        copied, keys = container.add_stream_from_template(whole.streams.video[0]), 0
        for packet in whole.demux(video=0):
            if packet.dts is None:
                continue
            data = bytes(packet)
            if packet.is_keyframe:
                at = data.index(key)
                data, keys = data[:at] + message(keys) + data[at:], keys + 1
            other = av.Packet(data)
            other.pts, other.dts, other.time_base, other.is_keyframe = (
                packet.pts,
                packet.dts,
                packet.time_base,
                packet.is_keyframe,
            )
            other.stream = copied
            container.mux(other)
    return target


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """H.264 with B-frames, a key frame every three, no orientation."""
    return written(tmp_path_factory.mktemp("ts") / "plain.ts", None, "libx264", {"crf": "10", "bf": "1"})


@pytest.mark.parametrize(
    ("message", "matrix"),
    [
        (sei(quarters=2), (-1, 0, 0, -1)),
        (sei(hflip=1), (-1, 0, 0, 1)),
        (sei(vflip=1), (1, 0, 0, -1)),
        (sei(quarters=1), (0, -1, 1, 0)),
        (sei(quarters=3), (0, 1, -1, 0)),
        (sei(quarters=2, repetition="010"), (-1, 0, 0, -1)),
    ],
    ids=["half", "hflip", "vflip", "anticlockwise", "clockwise", "half, of one picture"],
)
def test_the_orientation_in_a_stream_is_that_of_all_its_frames(tmp_path, stream, message, matrix):
    path = with_sei(stream, tmp_path / "turned.ts", lambda number: message)
    assert not check(path, SHOWN[matrix], 6).damage


def test_an_orientation_that_changes_is_said_and_the_first_is_shown(tmp_path, stream):
    path = with_sei(stream, tmp_path / "changes.ts", lambda number: sei(hflip=1) if number else sei(quarters=2))
    assert "its orientation changes at frame" in check(path, SHOWN[-1, 0, 0, -1], 6).damage


def test_the_orientation_in_an_h265_stream(tmp_path):
    options = {"crf": "10", "x265-params": "log-level=none:bframes=0:keyint=3:min-keyint=3:no-open-gop=1"}
    path = written(tmp_path / "plain.ts", None, "libx265", options)
    message = sei(hflip=1, header=b"\x4e\x01")
    assert not check(
        with_sei(path, tmp_path / "h265.ts", lambda number: message, b"\0\0\1\x28"), SHOWN[-1, 0, 0, 1], 6
    ).damage


def test_cases_made_elsewhere(cases):
    assert not check(cases("mirrored_hflip.mp4"), SHOWN[-1, 0, 0, 1]).damage
    assert not check(cases("sei_rot180.ts"), SHOWN[-1, 0, 0, -1], 6).damage


def test_a_matrix_is_read_in_the_order_in_which_it_is_stored(cases):
    frame = next(decode(cases("mirrored_hflip.mp4")))
    assert struct.unpack("=9i", bytes(frame.side_data.get(av.sidedata.sidedata.Type.DISPLAYMATRIX)))[0] == -ONE
