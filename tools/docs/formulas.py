"""What a corruption means, its formula and the names of its parameters, read from the docstring of its function.

In the formulas x is the clean frame and x' the corrupted one, both in [0, 1] and clipped to it; t is the number of one
of T frames, from 0; N(m, s) is normal with mean m and standard deviation s, U uniform, G(s) a Gaussian kernel; q is a
place, * is convolution and <- is "looks at". In C-bar p is a tenth of the level and n the short side in pixels.
"""

import inspect
import re
from dataclasses import dataclass
from importlib import import_module

from corruptions.registry import Corruption

_PARTS = re.compile(r"^Meaning: (.+?)\nFormula: (.+?)\nLevel: (.+?)\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Formula:
    """What a corruption is, its equation, and the parameters of a severity level in the order of the table."""

    what: str
    equation: str
    parameters: tuple[str, ...]


def formula(record: Corruption) -> Formula:
    """The last three parts of a docstring, "Meaning:", "Formula:" and "Level:"; parameters stand between semicolons.

    Raises ValueError, which names the function, where they are not there.
    """
    function = getattr(import_module(f"corruptions.{record.family}"), record.name)
    found = _PARTS.search(inspect.getdoc(function) or "")
    if not found:
        raise ValueError(
            f"corruptions.{record.family}.{record.name}: its docstring must end with the lines Meaning:, Formula: and "
            "Level:, from which its page in docs/corruptions is made"
        )
    what, equation, level = (" ".join(part.split()) for part in found.groups())
    return Formula(what, equation, tuple(level.split("; ")))
