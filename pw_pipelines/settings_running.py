"""The settings of running it for years: backups, probes, mail hygiene, monitoring. Part of settings.Settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from pw_pipelines.settings_fulfillment import FulfillmentSettings


class RunningSettings(FulfillmentSettings):
    """Each is a variable PW_<NAME>, like all others."""

    # -- backups

    # -- probes

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
    bounce_stop_from: int = Field(
        default=20, ge=1, description="Mails of a day from which on its rates of bounces and complaints count."
    )

    # -- monitoring

    # -- web servers and secrets


def sandbox_running_update(base: str, home: Path) -> dict[str, Any]:
    """What the sandbox replaces; `base`: address of the stand-ins."""
    return {
        "bounce_address": "bounces@performancewest.example",
        "bounce_maildir": home / "sandbox" / "mail" / "bounces",
    }
