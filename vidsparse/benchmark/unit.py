"""Make one unit: decode its clips once for all cells, corrupt them, encode, and write everything or nothing."""

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptions
from corruptions.errors import CorruptionError
from corruptions.severities import TABLES
from vidsparse import files
from vidsparse.benchmark.build import build
from vidsparse.benchmark.formats import decode, encode, is_lossless
from vidsparse.benchmark.measure import Loss, kept_strength, mean_loss
from vidsparse.benchmark.packed import place_rows
from vidsparse.benchmark.plan import Plan, Unit, part, units_of
from vidsparse.config import EvaluationConfig
from vidsparse.data import watchdog
from vidsparse.data.cells import Cell
from vidsparse.data.clips import Clips
from vidsparse.data.decoders import Frames
from vidsparse.data.sampling import view_indices
from vidsparse.data.stored import PACKED, Entry, Recipe, stored_path
from vidsparse.errors import BenchmarkError, DataError

KEEP = 512 * 2**20  # bytes of decoded clips that a worker keeps for the next cell of the same shard
Sidecar = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A unit with all that its worker must know; small, so that it can be sent anywhere.

    `cells` are those of the whole job: frames are decoded for all of them at once. `strange` asks the worker to check
    that its build is the recipe's.
    """

    root: Path
    unit: Unit
    entries: tuple[Entry, ...]
    clips: Clips
    evaluation: EvaluationConfig
    recipe: Recipe
    cells: tuple[Cell, ...]
    strange: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a unit: how many clips and bytes of it were written, and how long each part took; or why not."""

    unit: Unit
    clips: int = 0
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    host: str = ""
    error: str = ""


def task_of(plan: Plan, unit: Unit, cells: tuple[Cell, ...], strange: bool = False) -> Task:
    """The task of one unit."""
    entries = plan.shard(unit.shard)
    clips, evaluation = part(plan.clips, entries), plan.config.evaluation
    return Task(plan.stored.root, unit, entries, clips, evaluation, plan.recipe, cells, strange)
