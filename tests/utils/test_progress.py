"""What is said while it runs."""

import time

import pytest

from vidsparse.utils.progress import Waiting


def test_the_share_of_waiting():
    def slow():
        for number in range(3):
            time.sleep(0.06)
            yield number

    waiting, seen = Waiting(), []
    for number in waiting.timed(slow()):
        seen.append(number)
        time.sleep(0.02)
    assert seen == [0, 1, 2]
    assert 0.3 < waiting.share < 0.95


def test_an_error_of_the_batches_passes_through():
    def broken():
        yield 1
        raise RuntimeError("not well")

    with pytest.raises(RuntimeError, match="not well"):
        list(Waiting().timed(broken()))
