"""Compilation of the pixel kernels."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(*signatures: str) -> Callable[[F], F]:
    """Compile a function for these signatures, on one thread, when its module is imported.

    The machine code is cached beside the source, or in the user's cache folder where the package is read-only, or not
    at all where neither can be written. The cache knows its own source file only, so a kernel must not call one of
    another file.
    """

    def compile_it(function: F) -> F:
        try:
            return cast(F, numba.njit([*signatures], cache=True, nogil=True)(function))
        except RuntimeError:  # Numba found no folder to cache in
            return cast(F, numba.njit([*signatures], nogil=True)(function))

    return compile_it
