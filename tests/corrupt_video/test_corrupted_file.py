"""`vidsparse corrupt`: the frames of corrupt, at the times of the video, with its sound, in a file that plays."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import corruptions
from corruptions.condition import Condition
from vidsparse.cli import main
from vidsparse.corrupt_video import corrupted_file
from vidsparse.data.reading import spill
from vidsparse.data.reading.video_files import VideoReader

VIDEO = {"size": (48, 64), "rate": Fraction(30000, 1001), "frames": 24, "sound": None, "times": None}


def smooth(number: int, height: int, width: int) -> np.ndarray:
    """A colourful gradient that moves, which a codec hardly changes."""
    rows, columns = np.mgrid[:height, :width]
    red, green = 255 * rows / height, 255 * ((columns / width + number / 60) % 1)
    return np.stack([red, green, np.full_like(red, 40 + 5 * number)], -1).astype(np.uint8)


def made(path: Path, **changes: object) -> Path:
    """A video with or without sound; `times` are in milliseconds, for Matroska."""
    is_ = VIDEO | changes
    height, width = is_["size"]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", is_["rate"], options={"crf": "10", "bf": "2"})
        picture.height, picture.width, picture.pix_fmt = height, width, is_.get("pixels", "yuv420p")
        if is_["times"]:
            picture.codec_context.time_base = Fraction(1, 1000)
        if is_["sound"]:
            voice = container.add_stream(is_["sound"], 16000, layout="mono")
        for number in range(is_["frames"]):
            frame = av.VideoFrame.from_ndarray(smooth(number, height, width), "rgb24")
            frame.pts = is_["times"][number] if is_["times"] else number
            frame.time_base = Fraction(1, 1000) if is_["times"] else 1 / is_["rate"]
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        if is_["sound"]:
            kind = voice.codec_context.format.name
            wave = 9000 * np.sin(np.arange(12800) / 7)
            for start in range(0, 12800, 1024):
                part = wave[None, start : start + 1024]
                samples = (part / 32768).astype(np.float32) if "flt" in kind else part.astype(np.int16)
                chunk = av.AudioFrame.from_ndarray(samples, kind, "mono")
                chunk.sample_rate, chunk.pts = 16000, start
                container.mux(voice.encode(chunk))
            container.mux(voice.encode())
    return path


def frames_of(path: Path) -> np.ndarray:
    reader = VideoReader(path)
    return reader.read(range(reader.n_frames))


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """(seconds, data) of the packets of the first stream of a kind, in the order of time."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        found = [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(stream) if p.size]
    return sorted(found, key=lambda one: one[0])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return made(tmp_path_factory.mktemp("video") / "in.mp4", sound="aac")


@pytest.mark.parametrize("name", ["fog", "rotate", "jumble", "reverse_sampling", "clip_motion_blur", "packet_loss"])
def test_a_lossless_file_holds_the_bytes_of_corrupt_however_little_is_read_at_a_time(
    name, video, tmp_path, monkeypatch
):
    monkeypatch.setattr(spill, "PART", 5 * 48 * 64 * 3)
    out = tmp_path / "out.mkv"
    assert main(["corrupt", str(video), name, "3", "--lossless", "--out", str(out), "--key", "k"]) == 0
    want = corruptions.corrupt(frames_of(video), name, 3, "k", resolution="relative", fps=float(VIDEO["rate"]))
    assert (frames_of(out) == want).all()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_a_file_plays_in_browsers_and_looks_like_the_frames(video, tmp_path, capsys):
    out = tmp_path / "out.mp4"
    assert main(["corrupt", str(video), "brightness", "2", "--out", str(out)]) == 0
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (64, 48, 24)
        assert stream.average_rate == VIDEO["rate"]
        assert "brightness 2" in container.metadata["comment"]
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # it starts to play before all of it is there
    want = corruptions.corrupt(frames_of(video), "brightness", 2, resolution="relative")
    assert np.abs(frames_of(out).astype(int) - want).mean() < 3
    said = capsys.readouterr().out
    assert "sound copied (aac)" in said
    assert "key 'in'" in said


@pytest.mark.parametrize("size", [(48, 64), (720, 64)])
def test_colours_are_read_back_as_they_were(size, tmp_path):
    source = made(tmp_path / "in.mp4", size=size, frames=3)
    out = corrupted_file.corrupt_file(source, Condition("fog", 0), "k", tmp_path / "out.mp4")
    before, after = (frames_of(path).astype(int).mean((0, 1, 2)) for path in (source, out))
    assert np.abs(before - after).max() < 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_is_copied_byte_for_byte_beside_its_frames(suffix, video, tmp_path):
    out = corrupted_file.corrupt_file(video, Condition("fog", 3), "k", tmp_path / f"out{suffix}")
    before, after = packets(video, "audio"), packets(out, "audio")
    assert [data for _, data in after] == [data for _, data in before]
    lags = []
    for path, sound in ((video, before), (out, after)):  # Matroska has no times below 0, and shifts both
        shown = [t for t, _ in packets(path, "video")]
        lags.append([*(t - shown[0] for t in shown), *(t - shown[0] for t, _ in sound)])
    np.testing.assert_allclose(lags[1], lags[0], atol=0.0011)


def test_sound_that_the_file_cannot_play_is_left_out_and_that_is_said(tmp_path, capsys):
    source = made(tmp_path / "in.mkv", sound="pcm_s16le")
    out = corrupted_file.corrupt_file(source, Condition("fog", 3), "k", tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        assert not container.streams.audio
    assert "pcm_s16le" in capsys.readouterr().out
    kept = corrupted_file.corrupt_file(source, Condition("fog", 3), "k", tmp_path / "kept.mkv")
    assert [data for _, data in packets(kept, "audio")] == [data for _, data in packets(source, "audio")]


def test_frames_at_uneven_times_keep_them(tmp_path, capsys):
    times = [0, 40, 80, 200, 210, 500, 501, 900]
    source = made(tmp_path / "in.mkv", times=times, frames=8, rate=Fraction(25))
    out = corrupted_file.corrupt_file(source, Condition("fog", 3), "k", tmp_path / "out.mp4")
    np.testing.assert_allclose([t * 1000 for t, _ in packets(out, "video")], times, atol=1.01)
    assert len(frames_of(out)) == 8
    assert "in the mean" in capsys.readouterr().out


def test_odd_sides_are_made_even_for_h264_and_kept_in_ffv1(tmp_path, capsys):
    source = made(tmp_path / "in.mkv", size=(47, 63), pixels="yuv444p", frames=3)
    condition = Condition("brightness", 1)
    out = corrupted_file.corrupt_file(source, condition, "k", tmp_path / "out.mp4")
    assert "odd" in capsys.readouterr().out
    shown = frames_of(out).astype(int)
    want = corruptions.corrupt(frames_of(source), "brightness", 1)
    assert shown.shape == (3, 48, 64, 3)
    assert np.abs(shown[:, :47, :63] - want).mean() < 4
    assert np.abs(shown[:, 47] - shown[:, 46]).mean() < 8
    kept = corrupted_file.corrupt_file(source, condition, "k", tmp_path / "kept.mkv", lossless=True)
    assert (frames_of(kept) == want).all()


def test_the_settings_of_a_corruption_are_options(video, tmp_path):
    out = tmp_path / "out.mkv"
    options = ["--profile", "cifar_c", "--temporal", "static", "--resolution", "absolute", "--lossless"]
    assert main(["corrupt", str(video), "fog", "2", "--out", str(out), *options]) == 0
    want = corruptions.corrupt(frames_of(video), "fog", 2, "in", profile="cifar_c", temporal="static")
    assert (frames_of(out) == want).all()


def test_a_file_that_is_there_is_left_alone_until_fresh(video, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in_fog_1.mp4").write_bytes(b"mine")
    assert main(["corrupt", str(video), "fog", "1"]) == 2
    assert "--fresh" in capsys.readouterr().err
    assert (tmp_path / "in_fog_1.mp4").read_bytes() == b"mine"
    assert main(["corrupt", str(video), "fog", "1", "--fresh"]) == 0
    assert len(frames_of(tmp_path / "in_fog_1.mp4")) == 24


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["no.mp4", "fog", "3"], "no.mp4"),
        (["{video}", "fogg", "3"], "did you mean fog?"),
        (["{video}", "fog", "3", "--profile", "cifar"], "cifar_c"),
        (["{video}", "fog", "3", "--out", "out.avi"], ".mkv"),
        (["{video}", "fog", "3", "--out", "out.mp4", "--lossless"], ".mkv"),
        (["{video}", "fog", "3", "--out", "{video}", "--fresh"], "itself"),
        (["text.mp4", "fog", "3", "--out", "new/out.mp4"], "text.mp4"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(arguments, answer, video, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("words")
    assert main(["corrupt", *(word.format(video=video) for word in arguments)]) == 2
    said = capsys.readouterr().err
    assert answer in said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def test_pixels_that_are_not_square_stay_so(tmp_path):
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for number in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(smooth(number, 48, 64), "rgb24")))
        container.mux(stream.encode())
    out = corrupted_file.corrupt_file(source, Condition("fog", 3), "k", tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_a_recording_that_begins_anywhere_begins_at_once(tmp_path):
    source = tmp_path / "in.ts"
    with av.open(str(source), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", 25, options={"bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(smooth(number, 48, 64), "rgb24")
            frame.pts = number + 500
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    out = corrupted_file.corrupt_file(source, Condition("fog", 3), "k", tmp_path / "out.mp4")
    assert packets(out, "video")[0][0] == 0
    assert len(frames_of(out)) == 6


@pytest.mark.parametrize("name", ["fog", "h264_crf"])
def test_a_video_too_small_to_be_corrupted_is_named(tmp_path: Path, name: str) -> None:
    small = made(tmp_path / "small.mp4", size=(8, 32), frames=2)
    with pytest.raises(corruptions.WrongFrames, match=r"small\.mp4: frames of 32 x 8 pixels, .* 16 x 16"):
        corrupted_file.corrupt_file(small, Condition(name, 3), "k", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
