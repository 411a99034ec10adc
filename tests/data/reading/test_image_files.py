"""Images are sources of one frame: exact where nothing is to be resized, upright, and named where they are broken."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CLEAN, Cell, CorruptedUnits
from vidsparse.data.loader import TrainingClips
from vidsparse.data.reading import image_files
from vidsparse.utils.errors import ClipDecodeError


def picture(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def encoded(image, kind="PNG", **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


@pytest.fixture
def root(tmp_path):
    """Two classes of three training and two test images, 64 x 48."""
    for part, count in (("train", 3), ("val", 2)):
        for label, name in enumerate("ab"):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(count):
                image = Image.fromarray(picture(seed=100 * label + number))
                image.save(tmp_path / part / name / f"{number}.png")
    return tmp_path


def test_lossless_images_come_back_byte_by_byte():
    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        np.testing.assert_array_equal(image_files.decode(encoded(Image.fromarray(picture()), kind), "x"), picture())


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "x.png").write_bytes(encoded(Image.fromarray(picture(12, 20)), "PNG", exif=exif))
    np.testing.assert_array_equal(image_files.open_picture(tmp_path / "x.png"), picture(12, 20))
    (info,) = image_files.inspect(tmp_path / "x.png")
    assert (info.height, info.width) == (12, 20)


def test_every_mode_becomes_rgb_of_eight_bits():
    grey = picture()[..., 0]
    three = np.repeat(grey[..., None], 3, axis=2)
    deep = Image.fromarray(grey.astype(np.uint16) << 8 | 255)
    for image in (
        Image.fromarray(grey),
        deep,
        Image.fromarray(grey).convert("RGBA"),
        Image.fromarray(grey).convert("P"),
    ):
        np.testing.assert_array_equal(image_files.decode(encoded(image), "x"), three)
    cmyk = image_files.decode(encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=95), "x")
    assert cmyk.shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_broken_images_are_found_by_the_index_and_named_by_the_reader(tmp_path, kind):
    content = encoded(Image.fromarray(picture()), kind)
    for name, broken in (("cut", content[: len(content) // 2]), ("empty", b""), ("text", b"../../etc/passwd")):
        path = tmp_path / name
        path.write_bytes(broken)
        (info,) = image_files.inspect(path)
        assert info.n_frames == 0
        assert str(path) in info.error
        with pytest.raises(ClipDecodeError, match=f"{name}: cannot be read as an image"):
            image_files.decode(broken, path)
    assert image_files.inspect(tmp_path / "absent")[0].n_frames == 0


def test_resizing_averages_on_the_way_down_and_leaves_the_right_size_alone():
    flat = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)  # a chessboard is grey from afar
    board = np.repeat(flat[..., None], 3, axis=2).astype(np.uint8)
    small = image_files.resized(board, 16)
    assert small.shape == (16, 16, 3)
    assert np.abs(small[1:-1, 1:-1].astype(int) - 127).max() <= 2
    assert image_files.resized(board, 64) is board
    assert image_files.resized(picture(48, 64), 24).shape == (24, 32, 3)


def test_an_image_has_frame_zero_alone():
    one = picture(4, 6)
    assert image_files.repeated(one, [0, 0, 0], "x").shape == (3, 4, 6, 3)
    for wrong in ([1], [0, -1], []):
        with pytest.raises(IndexError, match="which has frame 0 alone"):
            image_files.repeated(one, wrong, "x")


def test_an_image_goes_the_way_of_a_video_to_training_and_evaluation(root, tmp_path):
    config = DataConfig(source="folder", root=str(root), frames=1, short_side=48, size=48)
    clips = load_clips(config, 0, tmp_path / "index")
    assert clips.dataset.classes == ("a", "b")
    assert [clips.n_frames(sample) for sample in clips.test] == [1] * 4
    pixels, label, place = TrainingClips(clips, 0)[0, 4]
    assert (pixels.shape, label, place) == ((1, 48, 48, 3), 1, 4)
    cells = (Cell(CLEAN, "", 0), Cell("gaussian_noise", "imagenet_c", 3))
    clean, noisy = CorruptedUnits(clips, EvaluationConfig(), cells, [(0, range(4))])
    np.testing.assert_array_equal(clean.clips[0, 0], picture(seed=0)[:, 8:56])
    assert clean.ok.all()
    assert noisy.clips.shape == (4, 1, 48, 48, 3)
    assert (noisy.clips != clean.clips).any()


def test_an_image_over_more_frames_is_held(root, tmp_path):
    clips = load_clips(DataConfig(source="folder", root=str(root), frames=4, short_side=48, size=48), 0, tmp_path / "i")
    (batch,) = CorruptedUnits(clips, EvaluationConfig(), (Cell(CLEAN, "", 0),), [(0, range(1))])
    assert (batch.clips[0] == batch.clips[0, :1]).all()


def test_a_broken_image_keeps_its_place_and_is_counted(root, tmp_path):
    (root / "val" / "b" / "0.png").write_bytes(b"no image")
    clips = load_clips(DataConfig(source="folder", root=str(root), frames=1, short_side=48, size=32), 0, tmp_path / "i")
    assert list(clips.index.unreadable) == ["val/b/0"]
    (batch,) = CorruptedUnits(clips, EvaluationConfig(), (Cell(CLEAN, "", 0),), [(0, range(4))])
    assert batch.ok.tolist() == [True, True, False, True]


@pytest.mark.slow
def test_a_picture_too_large_for_memory_is_refused_with_the_number_in_every_reader(tmp_path):
    from vidsparse.data.reading import archives, frame_folders, mask_files

    content = encoded(Image.new("1", (13_000, 13_000)), "PNG")  # some 20 KB; 1.8 GB in memory
    assert len(content) < 40_000
    (tmp_path / "frames").mkdir()
    for name in ("large.png", "frames/0.png"):
        (tmp_path / name).write_bytes(content)
    part = {"jpeg": np.frombuffer(content, np.uint8), "offsets": [0, len(content)], "labels": [0]}
    np.savez(tmp_path / "x.npz", **{f"{name}_{of}": part[of] for name in ("train", "test") for of in part})
    refused = r"13000 x 13000 pixels; at most 100,000,000 are read: make it smaller"
    for info in (
        image_files.inspect(tmp_path / "large.png")[0],
        mask_files.inspect("class_ids", tmp_path / "large.png")[0],
        frame_folders.inspect(tmp_path / "frames")[0],
        archives.inspect("packed", tmp_path / "x.npz")[0],
    ):
        assert info.n_frames == 0
        assert re.search(refused, info.error)
    for read in (
        lambda: image_files.open_picture(tmp_path / "large.png"),
        lambda: mask_files.open_mask(tmp_path / "large.png"),
        lambda: frame_folders.read(tmp_path / "frames", None, [0]),
    ):
        with pytest.raises(ClipDecodeError, match=refused):
            read()
    with pytest.raises(ClipDecodeError, match=r"400000000 pixels.*100,000,000"):
        image_files.decode(encoded(Image.new("1", (20_000, 20_000)), "PNG"), "x")
    assert image_files.decode(encoded(Image.new("L", (9_000, 10)), "PNG"), "x").shape == (10, 9_000, 3)
