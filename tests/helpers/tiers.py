"""Two tiers: what carries the mark `slow`, and the rest, which a newcomer runs first (`make test`)."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

import pytest

CASES = 3  # of one test in the fast tier


def leave_to_the_slow_tier(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The cases of each parametrised test past its first `CASES`, in an order that the hash of their names gives.

    So the choice is the same in every process and on every day, and a case more moves no other one."""
    tests = defaultdict(list)
    for item in items:
        tests[item.nodeid.split("[")[0]].append(item)
    return [item for cases in tests.values() for item in sorted(cases, key=_by_hash)[CASES:]]


def _by_hash(item: pytest.Item) -> bytes:
    return blake2b(item.nodeid.encode("utf-8", "surrogatepass"), digest_size=8).digest()
