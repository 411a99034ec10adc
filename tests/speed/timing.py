"""Seconds of calls that take turns, so that what else the machine does hits all of them alike."""

from collections.abc import Callable
from time import perf_counter, process_time


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def processor_seconds(call: Callable[[], object]) -> float:
    """Processor time of this process in the better of two calls in a row: what others run does not count."""
    times = []
    for _ in range(2):
        start = process_time()
        call()
        times.append(process_time() - start)
    return min(times)


def interleaved(
    calls: dict[str, Callable[[], object]], rounds: int, timed: Callable[[Callable[[], object]], float] = seconds
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            spent = timed(call)
            if turn:  # the first round warms up
                times[name].append(spent)
    return times
