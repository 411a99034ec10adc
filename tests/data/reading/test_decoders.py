import shutil
from fractions import Fraction

import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import DAMAGES, damage, write_video
from vidsparse.data.reading.decoders import Scaler, VideoInfo, decode, header, inspect, open_decord, read_pyav
from vidsparse.utils.errors import ClipDecodeError

# kind: (frames that can be read, decoder, (height, width)), of a clip of 40 frames, 72 x 96, a key frame every 12
OUTCOMES = {
    "truncated": (range(1, 39), "pyav|decord", (72, 96)),
    "bit_flipped": (range(30, 41), "pyav", (72, 96)),
    "empty": (range(1), "", (0, 0)),
    "no_key_frame": (range(28, 29), "pyav", (72, 96)),
    "one_frame": (range(1, 2), "decord", (72, 96)),
    "odd_size": (range(40, 41), "decord", (71, 95)),
    "rotated": (range(40, 41), "decord", (96, 72)),
    "two_streams": (range(40, 41), "decord", (72, 96)),
}


def rgb(path, height, width):
    scale = Scaler(height, width)
    return np.stack([scale(frame) for frame in decode(path)])


def test_every_damage_has_an_outcome():
    assert set(OUTCOMES) == set(DAMAGES)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_files(avi, tmp_path, kind):
    """Frames as counted come from both readers alike, or one sentence names the file."""
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), kind)
    frames, decoders, size = OUTCOMES[kind]
    info = inspect(path)
    assert info.n_frames in frames
    assert (info.height, info.width) == size
    assert info.decoder in decoders.split("|")
    if kind == "empty":
        assert str(path) in info.error
        with pytest.raises(ClipDecodeError, match=r"clip\.empty\.avi: "):
            header(path)
        return
    got = read_pyav(path, range(info.n_frames), 48, 64)
    assert len(np.unique(got.reshape(len(got), -1), axis=0)) == len(got), "a frame was repeated"
    if info.decoder == "decord":
        assert_close(open_decord(path, 48, 64).get_batch(range(info.n_frames)).asnumpy(), got)


def test_no_key_frame_starts_at_the_next_one(avi, tmp_path):
    path = damage(shutil.copy(avi, tmp_path / "clip.avi"), "no_key_frame")
    assert np.abs(rgb(path, 72, 96).astype(int) - rgb(avi, 72, 96)[12:]).mean() < 1


def assert_close(frames, expected):
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).max() <= 2


def test_info_of_a_clean_clip(avi, h264):
    assert inspect(avi) == inspect(h264) == VideoInfo(40, Fraction(25), 72, 96, "decord")


@pytest.mark.parametrize("size", [(72, 96), (48, 64), (36, 50), (100, 134)])
def test_both_decoders_agree_at_any_size(avi, h264, size):
    for path in (avi, h264):
        assert_close(open_decord(path, *size).get_batch(range(40)).asnumpy(), rgb(path, *size))


def test_decoded_frames_are_what_was_written(h264, moving_pictures):
    difference = np.abs(rgb(h264, 72, 96).astype(int) - moving_pictures())
    assert difference.mean() < 6  # compression; the next frame differs by far more
    assert np.abs(np.diff(moving_pictures().astype(int), axis=0)).mean() > 12


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("libx264", ".avi", {}),  # no timestamps: decord is off everywhere
        ("mpeg4", ".avi", {"bf": "2"}),  # B-frames: decord is off, and the last frame depends on a race
        ("mpeg4", ".mp4", {"bf": "1"}),
        ("libx265", ".mp4", {"x265-params": "log-level=none:open-gop=1:keyint=12:min-keyint=12"}),
    ],
    ids=["h264 in avi", "mpeg4 B-frames in avi", "mpeg4 B-frames in mp4", "h265 open groups"],
)
def test_streams_that_decord_reads_wrongly_without_an_error_are_left_to_pyav(
    tmp_path, moving_pictures, codec, suffix, options
):
    path = write_video(tmp_path / f"clip{suffix}", moving_pictures(), codec, options)
    info = inspect(path)
    assert (info.n_frames, info.decoder) == (40, "pyav")


def test_absent_frames_and_files_are_named(avi, tmp_path):
    with pytest.raises(ClipDecodeError, match=r"clip\.avi: frame 40 was asked for"):
        read_pyav(avi, [3, 40], 48, 64)
    (tmp_path / "text.avi").write_text("no video")
    for name in ("text.avi", "absent.avi"):
        assert name in inspect(tmp_path / name).error
        assert inspect(tmp_path / name).n_frames == 0


def test_a_file_without_pictures(tmp_path):
    import av

    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", 16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode()])
    assert "no video stream" in inspect(tmp_path / "sound.mp4").error
