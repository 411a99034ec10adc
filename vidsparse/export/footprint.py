"""What a network takes beside time: the bytes of its weights, and of what a forward pass holds at once."""

import os
from collections.abc import Callable

from torch import nn
from torch.profiler import ProfilerActivity, profile

_MB = 1e6


def weights_mb(model: nn.Module) -> float:
    """Megabytes (10⁶ bytes) of parameters and buffers as they are saved: a file of safetensors but for its header.

    >>> weights_mb(nn.Linear(1000, 250))
    1.001
    """
    count: int = sum(each.numel() * each.element_size() for each in model.state_dict().values())
    return round(count / _MB, 3)


def peak_mb(call: Callable[[], object]) -> float:
    """Megabytes (10⁶ bytes) of tensors on the CPU that `call` holds at once at most, beyond what is there before.

    Counted from what torch's allocator gives and takes back (`torch.profiler`), so that it is the same each time and on
    every machine that chooses the same kernels; what a kernel's library keeps to itself is not in it.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or its library writes lines of its own to the terminal
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        call()
    results = watched.profiler.kineto_results if watched.profiler else None
    now = most = 0
    for event in sorted(results.events() if results else (), key=lambda each: each.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return round(most / _MB, 3)
