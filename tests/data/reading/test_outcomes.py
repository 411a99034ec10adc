"""What `VideoReader` makes of every damaged file and of every awkward real one: a table, printed by `pytest -s`.

Each frame is compared with a decode that shares nothing with the reader but PyAV itself, at the file's own size.
Exact: all frames, none off by more than 2 grey levels. Alike: more than 8 bits, where the ways to interpolate colour
differ; each frame is still nearest to its own. Damaged: what is there, exact, and the index says what is not.
"""

import shutil

import av
import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import DAMAGES, damage
from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import ClipDecodeError

# kind: (who reads it, outcome) as MPEG-4 in AVI and as H.264 in MP4. decord cannot read pictures 72 pixels wide
MADE = {
    "truncated": (("pyav or decord", "damaged"), ("nobody", "error")),
    "bit_flipped": (("pyav", "damaged"), ("pyav", "damaged")),
    "empty": (("nobody", "error"), ("nobody", "error")),
    "no_key_frame": (("pyav", "damaged"), ("pyav", "damaged")),
    "one_frame": (("decord", "exact"), ("decord", "exact")),
    "odd_size": (("decord", "exact"), ("decord", "exact")),
    "rotated": (("pyav after decord", "exact"), ("pyav after decord", "exact")),
    "two_streams": (("decord", "exact"), ("decord", "exact")),
}

# file: (who reads it, outcome, frames, (height, width) upright)
REAL = {
    "decord/corrupted.mp4": ("pyav", "damaged", 49, (720, 1280)),
    "decord/flipping_a_pancake.mkv": ("decord", "exact", 310, (240, 426)),
    "decord/unordered.mov": ("decord", "exact", 4, (50, 50)),
    "decord/video_0.mov": ("decord", "exact", 3, (320, 568)),
    "decord/video_90.mov": ("decord", "exact", 3, (568, 320)),
    "decord/video_180.mov": ("decord", "exact", 3, (320, 568)),
    "decord/video_270.mov": ("decord", "exact", 3, (568, 320)),
    "kinetics_demo/mmaction2_demo.mp4": ("decord", "exact", 280, (256, 340)),
    "kinetics_demo/mmaction2_test.mp4": ("decord", "exact", 300, (256, 340)),
    "kinetics_demo/paddlevideo_example.avi": ("decord", "exact", 131, (240, 320)),
    "torchcodec/av1_video.mkv": ("pyav", "exact", 125, (360, 640)),  # decord has no AV1
    "torchcodec/bt709_full_range.mp4": ("decord", "exact", 30, (720, 1280)),
    "torchcodec/h264_10bits.mp4": ("decord", "alike", 30, (200, 200)),
    "torchcodec/h265_10bits.mp4": ("pyav", "alike", 30, (200, 200)),
    "torchcodec/h265_video.mp4": ("pyav", "exact", 10, (128, 128)),  # decord gives the next frame after a seek
    "torchcodec/nasa_13013.mp4": ("decord", "exact", 390, (270, 480)),  # the second, larger stream
}


def plain_decode(path):
    """All pictures that the decoder gives for the best stream, from the first key frame on."""
    pictures, started = [], False
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        stream.thread_type = "NONE"  # how lost parts are concealed depends on it
        for packet in container.demux(stream):
            started = started or packet.is_keyframe
            try:
                frames = packet.decode() if started else ()
            except av.FFmpegError:
                continue
            pictures += [np.rot90(f.to_ndarray(format="rgb24"), f.rotation // 90) for f in frames]
    return pictures


def repeats(pictures):
    return [i for i in range(1, len(pictures)) if np.array_equal(pictures[i - 1], pictures[i])]


def outcome(path):
    """(who read it, what came of it, frames), after checking each frame that came."""
    info = inspect(path)
    try:
        reader = VideoReader(path, info=info)
        frames = reader.read(range(reader.n_frames))
    except ClipDecodeError as error:
        return "nobody", "error" if str(path) in str(error) else f"error without a name: {error}", 0
    expected = plain_decode(path)
    assert len(frames) == info.n_frames == len(expected)
    assert repeats(frames) == repeats(expected)
    check_that_order_does_not_matter(path, info, frames)
    pairs = zip(frames, expected, strict=True)
    exact = max((np.maximum(one, two) - np.minimum(one, two)).max() for one, two in pairs) <= 2
    if not exact:
        small = [np.stack(each)[:, ::4, ::4].astype(int) for each in (frames, expected)]
        nearest = [np.abs(small[1] - one).mean((1, 2, 3)).argmin() for one in small[0]]
        assert nearest == list(range(len(frames)))
    who = f"pyav after {reader.decoder}" if reader.fell_back else reader.decoder
    return who, "damaged" if exact and info.damage else "exact" if exact else "alike", len(frames)


def check_that_order_does_not_matter(path, info, frames):
    """A reader that has sought to and fro gives the very bytes of one pass."""
    rng = np.random.default_rng(0)
    reader = VideoReader(path, info=info)
    for _ in range(4):
        wanted = rng.integers(0, len(frames), 5)
        np.testing.assert_array_equal(reader.read(wanted), frames[wanted])


def show(path, row):
    print(f"\n{path.name:24} {row[0]:18} {row[1]:8} {row[2]:4} frames", end="")


def test_every_damage_has_a_row():
    assert set(MADE) == set(DAMAGES)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("container", ["avi", "mp4"])
def test_damaged_files_give_the_right_frames_or_a_named_error(avi, h264, tmp_path, kind, container):
    whole = avi if container == "avi" else h264
    path = damage(shutil.copy(whole, tmp_path / whole.name), kind)
    row = outcome(path)
    show(path, row)
    who, what = MADE[kind][container == "mp4"]
    assert row[0] in who.split(" or ")
    assert row[1] == what
    if what == "exact":  # the pictures all differ: no damage, no frame twice
        assert not repeats(VideoReader(path).read(range(row[2])))


def test_every_real_file_has_a_row(shared):
    folder = shared("videos")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} == set(REAL)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_awkward_real_files_give_the_right_frames(shared, name):
    path = shared(f"videos/{name}")
    row = outcome(path)
    show(path, row)
    info = inspect(path)
    assert (*row, (info.height, info.width)) == REAL[name]
