"""What containers say beside the frames: names, text, edit lists, rates. Frames and rate must come out right."""

import shutil
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.video_files import VideoReader

NAMES = (
    "12:30.mp4",
    "100%d.mp4",
    "-x.mp4",
    "two\nlines.mp4",
    "a'b\".mp4",
    "concat:a.mp4",
    "http:b.mp4",
    "file:c.mp4",
    "pipe:0.mp4",
    "a|b.mp4",
    " x .mp4",
    "ü.mp4",
    "a#b?c.mp4",
    "*.mp4",
    "[0-9].mp4",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_a_name_is_that_of_a_file_whatever_it_looks_like(h264, tmp_path, monkeypatch, name, decoder):
    monkeypatch.chdir(tmp_path)
    path = type(h264)(shutil.copy(h264, name))
    info = inspect(path)
    assert (info.n_frames, info.decoder, info.damage, info.error) == (40, "decord", "", "")
    reader = VideoReader(path, info=type(info)(**{**vars(info), "decoder": decoder}))
    assert len(reader.read([0, 39])) == 2


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv", ".mov"])
def test_text_that_is_not_utf8_does_not_matter(tmp_path, moving_pictures, suffix):
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "cartwheel"
        stream = container.add_stream("mpeg4", 25)
        stream.height, stream.width, stream.pix_fmt = 72, 96, "yuv420p"
        for picture in moving_pictures(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    assert b"cartwheel" in content
    path.write_bytes(content.replace(b"cartwheel", b"cartwhee\xd3"))
    info = inspect(path)
    assert (info.n_frames, info.error, info.damage) == (6, "", "")
    assert VideoReader(path, info=info).read(range(6)).shape == (6, 72, 96, 3)


# frames that FFmpeg extracts: a chunk of one byte, the first of most, holds no picture but makes room for B-frames
HMDB51 = {
    "Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6": (83, 320),
    "Golf_Tips_-_Hit_The_Driver_300+_Yards!!!_golf_f_nm_np1_fr_med_0": (89, 320),
    "KOREAN_TEA_CEREMONY_-_Simple_Demo_pour_u_nm_np1_fr_med_0": (430, 320),
    "6arrowswithin30seconds_shoot_bow_f_nm_np1_fr_med_3": (81, 320),
    "BaseballHitinSlowMotion_swing_baseball_f_nm_np1_fr_bad_0": (140, 424),
    "RATRACE_wave_f_nm_np1_fr_goo_37": (72, 560),
    "TrumanShow_wave_f_nm_np1_fr_med_26": (48, 432),
}


def test_the_clips_of_hmdb51(shared):
    for path in sorted(shared("hmdb51/videos").rglob("*.avi")):
        info = inspect(path)
        assert (info.rate, info.height, info.damage, info.error) == (30, 240, "", ""), path
        assert (info.n_frames, info.width) == HMDB51.get(path.stem, (info.n_frames, info.width)), path
        frames = VideoReader(path, 64, info).read([0, info.n_frames // 2, info.n_frames - 1])
        assert np.abs(np.diff(frames.astype(int), axis=0)).mean() > 0.5, path


def edited(source, target, duration, media_time):
    """A copy whose edit list plays `duration` (of the movie's time scale) from `media_time` (of the stream's) on."""
    content = bytearray(source.read_bytes())
    at = content.index(b"elst") + 12
    content[at : at + 8] = struct.pack(">Ii", duration, media_time)
    target.write_bytes(content)
    return target


@pytest.fixture(scope="module")
def whole(tmp_path_factory, moving_pictures):
    """H.264 in MP4, 40 frames without B-frames, a key frame every 12, time scale 12800; and the frames as decoded."""
    path = write_video(tmp_path_factory.mktemp("edits") / "a.mp4", moving_pictures(), "libx264", {"bf": "0"})
    return path, VideoReader(path).read(range(40))


@pytest.mark.parametrize(
    ("duration", "media_time", "kept"),
    [
        (1600, 0, range(40)),
        (800, 0, range(20)),  # the end is cut off
        (1280, 8 * 512, range(8, 40)),  # from a frame that is no key frame on
        (400, 14 * 512, range(14, 24)),  # both
    ],
)
def test_an_edit_list_says_which_frames_are_shown(whole, tmp_path, duration, media_time, kept):
    path, frames = whole
    cut = edited(path, tmp_path / "cut.mp4", duration, media_time)
    info = inspect(cut)
    assert (info.n_frames, info.damage, info.rate) == (len(kept), "", 25)
    shown = VideoReader(cut, info=info).read(range(len(kept)))
    assert np.abs(shown.astype(int) - frames[list(kept)]).max() <= 2


def test_an_mp4_that_ends_before_its_index_does_is_damaged(whole, tmp_path):
    content = whole[0].read_bytes()
    moov, mdat = content.index(b"moov") - 4, content.index(b"mdat") - 4
    assert mdat < moov, "the index comes last: data are cut out before it"
    path = tmp_path / "hole.mp4"
    half = mdat + 8 + (moov - mdat - 8) // 2
    path.write_bytes(content[:half] + bytes(moov - half) + content[moov:])
    assert inspect(path).damage


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize("options", [{}, {"bf": "0"}, {"bf": "3", "b_strategy": "0"}], ids=str)
def test_h264_in_avi_has_its_frames_and_its_rate(tmp_path, moving_pictures, n, options):
    info = inspect(write_video(tmp_path / "clip.avi", moving_pictures(n), "libx264", options))
    assert (info.n_frames, info.rate, info.damage) == (n, 25, "")


def test_cases_made_elsewhere(cases):
    edits, avi = inspect(cases("editlist_ss.mp4")), inspect(cases("h264_bframes.avi"))
    assert (edits.n_frames, edits.rate, edits.damage) == (67, 25, "")
    assert (avi.n_frames, avi.rate, avi.damage) == (100, Fraction(25), "")


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", ".h264"),
        ("libx265", ".hevc"),
        ("mpeg4", ".m4v"),
        ("mpeg2video", ".m2v"),
        ("libx264", ".ts"),
        ("mpeg2video", ".mpg"),
        ("mpeg2video", ".vob"),
        ("libx264", ".flv"),
        ("libvpx-vp9", ".webm"),
        ("mjpeg", ".mov"),
        ("libx264", ".mkv"),
        ("mpeg4", ".3gp"),
        ("wmv2", ".wmv"),
    ],
)
def test_containers_with_and_without_times_have_their_rate(tmp_path, moving_pictures, codec, suffix):
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25, options={"x265-params": "log-level=none"} if "265" in codec else {})
        stream.height, stream.width = 72, 96
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for picture in moving_pictures(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    info = inspect(path)
    assert (info.n_frames, info.rate, info.damage, info.error) == (30, 25, "", "")
