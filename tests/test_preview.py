"""Previews: what is on the sheet, what moves, and what a mistake is answered with."""

import numpy as np
import pytest
from PIL import Image

import corruptions
from vidsparse.cli import main
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.preview import FRAMES, TIMES, Clip, Shown, cells_of, contact_sheet, read_clip, time_sheet, write_preview


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """60 frames of 64 x 48 pixels; frame t has the level 2 t + 40 left and a texture that falls 3 pixels right."""
    texture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    left = np.arange(64)[:, None] < 32
    frames = [np.where(left, 2 * t + 40, np.roll(texture, 3 * t, 0)).astype(np.uint8) for t in range(60)]
    return write_video(tmp_path_factory.mktemp("video") / "ramp.avi", frames)


def tile(sheet, row, column, side):
    """The pixels of one picture on a sheet of `side` pixels a picture."""
    left, top = sheet.width - 2 * side - 2 + column * (side + 2), 14 + row * (side + 2)
    return np.asarray(sheet.crop((left, top, left + side, top + side)))


def test_the_middle_of_the_video_is_read_and_cut(video):
    clip = read_clip(video, 33)
    assert clip.frames.shape == (FRAMES, 33, 33, 3)
    assert clip.frames[0, 16, 2].mean() == pytest.approx(40 + 2 * (60 - FRAMES) / 2, abs=3)
    assert (clip.fps, clip.key) == (25, "ramp")


def test_a_sheet_shows_the_middle_frame_clean_and_corrupted(video):
    clip = read_clip(video, 32)
    cells = (("brightness", "imagenet_c"), ("reverse_sampling", "ucf101_p"))
    sheet = contact_sheet(clip, cells, [3])
    middle = len(clip.frames) // 2
    assert sheet.height == 14 + 2 * 34
    for row, (name, profile) in enumerate(cells):
        whole = corruptions.corrupt(clip.frames, name, 3, "ramp", profile=profile, resolution="relative")
        np.testing.assert_array_equal(tile(sheet, row, 0, 32), clip.frames[middle])
        np.testing.assert_array_equal(tile(sheet, row, 1, 32), whole[middle])


@pytest.mark.parametrize("name", ["gaussian_noise", "rain", "freeze", "clip_motion_blur", "mpeg4"])
def test_one_frame_is_that_of_the_whole_clip(name, video):
    clip = read_clip(video, 32)
    cell = (name, corruptions.REGISTRY[name].home)
    np.testing.assert_array_equal(clip.at(cell, 2, [20])[0], clip.at(cell, 2, range(48))[20])


def test_a_sheet_over_time_shows_frames_of_the_whole_clip_clean_first(video):
    clip = read_clip(video, 32)
    cells = (("fog", "imagenet_c"), ("reverse_sampling", "ucf101_p"), ("h264_crf", "kinetics_c"))
    sheet = time_sheet(clip, cells, 4)
    times = [0, 9, 18, 28, 37, 47]  # of 48 frames
    for row, frames in enumerate([clip.frames, *(clip.at(cell, 4, range(48)) for cell in cells)]):
        for column, t in enumerate(times):
            left, top = sheet.width - TIMES * 34 + 2 + 34 * column, 14 + 34 * row
            shown = np.asarray(sheet.crop((left, top, left + 32, top + 32)))
            np.testing.assert_array_equal(shown, frames[t])


def test_all_pictures_are_written_at_every_severity(video, tmp_path):
    sheet, times, strip = write_preview(video, Shown("fog", "core_10", [1, 5], "drift", 32), tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "ramp_fog.webp",
        "ramp_sheet.png",
        "ramp_times.png",
    ]
    with Image.open(strip) as moving, Image.open(sheet) as still:
        assert moving.n_frames == FRAMES
        moving.load()
        assert moving.info["duration"] == 40
        assert moving.size == (3 * 34 - 2, 32 + 14)
        assert still.height == 14 + 10 * 34
    with Image.open(times) as sheet_over_time:
        assert sheet_over_time.height == 14 + 11 * 34


def test_the_temporal_mode_reaches_the_corruption(video):
    frames = read_clip(video, 32).frames[:1].repeat(6, 0)
    clips = {mode: Clip(frames, 25, "key", mode) for mode in ("static", "independent")}
    noisy = {mode: clip.at(("gaussian_noise", "imagenet_c"), 3, range(6)) for mode, clip in clips.items()}
    assert (noisy["static"] == noisy["static"][0]).all()
    assert (noisy["independent"][1:] != noisy["independent"][0]).any(axis=(1, 2, 3)).all()


def test_an_image_is_a_video_of_one_frame(tmp_path):
    one = write_video(tmp_path / "one.avi", [np.full((48, 64, 3), 90, np.uint8)])
    sheet, *_ = write_preview(one, Shown("snow", severities=[2], size=32), tmp_path)
    with Image.open(sheet) as picture:
        assert picture.height == 14 + len(corruptions.REGISTRY) * 34


def test_cells_are_those_of_a_suite_or_every_home():
    assert cells_of("ucf101_p_16") == corruptions.SUITES["ucf101_p_16"].cells
    assert [name for name, _ in cells_of(None)] == list(corruptions.REGISTRY)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["no/video.avi"], "no/video.avi: cannot be opened as a video"),
        (["{video}", "--corruption", "fogg"], "unknown corruption 'fogg': did you mean fog?"),
        (["{video}", "--suite", "core10"], "unknown suite 'core10': did you mean core_10?"),
        (["{video}", "--size", "4096"], "--size 4096: a WebP is at most 16383 pixels wide"),
    ],
)
def test_mistakes_are_one_sentence(arguments, answer, video, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["preview", *(word.format(video=video) for word in arguments)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(answer)
    assert said.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_a_file_that_is_no_video_is_named(tmp_path, capsys):
    (tmp_path / "text.avi").write_text("words")
    assert main(["preview", str(tmp_path / "text.avi"), "--out", str(tmp_path / "out")]) == 2
    assert "text.avi: cannot be opened as a video" in capsys.readouterr().err
