"""What picture files say of orientation and of grey levels, in every format and wherever pictures are read."""

import io

import numpy as np
import pytest
from PIL import Image

from vidsparse.data.reading import archives, frame_folders, image_files, mask_files
from vidsparse.utils.errors import ClipDecodeError


def picture(height=12, width=20):
    """Smooth, and no turn or mirror maps it to itself."""
    ramp = np.add.outer(9 * np.arange(height), 4 * np.arange(width))
    return np.stack([ramp, ramp + 30, 255 - ramp], axis=-1).astype(np.uint8)


def stored(upright, orientation):
    """What a camera stores that was held so that EXIF orientation 1 to 8 makes it upright again."""
    rows = upright.swapaxes(0, 1)
    return np.ascontiguousarray(
        {
            1: upright,
            2: upright[:, ::-1],
            3: upright[::-1, ::-1],
            4: upright[::-1],
            5: rows,
            6: np.rot90(upright),
            7: upright[::-1, ::-1].swapaxes(0, 1),
            8: np.rot90(upright, -1),
        }[orientation]
    )


def encoded(array, kind, orientation=1, **settings):
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    tagged = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif}
    Image.fromarray(array).save(buffer, kind, **tagged, **settings)
    return buffer.getvalue()


FORMATS = {"PNG": {}, "TIFF": {}, "JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright_and_their_size_is_that_of_the_upright_one(tmp_path, kind, orientation):
    content = encoded(stored(picture(), orientation), kind, orientation, **FORMATS[kind])
    shown = image_files.decode(content, "x").astype(int)
    assert np.abs(shown - picture()).max() <= (6 if kind == "JPEG" else 0)
    (tmp_path / "x").write_bytes(content)
    (info,) = image_files.inspect(tmp_path / "x")
    assert (info.n_frames, info.height, info.width) == (1, 12, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_frame_folders_masks_and_packed_pictures_are_turned_too(tmp_path, orientation):
    content = encoded(stored(picture(), orientation), "PNG", orientation)
    (tmp_path / "0.png").write_bytes(content)
    (info,) = frame_folders.inspect(tmp_path)
    assert (info.n_frames, info.height, info.width) == (1, 12, 20)
    np.testing.assert_array_equal(frame_folders.read(tmp_path, None, [0])[0], picture())

    labels = picture()[..., 0] // 64
    (tmp_path / "mask.png").write_bytes(encoded(stored(labels, orientation), "PNG", orientation))
    (info,) = mask_files.inspect("class_ids", tmp_path / "mask.png")
    assert (info.height, info.width) == (12, 20)
    np.testing.assert_array_equal(mask_files.read("class_ids", tmp_path / "mask.png", None, [0])[0], labels)

    jpeg = encoded(stored(picture(), orientation), "JPEG", orientation, quality=98, subsampling=0)
    arrays = {"jpeg": np.frombuffer(jpeg, np.uint8), "offsets": np.array([0, len(jpeg)]), "labels": np.array([0])}
    both = {f"{part}_{name}": array for part in ("train", "test") for name, array in arrays.items()}
    np.savez(tmp_path / "packed.npz", classes=np.array(["a"]), **both)
    first = archives.inspect("packed", tmp_path / "packed.npz")[0]
    assert (first.height, first.width) == (12, 20)
    opened = archives.open_pictures("packed", tmp_path / "packed.npz").at(0)
    assert np.abs(opened.astype(int) - picture()).max() <= 6


def pgm(levels, white):
    """A binary PGM of 16 bits."""
    return f"P5 {levels.shape[1]} {levels.shape[0]} {white}\n".encode() + levels.astype(">u2").tobytes()


def tiff(levels, **tags):
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "TIFF", tiffinfo={int(tag[1:]): value for tag, value in tags.items()})
    return buffer.getvalue()


def png16(levels):
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def swapped(levels):
    """A big-endian TIFF, by hand: magic, one strip, the few tags that a reader needs."""
    height, width = levels.shape
    data = levels.astype(">u2").tobytes()
    tags = [(256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 3, height), (279, 4, len(data))]
    rows = b"".join(
        tag.to_bytes(2) + kind.to_bytes(2) + (1).to_bytes(4) + (value << 16 if kind == 3 else value).to_bytes(4)
        for tag, kind, value in tags
    )
    return b"MM\0*" + (8 + len(data)).to_bytes(4) + data + len(tags).to_bytes(2) + rows + bytes(4)


RAMP = np.add.outer(np.arange(48), np.arange(64)) / 110  # 0 to 1
DEEP = {
    "PGM of 16 bits": lambda: pgm(np.rint(RAMP * 65535), 65535),
    "PGM of 12 bits": lambda: pgm(np.rint(RAMP * 4095), 4095),
    "PGM of 10 bits": lambda: pgm(np.rint(RAMP * 1000), 1000),
    "PNG of 16 bits": lambda: png16(np.rint(RAMP * 65535).astype(np.uint16)),
    "TIFF of 16 bits": lambda: tiff(np.rint(RAMP * 65535).astype(np.uint16)),
    "big-endian TIFF of 16 bits": lambda: swapped(np.rint(RAMP * 65535)),
    "TIFF of 16 bits, white is 0": lambda: tiff(65535 - np.rint(RAMP * 65535).astype(np.uint16), t262=0),
    "TIFF of 32 bits with its range": lambda: tiff(np.rint(RAMP * 4095).astype(np.int32), t341=4095),
    "TIFF of floating-point numbers": lambda: tiff(RAMP.astype(np.float32)),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_greys_are_scaled_by_the_range_of_their_format(tmp_path, name):
    shown = image_files.decode(DEEP[name](), "x").astype(int)
    assert shown.shape == (48, 64, 3)
    assert np.ptp(shown, axis=2).max() == 0
    assert np.abs(shown[..., 0] - RAMP * 255).max() <= 1
    (tmp_path / "x").write_bytes(DEEP[name]())
    assert image_files.inspect(tmp_path / "x")[0].n_frames == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: tiff(np.rint(RAMP * 65535).astype(np.int32)), "32-bit integers from 0 to 65535, and nothing in"),
        (lambda: tiff((RAMP * 255).astype(np.float32)), "from 0 to 255, not from 0 to 1"),
        (lambda: tiff((RAMP - 0.5).astype(np.float32)), "from -0.5 to 0.5, not from 0 to 1"),
        (lambda: tiff(np.full((4, 4), np.nan, np.float32)), "not from 0 to 1"),
    ],
)
def test_a_grey_without_a_known_white_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "deep.tiff"
    path.write_bytes(content())
    with pytest.raises(ClipDecodeError, match=rf"deep\.tiff: cannot be read as an image \(its grey levels .*{said}"):
        image_files.open_picture(path)
    (info,) = image_files.inspect(path)
    assert info.n_frames == 0
    assert said in info.error


def test_colour_of_sixteen_bits_keeps_its_upper_half():
    colours = (picture().astype(np.uint16) << 8) + 255
    content = b"P6 20 12 65535\n" + colours.astype(">u2").tobytes()
    assert np.abs(image_files.decode(content, "x").astype(int) - picture()).max() <= 1


def test_a_deep_grey_is_turned_upright():
    levels = np.rint(RAMP * 65535).astype(np.uint16)
    shown = image_files.decode(encoded(stored(levels, 6), "PNG", 6), "x")
    assert np.abs(shown[..., 0] - RAMP * 255).max() <= 1


def test_cases_made_elsewhere(cases):
    assert abs(image_files.open_picture(cases("grey16.pgm")).mean() - 126) < 1
    assert "which is white" in image_files.inspect(cases("i32.tiff"))[0].error
    (info,) = image_files.inspect(cases("orientation6.tif"))
    shown = image_files.open_picture(cases("orientation6.tif"))
    assert shown.shape == (info.height, info.width, 3) == (64, 48, 3)
    with Image.open(cases("orientation6.tif")) as image:
        assert np.array_equal(shown, np.asarray(image))  # Pillow turns a TIFF itself, once
