"""Compilation of the pixel kernels."""

import glob
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(*signatures: str) -> Callable[[F], F]:
    """Compile a function for these signatures, on one thread, when its module is imported.

    The machine code is cached beside the source, or in the user's cache folder where the package is read-only, or not
    at all where neither can be written. A cache that is damaged (cut off by a full disk or a kill) is removed and made
    again. The cache knows its own source file only, so a kernel must not call one of another file.
    """

    def compile_it(function: F) -> F:
        for _ in range(2):
            try:
                return _cached(function, signatures)
            except Exception:  # a pickle that is cut off, a disk that is full; or there is no folder to cache in
                _forget(function)
        return cast(F, numba.njit([*signatures], nogil=True)(function))

    return compile_it


def _cached(function: F, signatures: tuple[str, ...]) -> F:
    compiled = numba.njit(cache=True, nogil=True)(function)
    _forget(function, older_than_ns=Path(function.__code__.co_filename).stat().st_mtime_ns)
    for signature in signatures:
        compiled.compile(signature)
    compiled.disable_compile()
    return cast(F, compiled)


def _forget(function: Callable[..., Any], older_than_ns: int | None = None) -> None:
    """Remove what Numba cached of a function, as far as that can be done: all, or what is older than its source.

    Numba writes its index before the code: one that was killed in between would give the code of an older source.
    """
    with suppress(Exception):
        folder = numba.njit(cache=True)(function).stats.cache_path
        module = Path(function.__code__.co_filename).stem
        named = f"{module}.{function.__qualname__}-{function.__code__.co_firstlineno}."
        for path in Path(str(folder)).glob(f"{glob.escape(named)}*.nb[ci]"):
            if older_than_ns is None or path.stat().st_mtime_ns < older_than_ns:
                path.unlink(missing_ok=True)
