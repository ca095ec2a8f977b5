"""The settings of running it for years: backups, probes, mail hygiene, monitoring. Part of settings.Settings."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from pw_pipelines.settings_fulfillment import FulfillmentSettings


class RunningSettings(FulfillmentSettings):
    """Each is a variable PW_<NAME>, like all others."""

    # -- backups
    backup_dir: Path | None = Field(
        default=None, description="Folder the backup sets are made and kept in; unset: PW_HOME/backups."
    )
    backup_recipients: str | None = Field(
        default=None, description="age public keys the archives are sealed to, with commas; required in live mode."
    )
    backup_identity_file: Path | None = Field(
        default=None,
        description="age identity that opens them: for drills and restores, not on the machine that makes.",
    )
    backup_signing_key: SecretStr | None = Field(
        default=None, description="Ed25519 key (base64 of 32 bytes) the manifests are signed with."
    )
    backup_verify_keys: str | None = Field(
        default=None, description="Ed25519 public keys (base64, with commas) whose manifests are believed; unset: ours."
    )
    backup_keep_hourly: int = Field(default=12, ge=1, le=1000, description="Hours of which the last good set is kept.")
    backup_keep_daily: int = Field(default=14, ge=1, le=1000, description="Days of which the last good set is kept.")
    backup_keep_weekly: int = Field(default=8, ge=0, le=520, description="Weeks of which the last good set is kept.")
    backup_keep_monthly: int = Field(default=12, ge=0, le=240, description="Months of which the last good set is kept.")
    backup_keep_good: int = Field(
        default=3, ge=1, le=1000, description="Good sets of a subject below which nothing of it is ever removed."
    )
    backup_promise_hours: dict[str, float] = Field(
        default={"postgres": 8.0, "mariadb": 30.0, "objects": 30.0, "forgejo": 30.0},
        description="Age in hours at which the newest good set of a subject is too old, as JSON.",
    )
    backup_timeout_minutes: float = Field(
        default=120.0, gt=0, description="Longest time one program of a dump may run."
    )
    postgres_tools: Path | None = Field(
        default=None, description="Folder of pg_dump, pg_dumpall and pg_restore; unset: found by themselves."
    )
    mariadb_host: str | None = Field(default=None, description="ERPNext's MariaDB; unset: it is not backed up.")
    mariadb_port: int = 3306
    mariadb_user: str = "backup"
    mariadb_password: SecretStr | None = None
    mariadb_database: str | None = Field(default=None, description="Name of the site's database.")
    erpnext_site_dir: Path | None = Field(
        default=None, description="Folder of ERPNext's site: its site_config.json holds the key of its secrets."
    )
    forgejo_dump_command: str | None = Field(
        default=None,
        description="Command that writes Forgejo's dump (tar.gz) to its output, or to {file}; unset: not backed up.",
    )
    forgejo_database_url: SecretStr | None = Field(
        default=None, description="postgresql:// URL of Forgejo's database, dumped natively beside its own dump."
    )
    offsite_host: str | None = Field(default=None, description="Machine that holds the off-site copy; unset: none.")
    offsite_port: int = 22
    offsite_user: str = "backup"
    offsite_key_file: Path | None = Field(default=None, description="Private SSH key of that login, mode 0600.")
    offsite_host_key: str | None = Field(
        default=None, description="That machine's public host key, `ssh-ed25519 AAAA…`, or a file that holds it."
    )
    offsite_path: str = Field(default="backups", description="Folder of the copies there.")
    offsite_kilobytes_per_second: int | None = Field(default=None, ge=1, description="Speed limit of the copying.")
    journal_url: str | None = Field(
        default=None,
        description="Where the journal of money and effects leaves to, off this machine: s3://bucket/prefix or "
        "file:///folder of a mounted disk.",
    )
    journal_keep_days: int = Field(
        default=14, ge=1, description="Days a shipped row of the journal stays in the database once a dump has it."
    )
    drill_promise_days: float = Field(
        default=8.0, gt=0, description="Age in days at which the newest good restore drill is too old."
    )
    sandbox_offsite_port: int = Field(
        default=0, description="Port of the stand-in off-site machine (SSH); 0: any free one."
    )
    sandbox_mariadb_port: int = Field(
        default=0, description="Port of the stand-in of ERPNext's MariaDB; 0: any free one."
    )

    # -- probes
    probe_pause_seconds: float = Field(
        default=3.0, ge=0, le=600, description="Pause between two pages of a portal that is looked at."
    )
    probe_away_hours: float = Field(
        default=20.0, gt=0, description="Hours after which ops are told that a portal stays away."
    )

    # -- mail hygiene
    bounce_address: str | None = Field(
        default=None,
        description="Address that failure reports of our own mails come back to; each mail's carries its own tag "
        "(bounces+…@…). Unset: reports go to the sender's address.",
    )
    bounce_maildir: Path | None = Field(default=None, description="Maildir that failure reports arrive in.")
    bounce_imap_host: str | None = Field(
        default=None, description="IMAP server of the mailbox that failure reports arrive in, instead of a Maildir."
    )
    bounce_imap_port: int = 993
    bounce_imap_user: str | None = None
    bounce_imap_password: SecretStr | None = None
    bounce_imap_security: Literal["tls", "starttls", "none"] = "tls"
    bounce_imap_folder: str = Field(default="INBOX", description="Folder that is read.")
    bounce_imap_processed: str = Field(default="Processed", description="Folder that read reports are moved to.")
    bounce_stop_pct: float = Field(
        default=5.0, gt=0, le=100, description="Hard bounces of a day's mails, in percent, that stop all sending."
    )
    complaint_stop_pct: float = Field(
        default=0.3, gt=0, le=100, description="Complaints about a day's mails, in percent, that stop all sending."
    )
    retention_bounces_days: int = Field(
        default=400,
        ge=200,
        description="Days a report of a mail that came back is kept; what a suppression rests on is kept for ever.",
    )
    policy_alert_pct: float = Field(
        default=5.0,
        gt=0,
        le=100,
        description="Refusals for our reputation or content, in percent of a day's mails, that ops are told of.",
    )
    bounce_stop_from: int = Field(
        default=20, ge=1, description="Mails of a day from which on its rates of bounces and complaints count."
    )

    # -- monitoring
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for /metrics and /health/house from beyond loopback; unset: none may."
    )
    umami_url: str | None = Field(
        default=None, description="Base URL of the Umami server that counts visits; unset: no event is kept or sent."
    )
    umami_website_id: str | None = Field(default=None, description="Id (UUID) of our website in Umami.")
    umami_user_agent: str = Field(
        default="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
        description="Browser our server's events are sent as: Umami drops what looks like a program.",
    )
    retention_analytics_days: int = Field(
        default=90, ge=1, description="Days an event that Umami has taken is kept in our own books."
    )

    # -- web servers and secrets
    dagster_api_url: str | None = Field(
        default=None,
        description="Base URL of Dagster's own webserver, behind its door, for our own programs; set by `pw up`. "
        "Unset: PW_DAGSTER_URL.",
    )
    secrets_dir: Path | None = Field(
        default=None, description="Folder with a file per secret, named pw_<setting> or PW_<SETTING>."
    )


def sandbox_running_update(base: str, home: Path, settings: RunningSettings) -> dict[str, Any]:
    """What the sandbox replaces; `base`: address of the stand-ins."""
    offsite, mariadb = home / "sandbox" / "offsite", home / "sandbox" / "mariadb"
    return {
        "probe_pause_seconds": 0.0,
        "bounce_address": "bounces@performancewest.net",
        "bounce_maildir": home / "sandbox" / "mail" / "bounces",
        "bounce_imap_host": None,
        "umami_url": f"{base}/umami",
        "umami_website_id": "5a0db0c5-0000-4000-8000-000000000001",
        "offsite_host": _there(offsite),
        "offsite_port": _listening(offsite, settings.sandbox_offsite_port),
        "offsite_user": getpass.getuser(),
        "offsite_key_file": offsite / "client_key",
        "offsite_host_key": str(offsite / "host_key.pub"),
        "offsite_path": str(offsite / "copies"),
        "journal_url": (offsite / "journal").absolute().as_uri(),
        "mariadb_host": _there(mariadb),
        "mariadb_port": _listening(mariadb, settings.sandbox_mariadb_port),
        "mariadb_user": "backup",
        "mariadb_password": SecretStr("sandbox-mariadb"),
        "mariadb_database": "erpnext",
        "erpnext_site_dir": mariadb / "site",
    }


def _listening(stand_in: Path, otherwise: int) -> int:
    """The port a stand-in took, which it writes beside its data."""
    try:
        return int((stand_in / "port").read_text())
    except (FileNotFoundError, ValueError):
        return otherwise


def _there(stand_in: Path) -> str | None:
    """Where a stand-in is; None when what it needs is not installed, as it says itself."""
    return None if (stand_in / "missing").exists() else "127.0.0.1"
