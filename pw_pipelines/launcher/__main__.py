"""`python -m pw_pipelines.launcher`: the warm process of this home, until SIGTERM."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable


def main() -> int:
    """The exit code of the parent. Forks never come back from here."""
    from pw_pipelines.launcher.server import Options, Warm
    from pw_pipelines.settings import load_settings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-seconds", type=float)
    parser.add_argument("--drain-seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    again = [sys.executable, "-m", "pw_pipelines.launcher", *sys.argv[1:]]
    home = load_settings().home.absolute()
    warm = Warm(Options(home, arguments.idle_seconds, arguments.drain_seconds, again))
    if not warm.begin():
        return 0
    deed = warm.serve()
    if deed is not None:
        _fork_ends(deed)
    return 0


def _fork_ends(deed: Callable[[], int]) -> None:
    """Does the deed and ends the process as the interpreter would, but without taking the shared memory apart."""
    code = 1
    try:
        code = deed()
    except BaseException:  # noqa: BLE001  # it ends here, whatever it was; the parent sees the code
        traceback.print_exc()
    finally:
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    raise SystemExit(main())
