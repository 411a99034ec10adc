"""PNG: whether a file holds exactly the pixels that its head promises, at which its decoders do not look.

Pillow compares the checksums of all chunks but those of pixels, and stops once it has every row that it wants: of the
pixels of a larger picture, or of one with other rows, it shows what comes first. Here they are inflated, counted and
compared with their sum, and given to Pillow as they are then, which saves Pillow more time than it takes here.

Format: Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
KEPT: Final = 64 << 20  # bytes of pixels that are held inflated; those of larger pictures are counted piece by piece
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # numbers a pixel, by colour type
_PASSES: Final = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
_ZLIB: Final = b"\x78\x01"  # what a zlib stream begins with
_PIECE: Final = 1 << 16  # bytes that are inflated at a time: to 66 MB at most


def checked(content: bytes) -> bytes:
    """The PNG file `content` with its pixels inflated (stored in one chunk), or as it is where they are more than KEPT.

    ValueError where they are damaged or not as many as the head says. A head that promises nothing countable is left
    to the decoder, which refuses it.
    """
    wanted, chunks = _promised(content), list(_pixels(content))
    if not wanted or not chunks:
        return content
    packed = b"".join(content[start + 8 : end - 4] for start, end in chunks)
    inflate = zlib.decompressobj()
    try:
        if wanted > KEPT:
            _compare(sum(len(raw) for raw in _inflated(inflate, packed, wanted)), wanted, inflate.eof)
            return content
        raw = inflate.decompress(packed, wanted + 1)
    except zlib.error as error:
        raise ValueError("its pixels are damaged: they cannot be inflated, or do not fit their sum") from error
    _compare(len(raw), wanted, inflate.eof)
    return b"".join(
        (
            content[: chunks[0][0]],
            *_stored(raw, packed[: len(packed) - len(inflate.unused_data)][-4:]),
            content[chunks[-1][1] :],
        )
    )


def _promised(content: bytes) -> int:
    """Bytes of the filtered rows of all passes by the head: 0 where it is no head."""
    if content[12:16] != b"IHDR" or len(content) < 33:
        return 0
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    depth, colour, interlaced = content[24], content[25], content[28]
    bits = depth * _SAMPLES.get(colour, 0)
    if not bits:
        return 0
    passes = _PASSES if interlaced else ((0, 1, 0, 1),)
    sizes = ((_steps(height, top, down), _steps(width, left, right)) for top, down, left, right in passes)
    return sum(rows * (1 + (columns * bits + 7) // 8) for rows, columns in sizes if columns)


def _steps(length: int, first: int, step: int) -> int:
    return max(0, -(-(length - first) // step))


def _pixels(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk of pixels; ValueError where one has another checksum than it says.

    They follow each other: what comes after another chunk is no picture's.
    """
    view, at, found = memoryview(content), len(SIGNATURE), False
    while at + 8 <= len(content):
        end = at + 12 + int.from_bytes(view[at : at + 4])
        if bytes(view[at + 4 : at + 8]) == b"IDAT":
            if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
                raise ValueError("its pixels are damaged: they do not fit their checksum")
            yield at, end
            found = True
        elif found:
            return
        at = end


def _inflated(inflate: Any, packed: bytes, wanted: int) -> Iterator[bytes]:
    """Pieces of the pixels, until there are more than wanted."""
    view, count = memoryview(packed), 0
    for at in range(0, len(packed), _PIECE):
        raw = inflate.decompress(view[at : at + _PIECE])
        count += len(raw)
        yield raw
        if count > wanted:
            return


def _compare(there: int, wanted: int, ended: bool) -> None:
    if there > wanted:
        raise ValueError(f"it holds more pixels than the {wanted:,} bytes that its head says: parts of two pictures")
    if there < wanted:
        raise ValueError(f"{there:,} of {wanted:,} bytes of its pixels are there")
    if not ended:
        raise ValueError("its pixels are damaged: their sum is missing")


def _stored(raw: bytes, total: bytes) -> tuple[bytes, ...]:
    """The parts of a chunk of these pixels and their sum; its own checksum is zero, since nobody looks at it."""
    store = zlib.compressobj(0, wbits=-zlib.MAX_WBITS)
    content = _ZLIB, store.compress(raw), store.flush(), total
    return sum(map(len, content)).to_bytes(4), b"IDAT", *content, bytes(4)
