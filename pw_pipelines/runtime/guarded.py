"""Becomes a child process that cannot outlive its supervisor: `guarded.py SUPERVISOR_PID PROGRAM ARGUMENT…`.

Run as a script, with the standard library alone. Asks the kernel for SIGTERM when the parent dies (Linux), puts
signals back to their defaults (Dagster's processes ignore SIGTERM when they inherit an ignored SIGINT, as from
`pw up &` in a script) and then becomes the program, so there is no process in between.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(supervisor: int, command: list[str]) -> None:
    """Never returns: the process becomes `command`, or ends when the supervisor is already gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it died before the kernel was asked
        raise SystemExit(0)
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
