"""Compiled passes over a weight and its mask, called by address: half the time of a call goes with arrays otherwise.

They run on the thread that calls them, and on no other. Nothing is checked here; `masking` is the caller.
"""

from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int64, c_void_p
from typing import Any

import numba

Pass = Callable[[int, int, int], None]  # (address of the values, address of the bool mask, how many)
jit: Any = numba
_PASS = CFUNCTYPE(None, c_void_p, c_void_p, c_int64)


def _multiply(values: Any, mask: Any, size: int) -> None:
    numbers, present = jit.carray(values, size), jit.carray(mask, size)
    for place in range(size):
        numbers[place] *= numbers.dtype.type(present[place])  # else the product is made in 64 bit


def _lift(values: Any, mask: Any, size: int) -> None:
    numbers, present = jit.carray(values, size), jit.carray(mask, size)
    for place in range(size):
        one = numbers.dtype.type(1)
        numbers[place] = numbers[place] if present[place] else one


def _compiled(function: Callable[..., None], bits: int) -> Pass:
    """The machine code for numbers of so many bits, from the cache of Numba where it has one that is whole."""
    types = jit.types
    number = types.float32 if bits == 32 else types.float64
    signature = types.void(types.CPointer(number), types.CPointer(types.boolean), types.int64)
    try:
        code = jit.cfunc(signature, cache=True)(function)
    except Exception:  # no folder to cache in, or what is there is cut off
        code = jit.cfunc(signature)(function)
    _ALIVE.append(code)
    made: Pass = _PASS(code.address)
    return made


_ALIVE: list[Any] = []  # whose machine code is called
multiply = {bits: _compiled(_multiply, bits) for bits in (32, 64)}  # values ← values · mask
lift = {bits: _compiled(_lift, bits) for bits in (32, 64)}  # values ← 1 where the mask is false
