"""Every kind of fuzzed input as a row: what makes its trials, and its share of a run."""

import importlib.util
import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from helpers.fuzzed_files import pictures_trial, videos_trial
from helpers.fuzzed_lists import arrays_trial, lists_trial, names_trial
from helpers.fuzzed_records import configs_trial, frost_trial, records_trial
from helpers.fuzzing import Tally, Trial, tried


def calls_trial(folder: Path) -> Trial:
    """A trial of a call of the corruptions with odd arguments, as tests/corruptions/test_arguments.py makes them."""
    path = Path(__file__).parents[1] / "corruptions" / "test_arguments.py"
    spec = importlib.util.spec_from_file_location("odd_arguments", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def trial(rng: random.Random) -> str:
        module.tried(rng.randrange(2**32))
        return "right or refused"

    return trial


SHARES: dict[str, tuple[Callable[[Path], Trial], float]] = {  # parts of a run; the slow ones are few
    "videos": (videos_trial, 0.1),
    "pictures": (pictures_trial, 0.35),
    "lists": (lists_trial, 0.25),
    "files of class names": (names_trial, 0.06),
    "arrays": (arrays_trial, 0.08),
    "records": (records_trial, 0.05),
    "configs and words": (configs_trial, 0.02),
    "frost photographs": (frost_trial, 0.01),
    "calls": (calls_trial, 0.08),
}


def fuzz(folder: Path, inputs: int, first: int, kinds: tuple[str, ...] = tuple(SHARES)) -> Tally:
    """Try so many inputs of all kinds, by their shares; `first` is the first seed of each."""
    tally = Tally()
    for kind in kinds:
        make, share = SHARES[kind]
        trial = make(folder / kind)
        for seed in _seeds(first, max(1, round(inputs * share))):
            tried(kind, trial, seed, tally)
    return tally


def _seeds(first: int, inputs: int) -> Iterator[int]:
    return (seed for seed, _ in zip(count(first), range(inputs), strict=False))
