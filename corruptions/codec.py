"""Real encoders, damage to real bitstreams, real decoders that conceal it (Mini Kinetics-C; UCF101-P: MPEG-2, -4).

Every function takes the frames of a whole video, uint8 (H, W, 3), one after the other, and yields for each the decoded
frame and whether its data were damaged. No more frames are held than the encoder looks ahead and one group of pictures.

Frames go to YUV 4:2:0, BT.601, limited range, sides made even by repeating the last row or column, and come back cut
to size. Encoder and decoder run on one thread: concealment, unlike clean decoding, depends on their number.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import Literal

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.stream import Stream
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from corruptions import damage
from corruptions.damage import Hurt
from corruptions.exceptions import CorruptionError
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Coded = Iterator[tuple[Pixels, bool]]
Units = Iterator[tuple[int, bytes]]
Options = dict[str, str]

SOURCE_BITS = 0.27  # a pixel of the file that the canvas was cut from: the mean of UCF101's
SOURCE_BYTES = SOURCE_BITS * 320 * 240 / 8  # a picture of it
_SCALER = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)  # without the last three, swscale darkens by a grey level


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder, its pinned options and the decoder of its streams.

    Sides below `least` pixels and those that are multiples of `barred` are padded; those above `most` are refused.
    """

    encoder: str
    decoder: str
    options: Mapping[str, str]
    least: int = 16
    most: int = 16384
    barred: int = 0

    def padded(self, side: int) -> int:
        """Return the side as it is coded: even, and such as the encoder takes."""
        side = max(side + side % 2, self.least)
        return side + 2 if self.barred and side % self.barred == 0 else side


# Measured by filling fresh memory with other bytes: x264's macroblock tree reads some that it never wrote, and x265
# does so, or writes beyond its own, in pictures of 64 pixels a side and less.
H264 = Codec("libx264", "h264", {"preset": "medium", "x264-params": "mbtree=0"})
_X265 = "pools=none:frame-threads=1:log-level=none:info=0"
H265 = Codec("libx265", "hevc", {"preset": "medium", "x265-params": _X265}, least=80, most=65536)
# MPEG-2 codes the lower twelve bits of a side apart, and they must not be 0 (ISO/IEC 13818-2, 6.3.3)
MPEG2 = Codec("mpeg2video", "mpeg2video", {}, most=16382, barred=4096)
MPEG4 = Codec("mpeg4", "mpeg4", {}, most=8190)
# damage ends at the next key frame, every 48 pictures, and at the slice's own border in its picture
_SLICED = {
    "crf": "23",
    "bf": "0",
    "g": "48",
    "x264-params": f"mbtree=0:scenecut=0:repeat-headers=1:slices={damage.SLICES}",
}


def h264_crf(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.264 at constant rate factor c, with B-frames and key frames as deployed.

    Meaning: Coded with H.264 (x264).
    Formula: x' = decode(H.264(x, CRF = c))
    Level: c, rate factor
    """
    return _recode(frames, H264, scene, {"crf": f"{level[0]:g}"})


def h265_crf(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.265 at constant rate factor c, with B-frames and key frames as deployed.

    Meaning: Coded with H.265 (x265).
    Formula: x' = decode(H.265(x, CRF = c))
    Level: c, rate factor
    """
    return _recode(frames, H265, scene, {"crf": f"{level[0]:g}"})


def h264_abr(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.264 at the source's bit rate divided by c, which is also the most that one second may take.

    Meaning: Coded with H.264 for a thin line.
    Formula: x' = decode(H.264(x, bit rate of the source / c))
    Level: divisor c of the bit rate
    """
    (height, width), frames = _size(frames)
    return _recode(frames, H264, scene, _rate(height * width * scene.fps, level))


def h265_abr(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.265 at the source's bit rate divided by c, which is also the most that one second may take.

    Meaning: Coded with H.265 for a thin line.
    Formula: x' = decode(H.265(x, bit rate of the source / c))
    Level: divisor c of the bit rate
    """
    (height, width), frames = _size(frames)
    return _recode(frames, H265, scene, _rate(height * width * scene.fps, level))


def mpeg2(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """MPEG-2 at quantiser c, or at 31, the coarsest it has.

    Meaning: Coded with MPEG-2.
    Formula: x' = decode(MPEG-2(x, min(q, 31)))
    Level: quantiser q
    """
    return _recode(frames, MPEG2, replace(scene, fps=25), _quantiser(level))


def mpeg4(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """MPEG-4 part 2 at quantiser c, or at 31, the coarsest it has.

    Meaning: Coded with MPEG-4 part 2.
    Formula: x' = decode(MPEG-4(x, min(q, 31)))
    Level: quantiser q
    """
    return _recode(frames, MPEG4, replace(scene, fps=25), _quantiser(level))


def bit_error(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.264 with bytes of its slices overwritten, at least one in the video; the first picture is spared.

    A picture takes as many hits as one of the source does when one byte in c is hit, whatever its own size here.

    Meaning: A disk or a cable that changes bytes of the coded video.
    Formula: x' = decode(H.264(x) with one byte in c overwritten)
    Level: c, bytes for each one overwritten
    """
    (height, _), frames = _size(frames)
    return _recode(frames, H264, scene, _SLICED, damage.overwrite(scene, height, SOURCE_BYTES / level[0]))


def packet_loss(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.264 that loses a share of its slices in bursts, and one at least in the video; the first picture is spared.

    Meaning: A network that loses packets of the coded video.
    Formula: x' = decode(H.264(x) without a share p of its slices, lost in bursts of b in the mean)
    Level: p, share of the slices; b, mean length of a burst
    """
    (height, _), frames = _size(frames)
    share, burst = level
    return _recode(frames, H264, scene, _SLICED, damage.lose(scene, height, share, burst))


def ts_loss(frames: Iterable[Pixels], level: Level, scene: Scene) -> Coded:
    """H.264 in an MPEG transport stream that loses packets of 188 bytes in bursts, one at least; see `damage.lose_ts`.

    A picture loses the bytes that its packets carried; one that loses its first packet is lost whole, because that
    one says where it begins.

    Meaning: A broadcast or a stream over a bad radio link: packets of the transport stream are lost in bursts.
    Formula: x' = decode(H.264(x) without the packets lost by a Gilbert-Elliott channel of mean loss p and bursts of b)
    Level: p, share of the packets; b, mean length of a burst in packets
    """
    share, burst = level
    return _recode(frames, H264, scene, _SLICED, damage.lose_ts(scene, share, burst))


def _size(frames: Iterable[Pixels]) -> tuple[tuple[int, int], Iterator[Pixels]]:
    """Return height and width of the frames, and the frames."""
    stream = iter(frames)
    first = next(stream)
    return first.shape[:2], chain([first], stream)


def _rate(pixels_a_second: float, level: Level) -> Options:
    rate = str(max(round(SOURCE_BITS * pixels_a_second / level[0]), 1000))
    return {"b": rate, "maxrate": rate, "bufsize": rate, "qmax": "51"}  # above 51 x264 blanks whole pictures


def _quantiser(level: Level) -> Options:
    quantiser = f"{min(level[0], 31):g}"
    return {"qmin": quantiser, "qmax": quantiser}


def _recode(frames: Iterable[Pixels], codec: Codec, scene: Scene, options: Options, hurt: Hurt = damage.spare) -> Coded:
    """Encode, hurt the data of each picture, decode; a picture that the decoder cannot give is the one before it."""
    (height, width), frames = _size(frames)
    hit: set[int] = set()
    shown, t = np.empty(0, np.uint8), 0
    for number, pixels, concealed in _decode(_damaged(_encode(frames, codec, scene.fps, options), hurt, hit), codec):
        for _ in range(t, number):
            yield shown, True
        if number >= t:
            shown, t = pixels[:height, :width], number + 1
            yield shown, concealed or number in hit
    for _ in range(t, len(scene.times)):
        yield shown, True


def _encode(frames: Iterable[Pixels], codec: Codec, fps: float, options: Options) -> Units:
    """Yield the number of each picture and its data, in the order of coding."""
    (height, width), frames = _size(frames)
    below, beside = (codec.padded(side) - side for side in (height, width))
    rate = Fraction(fps).limit_denominator(1001)
    encoder = _open(codec.encoder, "w")
    encoder.height, encoder.width, encoder.pix_fmt = height + below, width + beside, "yuv420p"
    encoder.framerate, encoder.time_base = rate, 1 / rate
    encoder.options = {**codec.options, **options}
    scaler = VideoReformatter()
    for t, frame in enumerate(chain(frames, [None])):
        picture = None
        if frame is not None:
            padded = np.pad(frame, ((0, below), (0, beside), (0, 0)), "edge")
            rgb = av.VideoFrame.from_ndarray(padded, "rgb24")
            picture = scaler.reformat(rgb, format="yuv420p", interpolation=_SCALER, threads=1)
            picture.pts = t
        for packet in _packets(encoder, picture, codec):
            yield int(packet.pts or 0), bytes(packet)


def _packets(encoder: av.VideoCodecContext, picture: "av.VideoFrame | None", codec: Codec) -> "list[av.Packet[Stream]]":
    """Return what an encoder gives for a picture; CorruptionError where it takes none of this size or rate."""
    try:
        return encoder.encode(picture)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        size = f"{encoder.height} x {encoder.width} at {float(encoder.framerate):g} frames a second"
        raise CorruptionError(
            f"{codec.encoder} does not code frames of {size} ({error.strerror}): its sides are {codec.most} pixels at "
            "most; give smaller frames"
        ) from error


def _damaged(units: Units, hurt: Hurt, hit: set[int]) -> Units:
    """Yield what arrives; `hit` gathers the numbers of the pictures whose data are not as they were sent."""
    for number, sent in units:
        arrived = hurt(number, sent)
        if arrived != sent:
            hit.add(number)
        if arrived:
            yield number, arrived


def _decode(units: Units, codec: Codec) -> Iterator[tuple[int, Pixels, bool]]:
    """Yield the number, the pixels and whether they are concealed of each picture, in the order of display."""
    decoder = _open(codec.decoder, "r")
    scaler = VideoReformatter()
    for packet in chain(map(_packet, units), [None]):
        for picture in _pictures(decoder, packet):
            shown = scaler.reformat(picture, format="rgb24", interpolation=_SCALER, threads=1)
            if picture.pts is not None:
                yield picture.pts, np.asarray(shown.to_ndarray(), np.uint8), picture.is_corrupt


def _packet(unit: tuple[int, bytes]) -> "av.Packet[Stream]":
    """Return the data as a packet; a Packet made from bytes would lack the zeros that decoders read beyond them."""
    packet = av.Packet(len(unit[1]))
    packet.update(unit[1])
    packet.pts = unit[0]
    return packet


def _pictures(decoder: av.VideoCodecContext, packet: "av.Packet[Stream] | None") -> list[av.VideoFrame]:
    """Return the pictures that the decoder gives for a packet: none where it finds no sense in it."""
    try:
        return decoder.decode(packet)
    except av.FFmpegError:
        return []


def _open(name: str, mode: Literal["r", "w"]) -> av.VideoCodecContext:
    try:
        context = av.CodecContext.create(name, mode)
    except UnknownCodecError as error:
        raise CorruptionError(f"this build of PyAV has no codec {name}: install the wheel of av from PyPI") from error
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    return context
