"""How kernels are compiled: ahead of the first call from a cache on disk, where there is one.

numba's own cache notices a change of a kernel's file, but not of a file it calls into.  So the cache lies in a folder named
by the content of all kernels: a release never runs machine code of another one."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import numba
from numba import njit

P = ParamSpec("P")
R = TypeVar("R")
_SOURCES: Final = (Path(__file__).parent, Path(__file__).parents[1] / "roads")


def _cache_dir() -> str:
    digest = hashlib.sha256()
    for source in sorted(path for folder in _SOURCES for path in folder.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    base = os.environ.get("RUCOR_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(base) / "rucor" / "kernels" / digest.hexdigest()[:16])


if "NUMBA_CACHE_DIR" not in os.environ:
    setattr(numba.config, "CACHE_DIR", _cache_dir())  # noqa: B010 - numba makes its settings at run time


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile without fast-math (the same bits everywhere), cached, and without the interpreter's lock."""
    compiled: Callable[P, R] = njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled


_LEAN: Final[dict[str, Any]] = {"_nrt": False}
"""Without numba's run time for references; not in its type stubs."""


def lean(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel that makes no arrays, compiled without counting references to those it is given: three times as fast where a
    loop takes many columns from their tuples."""
    compiled: Callable[P, R] = njit(cache=True, nogil=True, error_model="numpy", **_LEAN)(function)
    return compiled


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel's part: its body is put into its callers, so that the columns it reads are not handed over fix by fix."""
    compiled: Callable[P, R] = njit(inline="always")(function)
    return compiled
