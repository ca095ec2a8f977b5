"""What the worker must know: from DOCSERVER_* variables, then from docserver.toml beside it. Secrets from a file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pw_pipelines.errors import ConfigError

FILE = "docserver.toml"
PREFIX = "DOCSERVER_"


@dataclass(frozen=True)
class WorkerSettings:
    """Each is a line of docserver.toml or a variable DOCSERVER_<NAME>; the variable wins.

    url: the object store both sides share, s3://bucket/prefix or file:///folder
    endpoint, region, access_key_id: of S3
    secret_file: a file that holds the secret access key and nothing else; read, never printed
    stale_seconds: as PW_WORD_STALE_SECONDS on the other side
    limit_seconds: for one document; then Word is killed
    documents_per_word: after which Word is ended and started anew
    state: folder of lock, logs and documents at work
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_file: str = ""
    stale_seconds: float = 300.0
    poll_seconds: float = 12.0
    beat_seconds: float = 60.0
    limit_seconds: float = 120.0
    documents_per_word: int = 50
    state: str = "state"
    _secret: str = field(default="", repr=False)

    def store_options(self) -> dict[str, str]:
        """For DocServer: the secret is in it."""
        said = {
            "endpoint": self.endpoint, "region": self.region, "access_key_id": self.access_key_id,
            "secret_access_key": self._secret,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value} if self.url.startswith("s3:") else {}


def load(folder: Path, environment: Mapping[str, str] = os.environ) -> WorkerSettings:
    """The settings of a worker in `folder`. Raises ConfigError for what is missing, unknown or not a number."""
    file = folder / FILE
    said: dict[str, Any] = {}
    if file.is_file():
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Notepad writes a mark before it
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} can't be read: {error}.") from None
    known = {one.name: one for one in fields(WorkerSettings) if not one.name.startswith("_")}
    if unknown := sorted(set(said) - set(known)):
        raise ConfigError(f"{file} says {', '.join(unknown)}, which nobody knows; it may say {', '.join(known)}.")
    said |= {name: environment[PREFIX + name.upper()] for name in known if PREFIX + name.upper() in environment}
    if not said.get("url"):
        raise ConfigError(f'No object store is named. Write url = "s3://bucket/office" into {file}.')
    values: dict[str, Any] = {name: _value(known[name].type, name, value) for name, value in said.items()}
    values["state"] = str(folder / values.get("state", WorkerSettings.state))
    if values.get("secret_file"):
        values["_secret"] = _secret(folder / values["secret_file"])
    made = WorkerSettings(**values)
    if not 0 < made.limit_seconds < made.stale_seconds:
        raise ConfigError(
            f"limit_seconds is {made.limit_seconds:g}, but must be less than stale_seconds ({made.stale_seconds:g}): "
            "else the other side takes a document over while Word still works it."
        )
    return made


def _value(kind: Any, name: str, value: object) -> object:
    try:
        return {"float": float, "int": int}.get(kind, str)(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} = {value!r} is no number.") from None


def _secret(file: Path) -> str:
    try:
        secret = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The secret's file {file} can't be read ({type(error).__name__}).") from None
    if not secret:
        raise ConfigError(f"The secret's file {file} is empty.")
    return secret
