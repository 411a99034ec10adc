"""What a corruption is as data: the frozen record of one, and one function for each kind of row.

Those that are shipped stand by family in `rows_*`, with a function of their name in the module named for the family,
which is imported when the corruption is first used. One of your own brings its function: see `corruptions.register`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Level = tuple[float, ...]
Table = tuple[Level, Level, Level, Level, Level]
Support = Literal["frame", "window", "order", "video"]
Mode = Literal["static", "drift", "independent"]
Moves = Literal["", "picture", "order"]
MODES: Final[tuple[Mode, ...]] = ("static", "drift", "independent")

IMAGENET_C: Final = "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019"
UCF101_P: Final = "A Large-Scale Robustness Analysis of Video Action Recognition Models, CVPR 2023"
KINETICS_C: Final = "Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions, NeurIPS 2021"
C_BAR: Final = "On Interaction Between Augmentations and Corruptions in Natural Corruption Robustness, NeurIPS 2021"

_FIXED_PATTERN: Final = (
    'the fixed pattern of a sensor is temporal="static"; for a part of both, corrupt twice: static, then independent'
)


@dataclass(frozen=True, slots=True)
class Corruption:
    """What is known of a corruption without running it.

    `support` says which source frames an output frame needs: itself (`frame`), its neighbours (`window`), those that an
    index map names (`order`) or all of them (`video`). `modes` are the temporal modes that differ; any other mode given
    by a caller means `default`. `tau` is the time constant of `drift`, in seconds. `notes` are the quirks of the
    published generator that a profile keeps and our departures from it, one line each. `displaces`: things are shown
    elsewhere in the frame, as a map says, so that labels of pixels move with them; blur, lens errors that part colours
    and damaged blocks leave things where they are.

    `function` carries it out; None is the function of its name in the module named for its family. By its support it
    is (frames, level, scene), which changes uint8 (n, H, W, 3) in place or returns new frames; (frames, rows) of a
    window, whose source frames `window(wanted, level, n_frames)` tells; (n_frames, level, scene) -> the order; or, of a
    video, (frames one by one, level, scene) -> (frame, damaged) one by one. `side` is the short side in pixels that its
    tables were made for, where their profile is none of ours.
    """

    name: str
    family: str
    support: Support
    random: bool
    home: str
    source: str
    modes: tuple[Mode, ...] = ("static",)
    default: Mode = "static"
    tau: float = 0.5
    notes: tuple[str, ...] = ()
    displaces: bool = False
    levels: Mapping[str, Table] = field(default_factory=dict, repr=False, hash=False)
    function: Callable[..., Any] | None = field(default=None, repr=False)
    window: Callable[..., Any] | None = field(default=None, repr=False)
    side: int = 224

    @property
    def moves(self) -> Moves:
        """What becomes of labels of pixels: moved as the picture is, given another order in time, or neither."""
        if self.displaces:
            return "picture"
        return "order" if self.support == "order" else ""

    @property
    def tables(self) -> tuple[str, ...]:
        """Profiles that have a severity table for this corruption."""
        return tuple(self.levels)


def each(a: float, b: float, c: float, d: float, e: float) -> Table:
    """Return a table of one parameter, by its values at severities 1 to 5.

    >>> each(25, 18, 15, 10, 7)
    ((25,), (18,), (15,), (10,), (7,))
    """
    return (a,), (b,), (c,), (d,), (e,)


def noise(name: str, *notes: str, **levels: Table) -> Corruption:
    """Sensor noise is new at each exposure; its drift is a slow boil."""
    return _random(name, "noise", "independent", 0.2, (*notes, _FIXED_PATTERN), levels)


def fixed(name: str, family: str, *notes: str, **levels: Table) -> Corruption:
    """Optics, exposure and processing that draw nothing; the first profile of `levels` is the home, as everywhere."""
    return Corruption(name, family, "frame", False, _home(levels), IMAGENET_C, notes=notes, levels=levels)


def moving(name: str, family: str, default: Mode, tau: float, *notes: str, **levels: Table) -> Corruption:
    """What stands or moves before the lens, or the lens itself."""
    return _random(name, family, default, tau, notes, levels)


def pattern(name: str, default: Mode | None, *notes: str, tau: float = 4.0, **levels: Table) -> Corruption:
    """Patterns of C-bar on the sensor, the lens or the light; `default` is None where nothing is random.

    How each moves stands first in its notes.
    """
    if default is None:
        return Corruption(name, "bar", "frame", False, _home(levels), C_BAR, tau=tau, notes=notes, levels=levels)
    return replace(_random(name, "bar", default, tau, notes, levels), source=C_BAR)


def video(name: str, family: str, support: Support, *notes: str, random: bool = False, **levels: Table) -> Corruption:
    """What a whole video suffers: its order, its exposure or its coding."""
    home = _home(levels)
    return Corruption(name, family, support, random, home, _video_source(home), notes=notes, levels=levels)


def shown(name: str, family: str, *notes: str, tau: float, **levels: Table) -> Corruption:
    """The hand that shakes and the rain that falls: drift is how they move."""
    return replace(_random(name, family, "drift", tau, notes, levels), source=_video_source(_home(levels)))


def displacing(row: Corruption) -> Corruption:
    """What shows things elsewhere in the frame; its function moves labels (T, H, W) as it moves pictures."""
    return replace(row, displaces=True)


def _random(
    name: str, family: str, default: Mode, tau: float, notes: tuple[str, ...], levels: Mapping[str, Table]
) -> Corruption:
    """What draws for each frame, in any of the three temporal modes."""
    return Corruption(name, family, "frame", True, _home(levels), IMAGENET_C, MODES, default, tau, notes, levels=levels)


def _home(levels: Mapping[str, Table]) -> str:
    return next(iter(levels))


def _video_source(home: str) -> str:
    return UCF101_P if home == "ucf101_p" else KINETICS_C
