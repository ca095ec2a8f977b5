"""The settings of fulfilment: documents, signatures, filing, mail, personal data. Part of settings.Settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class FulfillmentSettings(BaseSettings):
    """Each is a variable PW_<NAME>, like all others."""

    auto_filing: bool = Field(
        default=False, description="Whether a filled form is filed without a reviewer's approval of it."
    )
    filing_pace_minutes: tuple[float, float] = Field(
        default=(30.0, 120.0), description="Shortest and longest pause between two filings on one portal, as JSON."
    )
    probe_days: int = Field(
        default=7, ge=1, description="Days for which a portal's probed selectors count as standing."
    )
    settle_seconds: float = Field(
        default=120.0,
        ge=0,
        description="How long after an interrupted deed the outside world is first asked whether it happened.",
    )
    lease_seconds: float = Field(default=900.0, gt=0, description="Longest time one stage of an item may be worked.")
    retry_minutes: float = Field(
        default=5.0, ge=0, description="Wait before an item whose outside system was away is tried again; doubles."
    )
    retries: int = Field(default=6, ge=0, description="Tries by itself before an item waits for a person.")
    portal_accounts: SecretStr | None = Field(
        default=None, description='Logins of the portals as JSON: {"fcc_rmd": {"username": …, "password": …}}.'
    )
    portal_urls: dict[str, str] = Field(default={}, description="Base address per portal as JSON; unset: the real one.")

    private_keys: SecretStr | None = Field(
        default=None,
        description="Keys of the encrypted columns as id:base64 of 32 bytes; several with commas, the first encrypts.",
    )
    retention_private_days: int = Field(
        default=90, ge=0, description="Days after an item ended that its personal data (names, addresses) is kept."
    )
    retention_ssn_days: int = Field(
        default=14, ge=0, description="Days after an item ended that its SSN or ITIN is kept."
    )
    link_key: SecretStr | None = Field(default=None, description="Secret of the signature links, 32 bytes or more.")
    seal_file: Path | None = Field(
        default=None, description="PKCS#12 file with the certificate signed PDFs are sealed by."
    )
    seal_password: SecretStr | None = None
    signature_days: int = Field(
        default=14, ge=1, description="Days a signature link is good for, at most to the due date."
    )
    firm_address: str = Field(
        default="Performance West, [postal address: set PW_FIRM_ADDRESS]", description="Our postal address in mails."
    )

    smtp_host: str | None = Field(default=None, description="Mail server for mails to customers.")
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_from: str = Field(default="Performance West <orders@performancewest.net>", description="Sender of our mails.")
    mail_archive: str | None = Field(
        default=None, description="Address that gets a blind copy of every mail, so that sending can be proved."
    )
    mail_archive_dir: Path | None = Field(default=None, description="Maildir the blind copies arrive in.")

    unpaid_days: int = Field(default=30, ge=7, description="Days after which an order that nobody paid expires.")
    renewal_days: int = Field(
        default=60, ge=1, le=365, description="Days before a due date at which the renewal's order is raised."
    )
    cure_days: int = Field(
        default=3, ge=1, description="Days on which a finding must still be seen after its filing to be for a person."
    )

    docserver_url: str | None = Field(
        default=None,
        description="Object store shared with the Word worker, file:///… or s3://…; unset: PW_HOME/docserver.",
    )
    word: Literal["auto", "never"] = Field(
        default="auto", description="auto: Word converts while its worker is alive, LibreOffice otherwise."
    )
    word_stale_seconds: int = Field(
        default=300, ge=10, description="Age of a heartbeat after which the worker is away."
    )
    launcher: Literal["warm", "stock"] = Field(default="warm", description="How Dagster starts runs; stock is its own.")


def sandbox_update(base: str, home: Path, mail_port: int) -> dict[str, Any]:
    """What the sandbox replaces; `base`: address of the stand-ins."""
    return {
        "filing_pace_minutes": (0.0, 0.0),
        "settle_seconds": 1.0,
        "retry_minutes": 0.05,
        "portal_urls": {"*": f"{base}/filing"},
        "smtp_host": "127.0.0.1",
        "smtp_port": mail_port,
        "smtp_security": "none",
        "mail_archive": "archive@performancewest.example",
        "mail_archive_dir": home / "sandbox" / "mail" / "archive",
    }
