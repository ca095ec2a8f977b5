"""`pw doctor`: what is missing or misconfigured, and the command that mends it. Changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pw_pipelines import native
from pw_pipelines.errors import PwError
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.runtime.credentials import NEEDED_LIVE, missing_credentials
from pw_pipelines.runtime.dagster_api import DagsterApi
from pw_pipelines.runtime.ports import is_free
from pw_pipelines.runtime.processes import LOCATION, http_answers, leftovers
from pw_pipelines.runtime.running import RunningHouse, running_house
from pw_pipelines.settings import PROJECT_ROOT, Settings
from pw_pipelines.settings_secrets import origins

NEEDED_GB = 3.0  # packages 1.3, one sandbox home 0.5 after a month, room to dump a database
COMMAND_SECONDS = 60
UV_PLACES = ("uv", ".pw/tools/venv/bin/uv", ".pw/tools/lib/bin/uv")  # where tools/setup.sh puts it

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One thing looked at. `warn`: something will be skipped or slower; `fail`: the house will not work."""

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which things are needed. `settings.home` must be absolute."""
    house = running_house(settings.home)
    yield _python()
    yield _packages()
    yield _binaries()
    yield _disk(settings)
    yield from _home(settings, house)
    yield _chromium()
    yield _libreoffice()
    yield _compiled()
    yield _drill_programs(settings)
    yield _word_server(settings)
    yield _database(settings)
    yield _manifest()
    yield from _house(house)
    yield from _credentials(settings)
    yield from _backups(settings)
    yield from _secrets(settings)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check("python", "ok" if good else "fail", f"{version} at {sys.executable}",
                 "" if good else "install Python 3.11, 3.12 or 3.13, then: rm -rf .venv && make setup")  # fmt: skip


def _packages() -> Check:
    uv = next((place for place in UV_PLACES if shutil.which(place, path=None)), None)
    if uv is None:
        return Check("packages", "warn", "uv is not here, so the lock file cannot be compared", "make setup")
    done = _output([uv, "sync", "--frozen", "--check", "--offline"])
    if done is not None and done.returncode == 0:
        return Check("packages", "ok", "installed as uv.lock says")
    return Check("packages", "warn", "the installed packages differ from uv.lock", "make setup")


def _binaries() -> Check:
    from pw_pipelines.db.embedded import binaries

    try:
        done = _output([str(binaries() / "postgres"), "--version"])
    except PwError as error:
        return Check("embedded PostgreSQL", "fail", str(error), "make setup")
    if done is None or done.returncode:
        return Check("embedded PostgreSQL", "fail", "its binaries do not start here", "set PW_DATABASE_URL to a server")
    return Check("embedded PostgreSQL", "ok", done.stdout.strip())


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.home).free / 1e9
    good = free >= NEEDED_GB
    return Check("disk", "ok" if good else "warn", f"{free:.1f} GB free at {settings.home}",
                 "" if good else f"free some space (want {NEEDED_GB:.0f} GB), or move PW_HOME")  # fmt: skip


def _home(settings: Settings, house: RunningHouse | None) -> Iterator[Check]:
    if not os.access(settings.home, os.W_OK):
        yield Check("home", "fail", f"{settings.home} is not writable", f"sudo chown -R $USER {settings.home}")
    if house is not None:
        yield Check("ports", "ok", f"in use by our own `pw up`: {house.web_url}, {house.dagster_url}")
        return
    left = leftovers(settings.home)
    if left:
        yield Check("left-overs", "warn", f"{len(left)} processes of an earlier `pw up` still live", "pw up")
    wanted = {"PW_WEB_PORT": settings.web_port, "PW_DAGSTER_PORT": settings.dagster_port}
    if settings.is_sandbox:
        wanted["PW_SANDBOX_PORT"] = settings.sandbox_port
    taken = [f"{name} {port}" for name, port in wanted.items() if not is_free(settings.bind_host, port)]
    yield Check("ports", "warn" if taken else "ok",
                f"taken: {', '.join(taken)}; the next free ones are used" if taken else "free",
                "nothing, or set those variables" if taken else "")  # fmt: skip


def _chromium() -> Check:
    path = chromium_path()
    return Check("chromium", "ok" if path else "warn", str(path or "none that starts; browser tests are skipped"),
                 "" if path else BY_HAND)  # fmt: skip


def _libreoffice() -> Check:
    path = shutil.which("soffice") or shutil.which("libreoffice")
    return Check("libreoffice", "ok" if path else "warn", path or "none; documents cannot be converted",
                 "" if path else "sudo apt-get install libreoffice-writer")  # fmt: skip


def _compiled() -> Check:
    if native.IS_COMPILED:
        return Check("compiled inner loops", "ok", "in use")
    return Check("compiled inner loops", "warn", "none; registers of companies take 2.5 times as long to load",
                 "sudo apt-get install gcc libc6-dev, then make setup")  # fmt: skip


def _word_server(settings: Settings) -> Check:
    from pw_pipelines.monitoring import word_server

    name, mend = "word server", "docs/documents.md, “Word server is away”"
    if settings.word == "never":
        return Check(name, "ok", "PW_WORD=never: LibreOffice makes all documents")
    try:
        seen = word_server.look(settings)
    except PwError as error:
        return Check(name, "fail", str(error), "check PW_DOCSERVER_URL and the AWS_* variables")
    if seen is None:
        return Check(name, "ok", "none yet; LibreOffice makes all documents")
    if seen.wrong:
        return Check(name, "warn", f"{seen.sentence}: {'; '.join(seen.wrong)}. LibreOffice makes all documents", mend)
    return Check(name, "ok", seen.sentence)


def _drill_programs(settings: Settings) -> Check:
    """What a restore drill needs beyond a backup; in the sandbox also what the off-site stand-in is made of."""
    from pw_pipelines.backups import scratch_mariadb

    lacking = dict.fromkeys(scratch_mariadb.missing(), "mariadb-server-core mariadb-client")
    if settings.is_sandbox:
        from pw_pipelines.sandbox import offsite

        lacking |= dict.fromkeys(offsite.missing(), "openssh-server rsync")
    if not lacking:
        return Check("drill programs", "ok", "a MariaDB to restore into can be started")
    packages = " ".join(sorted(set(lacking.values())))
    return Check("drill programs", "warn", f"{', '.join(sorted(lacking))} missing; what needs them is skipped",
                 f"sudo apt-get install {packages}")  # fmt: skip


def _database(settings: Settings) -> Check:
    from psycopg import Error

    from pw_pipelines.db.connection import Database, pending_revisions

    url = warehouse_url(settings)
    if url is None:
        return Check("database", "ok", "the embedded server is not running; the next command starts it")
    try:
        pending = pending_revisions(url)
    except (Error, PwError) as error:
        return Check("database", "fail", f"{Database(url)!r} cannot be used: {str(error).strip()}",
                     "check PW_DATABASE_URL, or unset it to use the embedded server")  # fmt: skip
    if pending:
        return Check("database", "warn", f"{Database(url)!r} lacks migrations {', '.join(pending)}", "pw up")
    return Check("database", "ok", f'{Database(url)!r}, fully migrated; SQL: psql "$(pw doctor --database-url)"')


def warehouse_url(settings: Settings) -> str | None:
    """postgresql:// URL of the warehouse, password included; None while the embedded server rests."""
    from pw_pipelines.db.embedded import Embedded

    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    embedded = Embedded(settings.home)
    return embedded.connect_url("pw") if embedded.alive() else None


def _backups(settings: Settings) -> Iterator[Check]:
    from pw_pipelines.runtime.doctor_backups import backup_lines

    for what, verdict, found, mend in backup_lines(settings, warehouse_url(settings)):
        yield Check(what, verdict, found, mend)


def _manifest() -> Check:
    from pw_pipelines.compliance.manifest import is_fresh

    stale = not is_fresh()
    return Check("dbt manifest", "warn" if stale else "ok",
                 "missing or older than the models" if stale else "as new as the models",
                 "pw up" if stale else "")  # fmt: skip


def _house(house: RunningHouse | None) -> Iterator[Check]:
    if house is None:
        yield Check("house", "warn", "`pw up` does not run in this home", "pw up")
        return
    asked: list[tuple[str, Callable[[], bool]]] = [
        ("web app", http_answers(f"{house.web_url}/health")),
        ("door of Dagster", http_answers(f"{house.dagster_url}/door/health")),
    ]
    if house.sandbox_url:
        asked.append(("sandbox", http_answers(f"{house.sandbox_url}/_control/health")))
    for name, answers in asked:
        yield (
            Check(name, "ok", "answers")
            if answers()
            else Check(name, "fail", "does not answer", "look at the end of its log in PW_HOME/logs; restart `pw up`")
        )
    api = DagsterApi(house.api_url)
    try:
        problem = api.location_error(LOCATION)
        tired = [name for name, healthy in api.daemons().items() if not healthy]
    except PwError as error:
        yield Check("dagster", "fail", str(error), "restart `pw up`")
        return
    if problem:
        yield Check("dagster", "fail", f"the code location does not load: {problem}", "mend it, then restart `pw up`")
    elif tired:
        yield Check("dagster", "fail", f"daemons without a heartbeat: {', '.join(tired)}", "restart `pw up`")
    else:
        yield Check("dagster", "ok", f"{house.dagster_url}: location loaded, daemons healthy")


def _credentials(settings: Settings) -> Iterator[Check]:
    if settings.is_sandbox:
        yield Check("live credentials", "ok", "not needed in the sandbox")
        return
    missing = missing_credentials(settings)
    for name in missing:
        purpose = NEEDED_LIVE[name.removeprefix("PW_").lower()]
        yield Check(name, "fail", f"not set; needed for {purpose}", f"export {name}=…")
    if not missing:
        yield Check("live credentials", "ok", f"all {len(NEEDED_LIVE)} are set")


def _secrets(settings: Settings) -> Iterator[Check]:
    """From where each secret comes, never what it is."""
    known = list(origins(Settings, os.environ))
    for origin in known:
        if origin.is_open_to_all:
            yield Check(origin.name, "fail" if not settings.is_sandbox else "warn",
                        f"{origin.said}, which everybody on this machine can read",
                        f"chmod 600 {origin.path}")  # fmt: skip
    said = "; ".join(f"{origin.name}: {origin.said}" for origin in known)
    yield Check("secrets", "ok", said or "none is given")


def _output(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """The finished command, None when it could not be started or took too long."""
    try:
        return subprocess.run(
            command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
