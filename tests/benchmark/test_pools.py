"""Workers die; what they were doing is done again, and only what kills every worker fails."""

import os
import signal
import time
from operator import itemgetter
from pathlib import Path

import pytest

from vidsparse.benchmark.pools import DEATHS, carry_out, open_pool
from vidsparse.config import ClusterConfig


def square(number: int) -> int:
    return number * number


def die_once(task: tuple[Path, int]) -> int:
    folder, number = task
    mark = folder / str(number)
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(number: int) -> int:
    raise ValueError(f"no {number}")


def whose(task: tuple[str, int]) -> tuple[str, int]:
    time.sleep(0.02)
    return task[0], os.getpid()


def lost(item: object, why: str) -> object:
    return f"lost {item}: {why}"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_item_is_done_once(workers):
    with open_pool(workers, ClusterConfig()) as pool:
        assert sorted(carry_out(pool, square, range(10), lost)) == [n * n for n in range(10)]


def test_what_a_dead_worker_was_doing_is_done_again(tmp_path):
    with open_pool(2, ClusterConfig()) as pool:
        done = carry_out(pool, die_once, [(tmp_path, number) for number in range(7)], lost)
        assert sorted(done) == list(range(7))


@pytest.mark.slow
def test_what_kills_every_worker_fails_alone():
    with open_pool(2, ClusterConfig()) as pool:
        done = sorted(map(str, carry_out(pool, die_always, range(6), lost)))
    assert done == ["0", "1", "3", "4", "5", f"lost 2: the process that made it died {DEATHS} times: out of memory, or "
                    "killed"]  # fmt: skip


def test_errors_of_the_work_itself_come_out():
    for workers in (0, 2):
        with open_pool(workers, ClusterConfig()) as pool, pytest.raises(ValueError, match="no 0"):
            list(carry_out(pool, fail, range(1), lost))


def test_nothing_begins_once_it_is_not_wanted_any_more():
    seen: list[int] = []
    with open_pool(0, ClusterConfig()) as pool:
        seen.extend(carry_out(pool, square, range(10), lost, lambda: len(seen) < 3))
    assert seen == [0, 1, 4]


def test_a_worker_stays_with_its_group_and_helps_when_no_other_is_left():
    items = [(group, number) for group in "abcd" for number in range(6)]
    with open_pool(2, ClusterConfig()) as pool:
        done = list(carry_out(pool, whose, items, lost, group_of=itemgetter(0)))
    assert sorted(group for group, _ in done) == sorted(group for group, _ in items)
    assert len({process for _, process in done}) == 2
    assert len(set(done)) <= 4 + 1, "only the last group is shared"
