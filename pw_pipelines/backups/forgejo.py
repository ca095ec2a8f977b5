"""Forgejo's part of a backup: its own dump, asked for by a command; its database natively beside it when we know it.

Forgejo's dump of a running server is not of one moment, and its SQL comes from its ORM: for the database the native
dump counts. A restore accepts drift between database and repositories of the minutes in between.
"""

from __future__ import annotations

import gzip
import shlex
import tarfile
from pathlib import Path

from pw_pipelines import faults
from pw_pipelines.backups.capture import Captured, Ground, Plain, moment_of
from pw_pipelines.backups.model import BackupDamaged
from pw_pipelines.backups.postgres import check_dump, environment_of, server_major, tools_for
from pw_pipelines.backups.programs import run
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

ARCHIVE = "forgejo.tar.gz"
DATABASE = "forgejo_database.dump"
_NEEDED = ("app.ini", "repos")  # what a dump that is worth anything has, as file or folder


def is_configured(settings: Settings) -> bool:
    """Whether there is a Forgejo to back up."""
    return bool(settings.forgejo_dump_command)


def capture(ground: Ground, scratch: Path) -> Captured:
    """forgejo.tar.gz, and forgejo_database.dump where PW_FORGEJO_DATABASE_URL is set. Raises BackupError."""
    settings = ground.settings
    if not settings.forgejo_dump_command:
        raise ConfigError("PW_FORGEJO_DUMP_COMMAND is not set; docs/backups.md shows one.")
    seconds = settings.backup_timeout_minutes * 60
    moment = moment_of(ground)
    plains, tools, findings = [], {"forgejo": "as deployed"}, []
    if settings.forgejo_database_url is not None:
        url = settings.forgejo_database_url.get_secret_value()
        programs = tools_for(server_major(url), settings.postgres_tools)
        target = scratch / DATABASE
        run([programs["pg_dump"], "-Fc", "--no-password", f"--file={target}"],
            what="pg_dump of Forgejo's database", seconds=seconds, environment=environment_of(url))  # fmt: skip
        check_dump(programs, target, set(), seconds)
        plains.append(Plain(target, "pg_custom", "forgejo"))
        tools["pg_dump"] = programs.version
    else:
        findings.append(
            "PW_FORGEJO_DATABASE_URL is not set: the database is only in Forgejo's own dump, which may not restore."
        )
    archive = scratch / ARCHIVE
    words = shlex.split(settings.forgejo_dump_command)
    to_file = any("{file}" in word for word in words)
    run([word.replace("{file}", str(archive)) for word in words], what="Forgejo's dump", seconds=seconds,
        output=None if to_file else archive)  # fmt: skip
    faults.point("backups.forgejo.after_dump")
    entries = check_archive(archive)
    plains.append(Plain(archive, "forgejo_dump"))
    return Captured(*moment, plains, server="Forgejo", tools=tools, notes={"entries": entries}, findings=findings)


def check_archive(archive: Path) -> int:
    """Reads the archive through; returns its entries. Raises BackupDamaged when it is cut short or lacks a part."""
    names: set[str] = set()
    entries = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                entries += 1
                names.add(entry.name.removeprefix("./").split("/", 1)[0])
        with gzip.open(archive) as raw:  # tarfile stops at the end mark; the rest and the checksum are read here
            while raw.read(1 << 20):
                pass
    except FileNotFoundError:
        raise BackupDamaged("Forgejo's dump wrote no file although it ended well; see PW_FORGEJO_DUMP_COMMAND.",
                            what=ARCHIVE) from None  # fmt: skip
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupDamaged(f"Forgejo's dump is cut short or no tar.gz: {error}.", what=ARCHIVE) from None
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        raise BackupDamaged(f"Forgejo's dump holds no {' and no '.join(lacking)}.", what=ARCHIVE)
    return entries
