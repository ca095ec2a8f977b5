"""MariaDB's part of a backup: ERPNext's database, and the site's config, which holds the key of its secrets."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from pw_pipelines import faults
from pw_pipelines.backups.capture import Captured, Ground, Plain, moment_of
from pw_pipelines.backups.model import BackupDamaged, BackupError
from pw_pipelines.backups.programs import run, version_of
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

SITE_CONFIG = "site_config.json"
_TRAILER = b"-- Dump completed"
_TAIL_BYTES = 4_096
_LEAST_BYTES = 500


def is_configured(settings: Settings) -> bool:
    """Whether there is a MariaDB to back up."""
    return settings.mariadb_host is not None


def capture(ground: Ground, scratch: Path) -> Captured:
    """`<database>.sql.gz` (gzip of the dump) and site_config.json. Raises BackupError, ConfigError."""
    settings = ground.settings
    if settings.mariadb_host is None or settings.mariadb_database is None:
        raise ConfigError("PW_MARIADB_HOST and PW_MARIADB_DATABASE say which MariaDB is backed up; set both.")
    program, client = program_of("mariadb-dump", "mysqldump"), program_of("mariadb", "mysql")
    seconds = settings.backup_timeout_minutes * 60
    defaults = scratch / "client.cnf"
    write_defaults(defaults, settings)
    database = settings.mariadb_database
    try:
        server = _one(client, defaults, scratch, "select version()")
        others = _one(
            client, defaults, scratch,
            "select group_concat(table_name order by table_name separator ' ') from information_schema.tables where "
            f"table_schema = '{_quoted(database)}' and table_type = 'BASE TABLE' and engine <> 'InnoDB'",
        )  # fmt: skip
        moment = moment_of(ground)
        dump = scratch / f"{database}.sql"
        run(
            [program, f"--defaults-extra-file={defaults}", "--single-transaction", "--quick", "--routines", "--events",
             "--triggers", "--hex-blob", "--default-character-set=utf8mb4", "--no-tablespaces", database],
            what=f"mariadb-dump of {database}", seconds=seconds, output=dump,
        )  # fmt: skip
    finally:
        defaults.unlink(missing_ok=True)
    faults.point("backups.mariadb.after_dump")
    check_dump(dump)
    plains = [Plain(_zipped(dump), "mariadb_sql", database)]
    findings = []
    if others and others != "NULL":
        findings.append(f"Tables of {database} that are not InnoDB are not of one moment: {others}.")
    if settings.erpnext_site_dir is not None:
        plains.append(Plain(_site_config(settings.erpnext_site_dir, scratch), "site_config", database))
    else:
        findings.append("PW_ERPNEXT_SITE_DIR is not set: the key of ERPNext's secrets is not in the backup.")
    return Captured(
        *moment, plains, server=f"MariaDB {server}", tools={"mariadb-dump": version_of(program)},
        notes={"not_innodb": others.split() if others and others != "NULL" else []}, findings=findings,
    )  # fmt: skip


def check_dump(dump: Path) -> None:
    """A dump is complete only with its last line. Raises BackupDamaged."""
    size = dump.stat().st_size
    with dump.open("rb") as raw:
        raw.seek(max(0, size - _TAIL_BYTES))
        lines = [line for line in raw.read().splitlines() if line.strip()]
    if size < _LEAST_BYTES or not lines or not lines[-1].startswith(_TRAILER):
        raise BackupDamaged(
            f"{dump.name} is cut short: {size:,} bytes without the last line `-- Dump completed`.", what=dump.name
        )


def program_of(*names: str) -> str:
    """The first of `names` that is installed. Raises ConfigError naming the package."""
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    raise ConfigError(f"{names[0]} is not installed. Install it with: sudo apt-get install mariadb-client")


def write_defaults(path: Path, settings: Settings) -> None:
    """The client's options in a file for its owner alone: on a command line everybody would see the password."""
    password = settings.mariadb_password.get_secret_value() if settings.mariadb_password else ""
    escaped = password.replace("\\", "\\\\").replace('"', '\\"')
    text = (
        f"[client]\nhost={settings.mariadb_host}\nport={settings.mariadb_port}\nuser={settings.mariadb_user}\n"
        f'password="{escaped}"\nprotocol=tcp\n'
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _one(client: str, defaults: Path, scratch: Path, query: str) -> str:
    output = scratch / "answer"
    run([client, f"--defaults-extra-file={defaults}", "--batch", "--skip-column-names", "-e", query],
        what="asking MariaDB", seconds=60, output=output)  # fmt: skip
    answer = output.read_text(encoding="utf-8").strip()
    output.unlink()
    return answer


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")


def _zipped(dump: Path) -> Path:
    target = dump.with_name(f"{dump.name}.gz")
    with dump.open("rb") as source, gzip.open(target, "xb", compresslevel=5) as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    dump.unlink()
    return target


def _site_config(folder: Path, scratch: Path) -> Path:
    source, target = folder / SITE_CONFIG, scratch / SITE_CONFIG
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        raise BackupError(
            f"PW_ERPNEXT_SITE_DIR: {source} does not exist. Without its encryption key a restored ERPNext cannot read "
            "its own secrets; correct the setting."
        ) from None
    except PermissionError as error:
        raise BackupError(f"{source} may not be read: {error.strerror}.") from None
    return target
