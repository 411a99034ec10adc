"""What an update of the topology has to reach. Reading this imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What the update after `step` has to reach.

    `surplus`: non-zeros that are to go from all layers together. `target`: non-zeros of each layer in the end.
    `planned`: those of the distribution after this step. `heads`: the layers whose neurons, the classes, are never
    ablated.
    """

    step: int
    total_steps: int
    surplus: int
    target: Mapping[str, int]
    planned: Mapping[str, int]
    heads: frozenset[str]
