"""Data files: YAML whose every field is checked when it loads. A fault names the file, the entry and the field.

The files are part of the program, so a fault in one is a ConfigError: somebody edits the file and starts again.
"""

from __future__ import annotations

from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pw_pipelines.errors import ConfigError


class Strict(BaseModel):
    """Base of what stands in a data file: unknown fields are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as quick where libyaml is there
_Entry = TypeVar("_Entry", bound=BaseModel)


def load_yaml(text: str) -> Any:
    """What a YAML text holds, unchecked. Raises yaml.YAMLError."""
    return yaml.load(text, _LOADER)  # noqa: S506  # both are safe loaders


def read_entry(text: str, shape: type[_Entry], *, file: str) -> _Entry:
    """The one entry a file holds. `file` is its name in messages, such as `sources/contracts/fcc_rmd.yaml`."""
    return _checked(_loaded(text, file), shape, file)


def read_entries(text: str, shape: type[_Entry], *, file: str, key: str, what: str) -> dict[str, _Entry]:
    """The entries of a file that is a list, by their field `key`, in the file's order; no key may stand twice.

    `what` the entries are, in the plural, for messages.
    """
    loaded = _loaded(text, file)
    if not isinstance(loaded, list) or not loaded:
        raise ConfigError(f"{file} must be a list of {what}, with at least one.")
    found: dict[str, _Entry] = {}
    for number, entry in enumerate(loaded, start=1):
        said = entry.get(key) if isinstance(entry, dict) else None
        checked = _checked(entry, shape, f"{file}, {said or f'entry {number}'}")
        name = str(getattr(checked, key))
        if name in found:
            raise ConfigError(f"{file}: {name} stands there twice; rename or remove one.")
        found[name] = checked
    return found


def _loaded(text: str, file: str) -> object:
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not valid, for it is not YAML: {error}") from error


def _checked(value: object, shape: type[_Entry], where: str) -> _Entry:
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the entry as a whole'}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{where}: {faults}.") from error
