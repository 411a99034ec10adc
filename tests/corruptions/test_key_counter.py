"""Keys by number: one sequence a process, worker, epoch and rank, and a sentence where two would be the same."""

import multiprocessing
import pickle

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from corruptions import Corrupt, KeyCounter
from corruptions.exceptions import CorruptionError


class Keys(Dataset):
    """Eight samples that are the keys they would be corrupted with."""

    def __init__(self, count: KeyCounter) -> None:
        self.count = count

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> str:
        return self.count()


def drawn(epochs: int, **settings: object) -> list[str]:
    """The keys of all samples of some epochs under one seed."""
    torch.manual_seed(5)
    loader = DataLoader(Keys(KeyCounter("0/train")), batch_size=None, **settings)
    return [key for _ in range(epochs) for key in loader]


def test_keys_are_numbers_in_the_order_of_the_calls():
    assert drawn(2) == [f"0/train/{n}" for n in range(16)]


@pytest.mark.parametrize("settings", [
    {"num_workers": 2},
    {"num_workers": 2, "persistent_workers": True},
    pytest.param({"num_workers": 2, "multiprocessing_context": "spawn"}, marks=pytest.mark.slow),
])  # fmt: skip
def test_two_workers_and_two_epochs_never_draw_the_same_and_the_seed_repeats_them(settings):
    keys = drawn(2, **settings)
    assert len(set(keys)) == 16
    assert keys == drawn(2, **settings)
    assert all(key.startswith("0/train/worker-") for key in keys)


def test_ranks_draw_differently(monkeypatch):
    keys = []
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        keys.append(KeyCounter("a")())
    assert keys == ["a/rank-0/0", "a/rank-1/0"]


def test_the_rank_goes_along_to_a_worker_that_is_started_anew(monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "3")
    packed = pickle.dumps(KeyCounter("a"))
    monkeypatch.delenv("SLURM_PROCID")
    assert pickle.loads(packed)() == "a/rank-3/0"


def _called(count, box) -> None:
    try:
        box.put(count())
    except CorruptionError as error:
        box.put(str(error))


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_copy_in_a_process_that_is_no_loader_worker_is_refused(start):
    context = multiprocessing.get_context(start)
    box = context.Queue()
    process = context.Process(target=_called, args=(KeyCounter("a"), box))
    process.start()
    said = box.get(timeout=60)
    process.join()
    assert "KeyCounter('a')" in said
    assert "itemgetter" in said


def test_a_batch_takes_a_number_a_sample():
    noise = Corrupt("gaussian_noise", 3, key=KeyCounter("a"))
    batch = torch.zeros(2, 3, 4, 32, 32, dtype=torch.uint8)
    made = noise(batch)
    assert (made[0] != made[1]).any()
    assert (made[1] == Corrupt("gaussian_noise", 3)(batch[1], key="a/1")).all()
