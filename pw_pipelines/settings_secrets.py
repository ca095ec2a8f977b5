"""Secrets from files: PW_X_FILE beside every secret setting PW_X, and a folder of them, PW_SECRETS_DIR.

For Docker's and Kubernetes' secrets, and systemd's credentials. A value given twice must be the same value, so that
nobody rotates the one that is not read. One line end at the end of a file is not part of the secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from pw_pipelines.errors import ConfigError

LARGEST_BYTES = 64 * 1024
DIRECTORY = "PW_SECRETS_DIR"


@dataclass(frozen=True)
class Origin:
    """Where a secret setting's value comes from; never the value. `path` when it is a file."""

    name: str
    said: str
    path: Path | None = None

    @property
    def is_open_to_all(self) -> bool:
        """Whether everybody on this machine can read the file."""
        return self.path is not None and bool(self.path.stat().st_mode & stat.S_IROTH) and _reachable(self.path)


def secret_fields(settings: type[BaseSettings]) -> list[str]:
    """Names of the settings whose values are secrets."""
    return [name for name, info in settings.model_fields.items() if _is_secret(info)]


def _is_secret(info: FieldInfo) -> bool:
    return info.annotation is SecretStr or SecretStr in get_args(info.annotation)


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that reads those files. Raises ConfigError, naming the variable and the file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Part of the interface; `__call__` does the work."""
        found = read_secret(field_name, os.environ) if _is_secret(field) else None
        return found, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The secrets that stand in files."""
        found = {name: read_secret(name, os.environ) for name in secret_fields(self.settings_cls)}
        return {name: value for name, value in found.items() if value is not None}


def read_secret(field: str, environment: Mapping[str, str]) -> str | None:
    """The secret of `field` from its file; None when there is none.

    Raises ConfigError for a file that can't be read, is empty, or differs from the value in the environment.
    """
    path = file_of(field, environment)
    if path is None:
        return None
    name = f"PW_{field.upper()}"
    value = _content(path, name)
    given = environment.get(name, "")
    if given and given != value:
        raise ConfigError(
            f"{name} is given twice and differently: in the environment and in the file {path}. "
            f"Take one of them away: unset {name}, or {_named_by(field, environment)}."
        )
    return value


def file_of(field: str, environment: Mapping[str, str]) -> Path | None:
    """The file that PW_X_FILE names, else the one in PW_SECRETS_DIR."""
    name = f"PW_{field.upper()}"
    if named := environment.get(f"{name}_FILE", "").strip():
        return Path(named)
    folder = environment.get(DIRECTORY, "").strip()
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise ConfigError(f"{DIRECTORY} says {folder}, which is no folder. Make it, or unset {DIRECTORY}.")
    return next((path for each in (name.lower(), name) if (path := Path(folder) / each).exists()), None)


def _named_by(field: str, environment: Mapping[str, str]) -> str:
    named = f"PW_{field.upper()}_FILE"
    return f"unset {named}" if environment.get(named) else f"remove the file from {DIRECTORY}"


def _content(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"The file {path} of {name} cannot be read ({error.strerror}). Let the user the programs run as read it."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The file {path} of {name} is not text in UTF-8. Secrets of bytes stand in base64."
        ) from error
    value = text.removesuffix("\n").removesuffix("\r")
    if not value.strip() or len(content) > LARGEST_BYTES:
        what = "is empty" if not value.strip() else f"is larger than {LARGEST_BYTES:,} bytes"
        raise ConfigError(f"The file {path} of {name} {what}. Write the secret into it, or take the file away.")
    return value


def origins(settings: type[BaseSettings], environment: Mapping[str, str]) -> Iterator[Origin]:
    """For every secret that is set: from where."""
    for field in secret_fields(settings):
        name, path = f"PW_{field.upper()}", file_of(field, environment)
        if path is not None:
            yield Origin(name, f"file {path}", path)
        elif environment.get(name):
            yield Origin(name, "environment")


def _reachable(path: Path) -> bool:
    """Whether everybody may walk through all the folders above it."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)
