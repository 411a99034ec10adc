"""What the page of a sparse-training method says beyond its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field

COSINE = "f(t) = α/2 · (1 + cos(π t / T_end))"


@dataclass(frozen=True)
class Note:
    """`origins` says for each of the row's settings where its value comes from; departures are one sentence each."""

    what: str
    equation: str
    origins: Mapping[str, str] = field(default_factory=dict)
    from_paper: tuple[str, ...] = ()
    from_code: tuple[str, ...] = ()
