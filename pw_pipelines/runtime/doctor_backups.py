"""What `pw doctor` says of backups: keys, the off-site machine, programs, and how old the newest sets are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Literal

from pw_pipelines.errors import PwError
from pw_pipelines.settings import Settings, with_sandbox_addresses

# (what, verdict, found, mend): runtime/doctor.py makes its checks of them
Verdict = Literal["ok", "warn", "fail"]
Line = tuple[str, Verdict, str, str]
_PROGRAMS = {
    "rsync": "sudo apt-get install rsync",
    "ssh": "sudo apt-get install openssh-client",
    "mariadb-dump": "sudo apt-get install mariadb-client",
}


def backup_lines(settings: Settings, database_url: str | None) -> Iterator[Line]:
    """One line per matter. `database_url`: the warehouse's, None when nothing answers there."""
    if settings.is_sandbox:
        settings = with_sandbox_addresses(settings)
    else:
        yield _keys(settings)
        yield _offsite(settings)
    yield from _programs(settings)
    if database_url is not None:
        yield from _sets(settings, database_url)


def _keys(settings: Settings) -> Line:
    from pw_pipelines.backups.keys import identities_of, recipients_of, signing_key_of

    try:
        names = recipients_of(settings).names
        signing_key_of(settings)
        here = identities_of(settings)
    except PwError as error:
        return "backup keys", "fail", str(error), "docs/backups.md, Keys"
    if here is not None:
        return ("backup keys", "warn", f"what opens the archives lies on this machine: {here.source}",
                "keep PW_BACKUP_IDENTITY_FILE elsewhere; it is needed for drills and restores only")  # fmt: skip
    return "backup keys", "ok", f"sealed to {', '.join(name[:12] + '…' for name in names)}", ""


def _offsite(settings: Settings) -> Line:
    from pw_pipelines.backups.offsite import Offsite

    try:
        offsite = Offsite.of(settings, only_look=True)
    except PwError as error:
        return "off-site copy", "fail", str(error), "docs/backups.md, Off-site"
    if offsite is None:
        return ("off-site copy", "warn", "none: what takes this machine takes its backups",
                "set PW_OFFSITE_HOST, PW_OFFSITE_KEY_FILE and PW_OFFSITE_HOST_KEY")  # fmt: skip
    return "off-site copy", "ok", f"{offsite.user}@{offsite.host}:{offsite.port}, its host key pinned", ""


def _programs(settings: Settings) -> Iterator[Line]:
    wanted = [name for name in _PROGRAMS if name != "mariadb-dump" or settings.mariadb_host]
    lacking = [name for name in wanted if shutil.which(name) is None]
    verdict: Verdict = "warn" if settings.is_sandbox else "fail"
    if lacking:
        yield ("backup programs", verdict, f"missing: {', '.join(lacking)}",
               " && ".join(_PROGRAMS[name] for name in lacking))  # fmt: skip
    else:
        yield "backup programs", "ok", ", ".join(wanted), ""


def _sets(settings: Settings, url: str) -> Iterator[Line]:
    import psycopg

    from pw_pipelines.backups.status import standings
    from pw_pipelines.db.connection import Database

    try:
        with Database(url).connect(application="pw doctor") as connection:
            stands = standings(connection, settings, now=settings.clock.now())
    except psycopg.Error as error:
        yield "backups", "warn", f"cannot be read: {str(error).strip()}", "pw up"
        return
    for one in stands:
        what = f"backup of {one.subject}"
        if one.skipped:
            yield what, "ok", f"not made: {one.skipped}", ""
        elif one.damaged:
            yield what, "fail", f"damaged: {', '.join(one.damaged)}", "pw backup verify"
        elif one.late:
            yield what, "fail", f"late; {one.last_error or 'no set came about in time'}", f"pw backup run {one.subject}"
        elif one.age_hours is None:
            yield what, "warn", one.last_error or "there is none yet", f"pw backup run {one.subject}"
        else:
            yield what, "ok", f"{one.good} good sets, the newest of {one.age_hours:.1f} hours ago", ""
