"""PNG pictures hold exactly the pixels that their heads promise, or are refused: no checksum of a chunk could tell."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from vidsparse.data.reading import image_files, mask_files, png_files
from vidsparse.utils.errors import ClipDecodeError

HEAD = 33  # bytes of the signature and of the first chunk
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def picture(mode="RGB", height=13, width=21):
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    if mode == "I;16":
        return Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(levels).convert(mode)


def saved(image, **how):
    output = io.BytesIO()
    image.save(output, "PNG", **how)
    return output.getvalue()


def chunk(kind, content):
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def drawn(head, raw, *, parts=1, before=b"", after=b""):
    """A PNG of a head (width, height, depth, colour, interlaced) and filtered rows, in so many chunks."""
    width, height, depth, colour, interlaced = head
    first = width.to_bytes(4) + height.to_bytes(4) + bytes((depth, colour, 0, 0, interlaced))
    packed = zlib.compress(raw)
    size = -(-len(packed) // parts)
    pixels = b"".join(chunk(b"IDAT", packed[at : at + size]) for at in range(0, len(packed), size))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", first) + before + pixels + after + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (picture(height=12), picture()),  # fewer rows than there are
        (picture(width=20), picture()),  # shorter rows
        (picture(width=8), picture("L")),  # a third of the columns, in three colours
        (picture("L"), picture("RGB")),
        (picture("RGB"), picture("RGBA")),
        (picture("L"), picture("I;16")),
        (picture(height=14), picture()),  # more rows than there are
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_the_head_of_one_picture_on_the_pixels_of_another_is_refused(tmp_path, monkeypatch, head, rest, large):
    if large:
        monkeypatch.setattr(png_files, "KEPT", 0)  # no picture is small enough to be held inflated
    path = tmp_path / "a.png"
    path.write_bytes(saved(head)[:HEAD] + saved(rest)[HEAD:])
    for read in (image_files.open_picture, mask_files.open_mask):
        with pytest.raises(ClipDecodeError, match=r"a\.png"):
            read(path)
    assert "a.png" in image_files.inspect(path)[0].error
    assert "a.png" in mask_files.inspect("class_ids", path)[0].error


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_every_sound_picture_is_read_as_before(monkeypatch, mode, large):
    if large:
        monkeypatch.setattr(png_files, "KEPT", 0)
    for height, width in ((1, 1), (13, 21), (1, 300), (300, 1)):
        image = picture(mode, height, width)
        shown = image_files.decode(saved(image), "x")
        deep = np.asarray(image) // 257 if mode == "I;16" else np.asarray(image.convert("RGB"))
        assert np.array_equal(shown[..., 0] if mode == "I;16" else shown, deep)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 1), (9, 17)])
def test_an_interlaced_picture_is_counted_pass_by_pass(height, width):
    levels = np.random.default_rng(1).integers(0, 256, (height, width), np.uint8)
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    rows = [levels[y::dy, x::dx] for y, dy, x, dx in passes]
    raw = b"".join(b"\0" + row.tobytes() for each in rows if each.size for row in each)
    head = (width, height, 8, 0, 1)
    assert np.array_equal(image_files.decode(drawn(head, raw), "x")[..., 0], levels)
    with pytest.raises(ClipDecodeError, match="pixels"):
        image_files.decode(drawn(head, raw + b"\0"), "x")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_rows_of_less_than_a_byte_a_pixel_are_rounded_up(depth):
    raw = b"".join(b"\0" + bytes([0b10011011] * (-(-5 * depth // 8))) for _ in range(3))
    assert image_files.decode(drawn((5, 3, depth, 0, 0), raw), "x").shape == (3, 5, 3)
    with pytest.raises(ClipDecodeError, match="pixels"):
        image_files.decode(drawn((5, 3, depth, 0, 0), raw + raw[:1]), "x")


def test_pixels_in_many_chunks_and_chunks_around_them_are_read():
    raw = b"".join(b"\0" + bytes(range(at, at + 10)) for at in range(6))
    text = chunk(b"tEXt", b"a\0b")
    shown = image_files.decode(drawn((10, 6, 8, 0, 0), raw, parts=7, before=text, after=text), "x")
    assert np.array_equal(shown[..., 0], np.add.outer(np.arange(6), np.arange(10)))


def test_pixels_whose_sum_does_not_fit_are_refused_though_every_chunk_does():
    content = saved(picture())
    at = content.index(b"IDAT")
    pixels = bytearray(content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at])])
    pixels[-1] ^= 1  # of the sum over all pixels
    with pytest.raises(ClipDecodeError, match="pixels"):
        image_files.decode(content[: at - 4] + chunk(b"IDAT", bytes(pixels)) + content[-12:], "x")


def test_pixels_far_beyond_those_of_the_head_are_not_inflated():
    content = drawn((10, 10, 8, 0, 0), bytes(300_000_000))
    with pytest.raises(ClipDecodeError, match="pixels"):
        image_files.decode(content, "x")
