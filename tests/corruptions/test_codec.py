import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import corruptions
from corruptions import CorruptionError, MissingFrames, corrupt, damaged_frames, frames_needed
from corruptions import codec as codecs
from corruptions.motion import Scene
from corruptions.registry import names
from corruptions.severities import TABLES

Frames = NDArray[np.uint8]
DAMAGED = ("bit_error", "packet_loss", "ts_loss")
CODED = tuple(name for name in names("codec") if name not in DAMAGED)


@pytest.fixture(scope="module")
def film(clip: Frames) -> Frames:
    """60 frames of a texture that moves by (1, 2) pixels a frame: more than one group of pictures."""
    return np.stack([np.roll(clip[0], (t, 2 * t), (0, 1)) for t in range(60)])


def psnr(clean: Frames, made: Frames) -> float:
    return float(10 * np.log10(255**2 / ((made.astype(float) - clean) ** 2).mean()))


def scene(n_frames: int, name: str = "h264_crf") -> Scene:
    return Scene("k", name, tuple(range(n_frames)), "static", 0.5, 25, 1)


# steps that coarsen: published quantisers pass the codec's 31, and low rates of a small picture its coarsest
STEPS = {"h264_crf": 4, "h265_crf": 4, "h264_abr": 2, "h265_abr": 2, "mpeg2": 1, "mpeg4": 1}


@pytest.mark.parametrize("name", CODED)
def test_quality_falls_with_severity(film: Frames, name: str) -> None:
    source = np.tile(film[:24], (1, 2, 2, 1))
    quality = [psnr(source, corrupt(source, name, severity)) for severity in range(1, 6)]
    assert np.all(np.diff(quality) < 0.1)
    assert np.all(np.diff(quality)[: STEPS[name]] < -0.5)
    assert 45 > quality[0] > quality[-1] > 12


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_grows_with_severity_and_hits_something(film: Frames, name: str) -> None:
    quality = np.array([[psnr(film, corrupt(film, name, s, k)) for s in range(1, 6)] for k in "abc"])
    assert np.all(np.diff(quality.mean(axis=0)) <= 0)
    assert np.all(quality[:, 0] > quality[:, 4])
    undamaged = np.stack([frame for frame, _ in codecs._recode(film, codecs.H264, scene(60), codecs._SLICED)])
    made = corrupt(film, name, 1, "a")
    assert np.array_equal(made[0], undamaged[0])
    assert not np.array_equal(made, undamaged)


def test_damage_ends_at_the_next_key_frame(film: Frames) -> None:
    undamaged = np.stack([frame for frame, _ in codecs._recode(film, codecs.H264, scene(60), codecs._SLICED)])
    for key in "abcdef":
        hit = damaged_frames(film, "packet_loss", 1, key)
        made = corrupt(film, "packet_loss", 1, key)
        assert np.array_equal(made[: hit.argmax()], undamaged[: hit.argmax()])
        if not hit[48:].any():
            assert np.array_equal(made[48:], undamaged[48:])
            break
    else:
        pytest.fail("every key hit the second group of pictures")


@pytest.mark.parametrize("name", DAMAGED)
def test_frames_with_damaged_data_are_flagged(film: Frames, name: str) -> None:
    flags = [damaged_frames(film, name, severity, "a") for severity in range(6)]
    assert [flag.shape for flag in flags] == [(60,)] * 6
    assert not flags[0].any()
    assert not flags[5][0]
    assert 1 <= flags[1].sum() < flags[5].sum() < 60
    assert not damaged_frames(film, "h264_crf", 5).any()
    with pytest.raises(CorruptionError, match=r"fog .*codec"):
        damaged_frames(film, "fog", 3)


def test_a_picture_that_is_lost_whole_is_the_one_before_it(film: Frames) -> None:
    low = np.ascontiguousarray(film[:, :16])  # one slice a picture
    lost = damaged_frames(low, "packet_loss", 5, "b")
    made = corrupt(low, "packet_loss", 5, "b")
    first = int(lost.argmax())
    assert lost.any()
    assert np.array_equal(made[first], made[first - 1])


@pytest.mark.parametrize("name", names("codec"))
def test_one_frame_is_coded_and_damage_spares_it(clip: Frames, name: str) -> None:
    image = clip[:1]
    made = [corrupt(image, name, severity, "k") for severity in range(1, 6)]
    assert all(8 < psnr(image, frame) < 45 for frame in made)
    if name in DAMAGED:
        assert all(np.array_equal(frame, made[0]) for frame in made)
        assert not damaged_frames(image, name, 5, "k").any()


@pytest.mark.parametrize("name", names("codec"))
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (50, 34), (66, 97)])
def test_any_size_keeps_its_shape_and_its_flat_colour(name: str, size: tuple[int, int]) -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [128, 128, 128], [200, 100, 50]], np.uint8)
    for colour in colours:
        made = corrupt(np.broadcast_to(colour, (5, *size, 3)).copy(), name, 1, "k")
        assert made.shape == (5, *size, 3)
        assert np.abs(made.astype(int) - colour).max() <= 8


def test_the_way_to_yuv_and_back_has_no_bias(clip: Frames) -> None:
    finest = codecs._recode(clip, codecs.H264, scene(16), {"crf": "1"})
    error = np.stack([frame for frame, _ in finest]).astype(float) - clip
    assert abs(error.mean()) < 0.15


def test_the_whole_video_is_needed_and_demanded(clip: Frames) -> None:
    assert frames_needed("h264_crf", 3, [7], 30).tolist() == list(range(30))
    with pytest.raises(MissingFrames, match=r"h264_crf needs 14 frames .*\(16, 17"):
        corrupt(clip, "h264_crf", 3, n_frames=30)


@pytest.mark.parametrize("name", names("codec"))
def test_frames_are_read_as_they_are_coded(film: Frames, name: str) -> None:
    """However long the video, few frames are read before the first is given back."""
    read = 0

    def source() -> Iterator[Frames]:
        nonlocal read
        for t in range(200):
            read += 1
            yield film[t % 60]

    coded = getattr(codecs, name)(source(), TABLES[corruptions.REGISTRY[name].home, name][0], scene(200, name))
    next(coded)
    assert read <= 64
    assert sum(1 for _ in coded) == 199


@pytest.mark.slow
def test_a_long_video_takes_no_more_memory(film: Frames) -> None:
    peaks = []
    for n_frames in (100, 400):
        tracemalloc.start()
        for _ in codecs.packet_loss((film[t % 60] for t in range(n_frames)), (0.02, 1), scene(n_frames, "packet_loss")):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 400_000  # 300 more frames are 2.4 MB


DIGEST = """
import hashlib, sys
import numpy as np
import corruptions
frames = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(60, 48, 56, 3)
for name in corruptions.names("codec"):
    print(hashlib.sha256(corruptions.corrupt(frames, name, 3, "k").tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_processes_agree_whatever_their_memory_held(film: Frames) -> None:
    """Encoders that read memory they never wrote give other bytes when fresh memory is filled otherwise."""
    digests = set()
    for fill in ("0", "165", "90"):
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        command = [sys.executable, "-c", DIGEST]
        done = subprocess.run(command, input=film.tobytes(), capture_output=True, check=True, env=environment)
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().split()) == len(names("codec"))


def test_a_missing_encoder_is_named(clip: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "H265", codecs.Codec("libx266", "hevc", {}))
    with pytest.raises(CorruptionError, match="no codec libx266: install the wheel of av"):
        corrupt(clip, "h265_crf", 3)


def test_streams_are_what_the_docstrings_say(film: Frames) -> None:
    cut = np.concatenate([film[:24], 255 - film[24:, ::-1]])
    units = list(codecs._encode(cut, codecs.H264, 25, codecs._SLICED))
    assert [number for number, _ in units] == list(range(60))  # no B-frames
    kinds = [[part[0] & 31 for part in data.split(b"\x00\x00\x01")[1:]] for _, data in units]
    assert [t for t, kind in enumerate(kinds) if 5 in kind] == [0, 48]
    assert all(sum(kind in (1, 5) for kind in picture) == 3 for picture in kinds)  # 48 rows of pixels
    assert all({7, 8} <= set(kinds[t]) for t in (0, 48))  # parameter sets are repeated
    assert av.codec.Codec("libx265", "w").name == "libx265"
