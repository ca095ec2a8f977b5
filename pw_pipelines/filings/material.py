"""What goes into a form and what comes of it: values and documents; pictures, the form's digest, the confirmation."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pw_pipelines.filings.portal import Form, Portal
from pw_pipelines.filings.steps import is_secret_name, names_in


@dataclass(frozen=True)
class Upload:
    """A document as it is uploaded; `name` is its file's name there."""

    template: str
    name: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Material:
    """One filing to be made.

    key     what is meant, once
    values  facts by name, private ones too
    salt    keeps digests of secret values from being guessed; of this item alone
    """

    portal: Portal
    form_code: str
    key: str
    values: Mapping[str, str] = field(repr=False)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    salt: bytes = field(default=b"", repr=False)

    @property
    def form(self) -> Form:
        """The form that is filed."""
        return self.portal.form(self.form_code)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that are never shown: of secret names, and of steps marked so."""
        names = {name for name in self.values if is_secret_name(name)}
        names |= {name for step in self.form.steps if step.secret for name in names_in(step.value or "")}
        return tuple(sorted(value for name in names if (value := self.values.get(name, "")).strip()))

    @property
    def digest(self) -> str:
        """SHA-256 over all that goes into the form and the portal's data; secret values sealed."""
        names = self.form.names & self.values.keys()
        values = {name: self.sealed(self.values[name]) for name in sorted(names)}
        uploads = {name: self.uploads[name].digest for name in sorted(self.form.documents) if name in self.uploads}
        data = self.portal.model_dump_json()
        content = {"key": self.key, "form": self.form_code, "values": values, "uploads": uploads, "data": data}
        return hashlib.sha256(canonical(content)).hexdigest()

    def sealed(self, value: str) -> str:
        """A secret value's stand-in in digests: the same for the same value, and no way back."""
        return "hmac:" + hmac.digest(self.salt, value.encode(), "sha256").hex()


@dataclass(frozen=True)
class Shot:
    """A page as it was seen, secrets masked. `picture`: PNG, None when none could be taken."""

    title: str
    html: bytes = field(repr=False)
    picture: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Filled:
    """A form filled up to its submit. `content`: canonical JSON of everything that would be sent and of the page's
    structure; `digest`, its SHA-256, is what a reviewer approves."""

    content: bytes = field(repr=False)
    shots: tuple[Shot, ...]
    trace: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of `content`."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Filed:
    """A filing that the portal confirmed. `download`: name and bytes of its confirmation, where it gives one."""

    reference: str
    reads: Mapping[str, str]
    shots: tuple[Shot, ...]
    trace: bytes = field(repr=False)
    download: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class Asked:
    """What a look-up asks: the filing of `material`, begun on `since`; with `reference` that very one."""

    material: Material
    since: date | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Found:
    """What a look-up saw. there: `count` filings fit. absent: the portal plainly has none. unclear: it can't tell.

    digests: SHA-256 of what was uploaded as the portal shows it; None where it does not.
    """

    seen: Literal["there", "absent", "unclear"]
    text: str
    reference: str | None = None
    count: int = 0
    digests: tuple[str, ...] | None = None
    shots: tuple[Shot, ...] = ()


def canonical(content: Mapping[str, Any]) -> bytes:
    """JSON whose bytes are the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
