"""Which Chromium this machine has, and how it is started. `python -m pw_pipelines.runtime.browser` says and tries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.errors import ConfigError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The shell first: Chromium's engine without its windows, whose new context takes a fifth of the processor's time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TRY_SECONDS = 20
BY_HAND = "sudo apt-get install chromium-headless-shell"


def chromium_path() -> Path | None:
    """The Chromium that works here: the system's, else the one Playwright fetched; None without one.

    Ubuntu's `chromium-browser` may be a wrapper that only asks for snap, so each is started once.
    """
    found = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in (*found, _playwrights()) if path and _starts(path)), None)


def launch(playwright: Playwright) -> Browser:
    """A headless browser that talks to nobody on its own. Raises ConfigError when this machine has no Chromium."""
    path = chromium_path()
    if path is None:
        raise ConfigError(f"No working Chromium; install it with: {BY_HAND} (or run `make up`).")
    arguments = ["--disable-background-networking", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own sandbox refuses to work for root
    return playwright.chromium.launch(executable_path=str(path), args=arguments)


def _starts(path: str) -> bool:
    try:
        return (
            subprocess.run([path, "--version"], capture_output=True, timeout=TRY_SECONDS, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights() -> str | None:
    """Playwright's own build, if it was fetched; found without starting Playwright's driver."""
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for build in ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/chrome-linux*/chrome"):
        if found := sorted(root.glob(build), key=lambda path: path.stat().st_mtime):
            return str(found[-1])
    return None


def main() -> int:
    """0 and the path, or 1; asked for `quick`, 1 for a browser with windows too."""
    path = chromium_path()
    if path and "quick" in sys.argv[1:] and "headless" not in path.name:
        return 1
    sys.stdout.write(f"{path}\n" if path else "")
    return 0 if path else 1


if __name__ == "__main__":
    raise SystemExit(main())
