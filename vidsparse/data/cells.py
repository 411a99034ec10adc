"""The conditions of an evaluation: clean, and every corruption of a suite at every severity."""

from dataclasses import dataclass

import corruptions
from vidsparse.config import EvaluationConfig

CLEAN = "clean"


@dataclass(frozen=True)
class Cell:
    """One condition of the evaluation; the clean one has severity 0 and no profile."""

    corruption: str
    profile: str
    severity: int


def evaluation_cells(config: EvaluationConfig) -> tuple[Cell, ...]:
    """The clean cell, then every corruption of the suite (or those chosen) at each severity."""
    suite = corruptions.SUITES[config.suite]
    chosen = [(name, profile) for name, profile in suite.cells if name in (config.corruptions or [name])]
    severities = suite.severities if config.severities is None else config.severities
    return (Cell(CLEAN, "", 0), *(Cell(name, profile, s) for name, profile in chosen for s in severities))
