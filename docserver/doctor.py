"""`python -m docserver doctor`: what is wrong on this machine, and how to mend it. Leaves everything as it was."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from docserver.settings import WorkerSettings
from pw_pipelines.documents.docserver import HEARTBEAT, DocServer
from pw_pipelines.errors import PwError

FONTS = ("Times New Roman", "Arial")  # what the templates use
SKEW_WARN, SKEW_FAIL = 60.0, 900.0  # S3 refuses a request signed fifteen minutes off
FREE_GB = 1.0
Verdict = Literal["ok", "look", "FAIL"]
Line = tuple[Verdict, str, str]


def tell(settings: WorkerSettings, converter: str) -> int:
    """Prints a line for each thing looked at; the exit code is 1 when one would keep it from working."""
    lines = list(examine(settings, converter))
    for verdict, name, detail in lines:
        sys.stdout.write(f"{verdict:5}{name:14}{detail}\n")
    return int(any(verdict == "FAIL" for verdict, _, _ in lines))


def examine(settings: WorkerSettings, converter: str) -> Iterator[Line]:
    """(verdict, name, detail with the remedy)."""
    good = sys.version_info >= (3, 11)
    yield "ok" if good else "FAIL", "python", f"{platform.python_version()} on {platform.system()}"
    yield from _word() if converter == "word" else _libreoffice()
    yield from _fonts()
    Path(settings.state).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.state).free / 1e9
    yield "ok" if free > FREE_GB else "look", "disk", f"{free:.1f} GB free at {settings.state}"
    yield from _store(settings)


def _word() -> Iterator[Line]:
    from docserver.windows import WindowsCom, session
    from docserver.word import Word

    try:
        com = WindowsCom()
    except PwError as missing:
        yield "FAIL", "word", str(missing)
        return
    number = session()
    yield (
        ("ok", "session", f"{number}, a person's")
        if number
        else ("FAIL", "session", "0, that of services: Word has no desktop there; run it as the task does")
    )
    if running := com.automated():
        yield "ok", "word", f"works now: process {', '.join(map(str, running))} (not started a second time)"
        return
    word = Word(com, Path.cwd())
    try:
        word.start()
        yield "ok", "word", word.version
    except PwError as away:
        yield "FAIL", "word", str(away)
    finally:
        word.close()


def _libreoffice() -> Iterator[Line]:
    from pw_pipelines.documents.office import python_with_uno, soffice

    try:
        yield "ok", "libreoffice", f"{soffice()}, asked by {python_with_uno()}"
    except PwError as missing:
        yield "FAIL", "libreoffice", str(missing)


def _fonts() -> Iterator[Line]:
    if os.name == "nt":
        from docserver.windows import fonts

        there = "\n".join(fonts())
    else:
        listed = shutil.which("fc-list")
        there = subprocess.run([listed, ":", "family"], capture_output=True, text=True).stdout if listed else ""  # noqa: PLW1510
        there = there.replace("Liberation Serif", "Times New Roman").replace("Liberation Sans", "Arial")  # same widths
    missing = [font for font in FONTS if font not in there]
    yield (
        ("look", "fonts", f"{', '.join(missing)} not installed: pages will break elsewhere")
        if missing
        else ("ok", "fonts", ", ".join(FONTS))
    )


def _store(settings: WorkerSettings) -> Iterator[Line]:
    key, content = f"clock/.tmp_doctor_{uuid.uuid4().hex}", uuid.uuid4().bytes
    try:
        server = DocServer(settings.url, settings.store_options())
        server.put(key, content)
        same = server.get(key) == content
        server.delete(key)
        ahead = server.seconds_ahead()
        age, beat = server.age_seconds(HEARTBEAT), server.heartbeat()
    except PwError as away:
        yield "FAIL", "store", f"{away} Also look at this machine's clock: S3 refuses one that is 15 minutes off."
        return
    yield "ok" if same else "FAIL", "store", f"{settings.url} takes, gives and deletes"
    off = abs(ahead)
    verdict: Verdict = "ok" if off < SKEW_WARN else "look" if off < SKEW_FAIL else "FAIL"
    yield verdict, "clock", f"{ahead:+.0f} s against the store's"
    if age is None or beat is None:
        yield "look", "heartbeat", "none yet: the worker never ran"
    elif age > settings.stale_seconds or beat.trouble:
        yield "look", "heartbeat", f"{age:.0f} s old, of {beat.worker}: {beat.trouble or 'it is away'}"
    else:
        at = f"works {beat.current_job} for {beat.busy_seconds:.0f} s" if beat.current_job else "waits"
        yield "ok", "heartbeat", f"{age:.0f} s old, of {beat.worker}: {at}"
