"""Ten thousand fuzzed inputs: each is right, or refused in one sentence, in time and within memory. `make soak`."""

import os
from pathlib import Path

import pytest

from helpers.fuzzed import fuzz

INPUTS = int(os.environ.get("VIDSPARSE_FUZZED", "10000"))
FIRST = int(os.environ.get("VIDSPARSE_FUZZ_SEED", "0"))  # of the seeds; another one tries other inputs


@pytest.mark.filterwarnings("ignore")
def test_every_input_is_right_or_refused(tmp_path: Path) -> None:
    tally = fuzz(tmp_path, INPUTS, FIRST)
    print("", *tally.rows(), sep="\n")
    assert not tally.findings, "\n".join(f"{kind} {seed}: {said}" for kind, seed, said in tally.findings[:50])
