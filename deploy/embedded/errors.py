"""What stops the stack from starting or running, in words that say what to do."""

import re
from typing import Final

_MISSING_LIBRARY: Final = re.compile(r"error while loading shared libraries: (?P<library>[^\s:]+)")

# Debian and Ubuntu packages of the few libraries the wheels expect from the system.
_APT_PACKAGE: Final = {
    "libz.so.1": "zlib1g",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libreadline.so.8": "libreadline8",
    "libuuid.so.1": "libuuid1",
    "libxml2.so.2": "libxml2",
}


class StackError(Exception):
    """The stack cannot start or go on.  The message is for the user: what happened, and what to do about it."""


def missing_library(output: str) -> StackError | None:
    """The error for a program that the system's loader refused, from the program's output; None where it was not that."""
    found = _MISSING_LIBRARY.search(output)
    if found is None:
        return None
    library = found["library"]
    package = _APT_PACKAGE.get(library)
    remedy = (
        f"apt-get install -y {package}"
        if package
        else f"apt-get install -y apt-file && apt-file update && apt-file search {library}, and install what it names"
    )
    return StackError(f"A native library is missing: {library}.  Type: {remedy}")
