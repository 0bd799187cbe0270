"""What is checked before anything starts, so that it fails with a sentence instead of a stack trace."""

import ctypes.util
import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from deploy.embedded.children import write_private
from deploy.embedded.errors import StackError

DISK_FLOOR_BYTES: Final = 1024**3
LAYOUT: Final = 1
FORMAT_FILE: Final = "format.json"
# What WeasyPrint opens at run time, with the Debian and Ubuntu packages that bring it (GLib's name differs by release).
PDF_LIBRARIES: Final = {
    "gobject-2.0": "libpango-1.0-0",
    "pango-1.0": "libpango-1.0-0",
    "pangoft2-1.0": "libpangoft2-1.0-0",
    "harfbuzz": "libpangoft2-1.0-0",
    "fontconfig": "libpangoft2-1.0-0",
}


def open_data_dir(data_dir: Path) -> TextIO:
    """Make the folder (0700) and take its lock; the open file is the lock.  StackError where another stack has it."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir.chmod(0o700)
        lock = (data_dir / "lock").open("a+")
    except OSError as error:
        raise StackError(
            f"The data folder {data_dir} cannot be used: {error.strerror}.  Choose another with --data-dir."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StackError(
            f"A stack is running on {data_dir} already (pid {holder}).  Use that one, stop it (Ctrl-C, or kill {holder}), "
            "or choose another folder with --data-dir."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def check_free_space(folder: Path, floor_bytes: int = DISK_FLOOR_BYTES) -> None:
    """StackError where the folder's file system has less than the floor left."""
    free = shutil.disk_usage(folder).free
    if free < floor_bytes:
        raise StackError(
            f"The disk is full: {free / 1024**2:,.0f} MiB free at {folder}, at least {floor_bytes / 1024**2:,.0f} are needed.  "
            "Free some space, or choose a folder on another disk with --data-dir."
        )


def check_pdf_libraries(libraries: Mapping[str, str] = PDF_LIBRARIES) -> None:
    """StackError naming the command that installs what the pdf service lacks."""
    missing = {library: package for library, package in libraries.items() if not _loads(library)}
    if missing:
        raise StackError(
            f"The pdf service lacks native libraries: {', '.join(sorted(missing))}.  Type:\n"
            f"  apt-get update && apt-get install -y {' '.join(sorted(set(missing.values())))}\n"
            "(elsewhere: dnf install pango, apk add pango, brew install pango)"
        )


def _loads(library: str) -> bool:
    """Whether the system's loader finds it; asked directly where the search finds nothing (no ldconfig, no compiler)."""
    found = ctypes.util.find_library(library)
    try:
        ctypes.CDLL(found or f"lib{library}.so.0")
    except OSError:
        return False
    return True


def check_format(data_dir: Path, kafka_version: str) -> None:
    """Refuse a folder that a newer release or a newer Kafka wrote; note what writes it from now on."""
    path = data_dir / FORMAT_FILE
    if path.exists():
        try:
            written = json.loads(path.read_text())
            layout, kafka = int(written["layout"]), str(written["kafka"])
        except (ValueError, KeyError, TypeError) as error:
            raise StackError(
                f"{path} is damaged ({error!r}).  Put back the copy that belongs to this folder."
            ) from error
        if layout > LAYOUT or _numbers(kafka) > _numbers(kafka_version):
            raise StackError(
                f"{data_dir} was written by a newer release (layout {layout}, Kafka {kafka}; this one has layout {LAYOUT}, "
                f"Kafka {kafka_version}).  Start that release, or choose another folder with --data-dir."
            )
    write_private(path, json.dumps({"layout": LAYOUT, "kafka": kafka_version}))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
