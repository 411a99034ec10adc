"""Several processes have the same masks, bit by bit, and those that one process on the whole batch has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from helpers import ranks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def together(jobs: str, world: int, folder: Path) -> list[dict]:
    """What each process ended with."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "helpers" / "ranks.py"), jobs, str(rank), str(world), str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world)
    ]
    said = [process.communicate(timeout=250)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes), "\n".join(said)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world)]


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(value, two[name]) for name, value in one.items())


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[dict]:
    """Two processes, all jobs."""
    return together("small,r3d,fsdp", 2, tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def alone() -> dict[str, tuple]:
    """One process on the whole batches."""
    return {method: ranks.train_small(method) for method in ranks.WITHOUT_STATISTICS}


def assert_together(results: list[dict], alone: dict[str, tuple]) -> None:
    first, *others = (result["small"] for result in results)
    for name, (masks, _, updates) in first.items():
        assert updates >= 2
        assert all(same(masks, other[name][0]) for other in others), name
    for method in (*alone, "accumulated"):
        model, sparse = alone["rigl" if method == "accumulated" else method]
        masks, weights, updates = first[method]
        assert sparse.updates == updates
        assert same(masks, sparse.masks), method
        for name, value in model.state_dict().items():
            assert torch.allclose(value, weights[name], rtol=1e-9, atol=1e-12)


def test_two_processes_have_equal_masks_which_are_those_of_one(pair, alone):
    assert_together(pair, alone)


def test_three_processes_have_equal_masks_which_are_those_of_one(alone, tmp_path):
    assert_together(together("small", 3, tmp_path), alone)


def test_r3d_18_in_32_bit_agrees_with_one_process(pair):
    one, two = (result["r3d"]["r3d_18"] for result in pair)
    assert same(one, two)
    alone = ranks.train_r3d()[1]
    assert alone.updates == 3
    common = sum(int((mask & alone.masks[name]).sum()) for name, mask in one.items())
    assert common >= 0.999 * sum(int(mask.sum()) for mask in alone.masks.values())


def test_sharded_models_are_refused_in_a_sentence(pair):
    assert all("sharded (FSDP)" in result["fsdp"]["sharded"] for result in pair)
