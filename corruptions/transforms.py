"""Corruptions as transforms: in a Dataset, a Compose, a WebDataset pipeline or a map of Hugging Face.

>>> import numpy as np
>>> foggy = Corrupt("fog", 3)(np.zeros((8, 32, 32, 3), np.uint8), key="0/mine/clip_7")

The pictures of a sample may be NumPy arrays, torch tensors, tv_tensors or Pillow images (`layouts` reads which); they
come back as they came: layout, dtype, device and type. Around them a sample may be anything: a dictionary, a tuple, or
several arguments, as torchvision's v2 transforms take. Pictures are its Pillow images and tv_tensors Image and Video,
lists of Pillow images among them, or, where there are none, its first array or tensor of three sides or more. Masks and
BoundingBoxes of tv_tensors move where the picture does; all else is handed on.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from corruptions import counter_rng
from corruptions.checks import clock, level_number, text
from corruptions.condition import Condition
from corruptions.exceptions import CorruptionError, known_name, short
from corruptions.layouts import LAYOUTS
from corruptions.registry import MODES, find, resolve_profile
from corruptions.sample import corrupt_sample
from corruptions.suites import Suite, find_suite

if TYPE_CHECKING:
    from corruptions.apply import Resolution, Temporal

Keys = str | Sequence[str]
KeySource = Callable[[Any], Any]  # from the sample to its key: a KeyCounter, operator.itemgetter("id"), ...


@dataclass(frozen=True)
class Corrupt:
    """One corruption at one severity, as a transform.

    Called with a sample (or several arguments, which come back as a tuple) and `key=`, the name of the video and the
    repetition: the same key gives the bytes of `corruptions.corrupt`. A list of keys, one a sample, says that the
    picture is a batch.

    name, severity     as for `corrupt`; severity 0 hands the sample on
    key                where keys come from when a call gives none: a function of the sample, such as
                       operator.itemgetter("id"), or a KeyCounter; without one, a random corruption is refused
    profile, temporal, resolution, fps   as for `corrupt`
    layout             such as "CTHW" (`layouts.LAYOUTS`), for pictures whose shape does not say it
    fill               the label of what a moved mask shows from outside the frame; None: 255 in maps of labels, (H, W)
                       or (T, H, W), and 0 in masks of objects, which are bool or have a side more

    It is pickled whole, for workers that are started anew, as far as `key` can be. Floats are rounded to the nearest of
    the 256 levels that corruptions know. A clip is a whole video: of a part of one, `corrupt` takes the numbers.

    Raises UnknownName, UnknownProfile, or CorruptionError for a severity, when it is made; WrongFrames for a picture
    that is none, or whose layout is not clear.
    """

    name: str
    severity: int
    _: KW_ONLY
    key: KeySource | None = None
    profile: str | None = None
    temporal: "Temporal" = "default"
    resolution: "Resolution" = "absolute"
    fps: float = 25.0
    layout: str | None = None
    fill: int | None = None

    def __post_init__(self) -> None:
        resolve_profile(find(self.name), self.profile)
        level_number(self.severity, self.name)
        known_name("temporal mode", self.temporal, ("default", *MODES))
        known_name("resolution", self.resolution, ("absolute", "relative"))
        _check(self.key, self.layout, self.fps)

    def __call__(self, *inputs: Any, key: Keys | None = None) -> Any:
        """Return the sample with its pictures corrupted; the tuple of them where several arguments are given."""
        return corrupt_sample(self, inputs, key)

    @property
    def needs_key(self) -> bool:
        """Whether another key gives another result."""
        return self.severity > 0 and find(self.name).random

    def condition(self, key: str) -> Condition:
        """What is done to a sample of this key."""
        return Condition(self.name, self.severity, self.profile, self.temporal, self.resolution, self.fps)


@dataclass(frozen=True)
class RandomCorrupt:
    """A corruption of a suite at a severity, both drawn from the key of each sample, as a transform.

    suite         the name of a suite, or names of corruptions; each of its cells is as likely as another
    severities    each as likely as another; None: those of the suite, or 1 to 5
    p             the probability that a sample is corrupted at all
    temporal, resolution   None: those of the suite, or "default" and "absolute"

    All else is as for `Corrupt`. `condition(key)` tells what a sample gets: `corrupt` with its name, severity, profile
    and the other settings, and the same key, gives the same bytes.

    >>> RandomCorrupt("core_10", (1, 2), p=0.5, fps=30).condition("0/clip_7").severity
    1
    """

    suite: str | Suite | Sequence[str]
    severities: Sequence[int] | None = None
    p: float = 1.0
    _: KW_ONLY
    key: KeySource | None = None
    temporal: "Temporal | None" = None
    resolution: "Resolution | None" = None
    fps: float = 25.0
    layout: str | None = None
    fill: int | None = None

    def __post_init__(self) -> None:
        _check(self.key, self.layout, self.fps)
        known_name("temporal mode", "default" if self.temporal is None else self.temporal, ("default", *MODES))
        resolution = "absolute" if self.resolution is None else self.resolution
        known_name("resolution", resolution, ("absolute", "relative"))
        if not isinstance(self.suite, (str, list, tuple, Suite)):
            raise CorruptionError(f"suite {short(self.suite)}: give the name of a suite, or a list of corruptions")
        if not isinstance(self.severities, (list, tuple, range, type(None))):
            raise CorruptionError(f"severities {short(self.severities)}: give a list of them, such as (1, 2, 3)")
        if isinstance(self.p, bool) or not isinstance(self.p, (int, float)) or not 0 <= self.p <= 1:
            raise CorruptionError(f"p {short(self.p)}: it is a probability, from 0 to 1")
        if not self._cells:
            raise CorruptionError("suite (): name a suite, or one corruption at least")
        if not self._levels:
            raise CorruptionError("severities (): give one at least, from 0 to 5")
        for severity in self._levels:
            level_number(severity, "a random corruption")

    def __call__(self, *inputs: Any, key: Keys | None = None) -> Any:
        """Return the sample with its pictures corrupted; the tuple of them where several arguments are given."""
        return corrupt_sample(self, inputs, key)

    @property
    def needs_key(self) -> bool:
        """Whether another key gives another result: always."""
        return True

    def condition(self, key: str) -> Condition:
        """What is done to a sample of this key; severity 0 where nothing is."""
        seed = counter_rng.seed(text(key), "RandomCorrupt")
        chance, cell, level = (counter_rng.uniform(seed, number) for number in range(3))
        name, profile = self._cells[int(cell * len(self._cells))]
        severity = self._levels[int(level * len(self._levels))] if chance < self.p else 0
        suite = find_suite(self.suite) if isinstance(self.suite, (str, Suite)) else None
        if suite and suite.levels and severity and self.severities is None:
            severity = suite.levels[int(cell * len(self._cells))]
        temporal = self.temporal or (suite.temporal if suite else "default")
        resolution = self.resolution or (suite.resolution if suite else "absolute")
        return Condition(name, severity, profile, temporal, resolution, self.fps)

    @property
    def _cells(self) -> tuple[tuple[str, str], ...]:
        if isinstance(self.suite, (str, Suite)):
            return find_suite(self.suite).cells
        return tuple((name, find(name).home) for name in self.suite)

    @property
    def _levels(self) -> Sequence[int]:
        if self.severities is not None:
            return self.severities
        return find_suite(self.suite).severities if isinstance(self.suite, (str, Suite)) else (1, 2, 3, 4, 5)


def _check(key: object, layout: object, fps: float) -> None:
    """Raise CorruptionError for settings that no call could be carried out with."""
    if key is not None and not callable(key):
        raise CorruptionError(
            f"key {short(key)}: give a function of the sample, such as operator.itemgetter('id') or a KeyCounter, or "
            "give the text at each call, as in transform(frames, key='0/clip_7')"
        )
    if layout is not None:
        known_name("layout", layout, LAYOUTS)
    clock(fps)
