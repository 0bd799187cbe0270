"""Becomes another program, tied to its parent: run by path with `python -I -S`, it never imports the project.

usage: launch.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT…]      (UID -1: stay who you are)

A fork callback would do the same inside the supervisor, which has threads: that deadlocks now and then and Python warns.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it.  The signal comes when the *thread* that started us ends: see children.Spawner.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent ended before its child began")
    os.umask(0o077)
    os.execv(program[0], program)  # noqa: S606 - becoming the program is what this file is for


if __name__ == "__main__":
    main()
