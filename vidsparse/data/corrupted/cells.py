"""The conditions of an evaluation: clean, and every corruption of a suite at every severity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import corruptions
from vidsparse.config import EvaluationConfig
from vidsparse.utils.errors import ConfigError, DataError, some

if TYPE_CHECKING:
    from corruptions.apply import Temporal

CLEAN = "clean"  # the corruption of the clean cell
PROBE = "motion_probe"  # the profile of what is asked of a clip as the network sees it, see `corruptions.probe`


@dataclass(frozen=True)
class Cell:
    """One condition of the evaluation; the clean one has severity 0 and no profile."""

    corruption: str
    profile: str
    severity: int

    @property
    def moves_masks(self) -> bool:
        """Whether the masks of this cell are others than those of the clean clips; those of published sets are not."""
        known = corruptions.REGISTRY.get(self.corruption)
        return bool(self.severity and known and known.moves)

    @property
    def is_probe(self) -> bool:
        """Whether this asks what the network does with time: of the clip that it sees, and in no mean."""
        return self.profile == PROBE


CLEAN_CELL = Cell(CLEAN, "", 0)


def evaluation_cells(config: EvaluationConfig) -> tuple[Cell, ...]:
    """The clean cell, then every corruption of the suite (or those chosen) at each severity; a probe once.

    Raises ConfigError where corruptions and severities are named of which none go together.
    """
    suite, asked = corruptions.SUITES[config.suite], config.severities
    levels = dict(zip(suite.cells, suite.levels, strict=True)) if suite.levels else {}  # one a cell, by what it does
    wanted = suite.severities if asked is None else asked
    cells = [
        Cell(*cell, severity)
        for cell in _chosen_of(config)
        for severity in ((1,) * bool(wanted) if cell[1] == PROBE else wanted)
        if levels.get(cell, severity) == severity
    ]
    if asked and not cells:
        there = sorted({levels[cell] for cell in _chosen_of(config)})
        raise ConfigError(
            f"evaluation.severities={asked}: no corruption is left; those of {config.suite} that are asked for are at "
            f"{', '.join(map(str, there))}, each at one"
        )
    return (CLEAN_CELL, *cells)


def only_probes(config: EvaluationConfig) -> bool:
    """Whether all that an evaluation asks beside the clean clips is what the network does with time."""
    return all(profile == PROBE for _, profile in _chosen_of(config))


def _chosen_of(config: EvaluationConfig) -> list[tuple[str, str]]:
    """(corruption, profile) of the suite, or of those of it that are chosen."""
    cells = corruptions.SUITES[config.suite].cells
    return [(name, profile) for name, profile in cells if name in (config.corruptions or [name])]


def temporal_of(config: EvaluationConfig) -> "Temporal":
    """How the corruptions of an evaluation move: as its config says, else as its suite does.

    A corruption without that mode (a blur has no draw to repeat) moves as it always does.

    >>> temporal_of(EvaluationConfig()), temporal_of(EvaluationConfig(temporal="drift"))
    ('default', 'drift')
    """
    return config.temporal or corruptions.SUITES[config.suite].temporal


def chosen(config: EvaluationConfig, held: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells of an offline benchmark that an evaluation wants; null is all. DataError for what it does not hold."""
    names, levels = ({getattr(cell, of): None for cell in held if cell.severity} for of in ("corruption", "severity"))
    for key, wanted, there in (("corruptions", config.corruptions, names), ("severities", config.severities, levels)):
        absent = [str(each) for each in wanted or () if each not in there]
        if absent:
            raise DataError(
                f"evaluation.{key}: the benchmark holds no {some(absent)}; it holds {', '.join(map(str, there))}"
            )
    kept = tuple(
        cell
        for cell in held
        if not cell.severity
        or (cell.corruption in (config.corruptions or names) and cell.severity in (config.severities or levels))
    )
    if names and not any(cell.severity for cell in kept):
        raise DataError(
            f"evaluation.corruptions={config.corruptions} and evaluation.severities={config.severities}: the benchmark "
            "holds each of them and no two together"
        )
    return kept


def middle_cells(cells: Sequence[Cell]) -> list[Cell]:
    """The clean cell and each corruption at the middle one of its severities, in the order of `cells`.

    >>> cells = [Cell("clean", "", 0), *(Cell("fog", "cifar_c", severity) for severity in (1, 3, 5))]
    >>> [cell.severity for cell in middle_cells(cells)]
    [0, 3]
    """
    by_name: dict[str, list[Cell]] = {}
    for cell in cells:
        by_name.setdefault(cell.corruption, []).append(cell)
    return [of_name[len(of_name) // 2] for of_name in by_name.values()]
