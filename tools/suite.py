"""All tests, a worker more than there are processors, because browsers and servers are waited for.

A suite that starts hundreds of servers, browsers and clocks on a busy machine now and then fails for the crowd's sake.
Up to three tests that failed are looked at again, alone, twice; whoever passes both times is named at the end for
somebody to mend, and fails nothing. Who fails again, or a fourth, fails the suite.

    tools/suite.py [pytest's arguments]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

MOST, LOOKS = 3, 2
FAILED = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1  # pytest's exit code


def pytest(*arguments: str) -> int:
    """Exit code of one run."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def failed() -> list[str]:
    """Tests of the last run that failed, without their xdist group; a module that could not be read is one too."""
    try:
        return sorted({re.sub(r"@\w+$", "", test) for test in json.loads(FAILED.read_text())})
    except FileNotFoundError:
        return []


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    FAILED.unlink(missing_ok=True)
    result = pytest("-n", str((os.cpu_count() or 1) + 1), *arguments)
    tests = failed()
    if result != TESTS_FAILED or not 0 < len(tests) <= MOST or any("::" not in test for test in tests):
        return result
    say(f"\n{len(tests)} tests failed. Each is looked at again, alone, {LOOKS} times.\n\n")
    for _ in range(LOOKS):
        if result := pytest("-n", "0", *tests):
            return result
    say(f"\nPassed alone {LOOKS} times, but not among others. To be mended:\n")
    say("".join(f"  {test}\n" for test in tests))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
