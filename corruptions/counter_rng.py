"""Counter-based random numbers: a draw is a pure function of (key, corruption, stream, frame, pixel).

Any frame can be drawn alone, by any worker, in any order. Severity is not an argument, so it only scales a draw.
A 64-bit blake2b of the names seeds SplitMix64 (Fast Splittable Pseudorandom Number Generators, OOPSLA 2014); its
finaliser hashes the frame into a state and then the pixel. `fields` draws the same numbers for whole frames.
"""

from hashlib import blake2b
from typing import Final

GOLDEN: Final = 0x9E3779B97F4A7C15
MIX_1: Final = 0xBF58476D1CE4E5B9
MIX_2: Final = 0x94D049BB133111EB
_MASK: Final = (1 << 64) - 1


def seed(key: str, corruption: str, stream: str = "") -> int:
    """Return the 64-bit seed of one stream of draws; `key` names the video and the repetition.

    Names of files that are no UTF-8, which Python holds as lone surrogates, are keys too.
    """
    name = "\0".join((key, corruption, stream))
    return int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def mix(x: int) -> int:
    """Hash 64 bits to 64 bits (the finaliser of SplitMix64)."""
    x = ((x ^ (x >> 30)) * MIX_1) & _MASK
    x = ((x ^ (x >> 27)) * MIX_2) & _MASK
    return x ^ (x >> 31)


def state(seed: int, frame: int) -> int:
    """Return the 64-bit state from which frame number `frame` draws its pixels."""
    return mix((seed + (frame + 1) * GOLDEN) & _MASK)


def word(seed: int, frame: int, pixel: int = 0) -> int:
    """Return 64 random bits."""
    return mix((state(seed, frame) + (pixel + 1) * GOLDEN) & _MASK)


def uniform(seed: int, frame: int, pixel: int = 0) -> float:
    """Return a uniform number in the open interval (0, 1), of 53 bits."""
    return ((word(seed, frame, pixel) >> 12) + 0.5) * 2.0**-52
