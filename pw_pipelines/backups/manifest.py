"""The manifest of a backup set: what is in it, of which moment, made by what; signed, so that a change is noticed.

    <subject>/<set_id>/manifest.json       this, canonical JSON
    <subject>/<set_id>/manifest.json.sig   `ed25519 <key id> <base64 signature of manifest.json's bytes>`
    <subject>/<set_id>/<member>.age        archives, sealed (backups/sealing.py)

Nothing in a manifest is secret: whoever keeps the off-site copy sees names, sizes and digests. The business facts a
restore must show (`backups.facts.collect`, taken in the dump's own snapshot) are a sealed member, `facts.json.age`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pw_pipelines.backups.keys import Identities, key_id, names_of
from pw_pipelines.backups.model import SUBJECTS, BackupDamaged, Subject, checked_set_id
from pw_pipelines.backups.sealing import SUFFIX, Sealed, unseal

VERSION = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
FACTS = "facts.json"


@dataclass(frozen=True)
class Member:
    """One archive of a set. `name`: of the plain file; the sealed one is `<name>.age`.

    kind: pg_custom (pg_dump -Fc), pg_globals (SQL), mariadb_sql, site_config, forgejo_dump, object_index, facts.
    database: the name the dump is of. Digests are SHA-256, 64 hex digits.
    """

    name: str
    kind: str
    plain_digest: str
    plain_bytes: int
    digest: str
    bytes: int
    database: str | None = None

    @property
    def file(self) -> str:
        return self.name + SUFFIX

    @classmethod
    def sealed(cls, name: str, kind: str, sealed: Sealed, *, database: str | None = None) -> Member:
        return cls(name, kind, sealed.plain_digest, sealed.plain_bytes, sealed.digest, sealed.bytes, database)


@dataclass(frozen=True)
class Manifest:
    """What a set is. captured_at: the moment its data is of, on the project's clock; machine_captured_at on the
    machine's. tools: program -> version that made it. server: version of the server dumped. notes: what a reader
    must know, subject by subject (`pg_snapshot`: pg_current_snapshot() of the dump, for the journal's replay;
    `objects`: how many and how many bytes; `missing`: objects the source had lost)."""

    set_id: str
    subject: Subject
    captured_at: datetime
    machine_captured_at: datetime
    made_at: datetime
    members: tuple[Member, ...]
    tools: Mapping[str, str]
    server: str
    recipients: tuple[str, ...]
    notes: Mapping[str, Any]
    version: int = VERSION

    def member(self, name: str) -> Member:
        """Raises BackupDamaged when the set has no such member."""
        for one in self.members:
            if one.name == name:
                return one
        raise BackupDamaged(f"Set {self.set_id} has no member {name!r}.", what=name)

    def of_kind(self, kind: str) -> list[Member]:
        return [one for one in self.members if one.kind == kind]

    @property
    def bytes(self) -> int:
        """Sealed bytes of all members."""
        return sum(one.bytes for one in self.members)

    @property
    def files(self) -> dict[str, str]:
        """File name -> SHA-256 of every archive."""
        return {one.file: one.digest for one in self.members}


def write_manifest(folder: Path, manifest: Manifest, key: Ed25519PrivateKey) -> str:
    """Writes the manifest and its signature into `folder`; returns the manifest's SHA-256."""
    stored = asdict(manifest)
    for name in ("captured_at", "machine_captured_at", "made_at"):
        stored[name] = stored[name].isoformat()
    raw = (json.dumps(stored, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    (folder / MANIFEST).write_bytes(raw)
    signature = base64.b64encode(key.sign(raw)).decode()
    (folder / SIGNATURE).write_text(f"ed25519 {key_id(key.public_key())} {signature}\n", encoding="ascii")
    return hashlib.sha256(raw).hexdigest()


def read_manifest(folder: Path, believed: Sequence[Ed25519PublicKey]) -> Manifest:
    """The manifest of the set in `folder`, its signature checked.

    Raises BackupDamaged when it is missing, altered, signed by nobody we believe, or of another version.
    """
    where = f"{folder.parent.name}/{folder.name}"
    try:
        raw, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_text(encoding="ascii")
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise BackupDamaged(f"Set {where} has no {name}: it is no whole set.", what=name) from None
    except UnicodeDecodeError:
        raise BackupDamaged(f"Set {where}: {SIGNATURE} is not a signature.", what=SIGNATURE) from None
    _check_signature(where, raw, signature, believed)
    manifest = _parsed(where, raw)
    if manifest.set_id != folder.name or manifest.subject != folder.parent.name:
        raise BackupDamaged(
            f"The manifest in {where} is of {manifest.subject}/{manifest.set_id}: the folder holds another set.",
            what=MANIFEST,
        )
    return manifest


def load_facts(folder: Path, manifest: Manifest, identities: Identities) -> dict[str, Any]:
    """The business facts taken in the dump's own snapshot. Raises BackupDamaged, WrongKey."""
    member = manifest.member(FACTS)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / FACTS
        found = unseal(folder / member.file, identities, plain)
        if found.plain_digest != member.plain_digest:
            raise BackupDamaged(f"{member.file} of set {manifest.set_id} holds other facts than were sealed.",
                                what=member.file)  # fmt: skip
        facts: dict[str, Any] = json.loads(plain.read_bytes())
    return facts


def _check_signature(where: str, raw: bytes, signature: str, believed: Sequence[Ed25519PublicKey]) -> None:
    words = signature.split()
    if len(words) != 3 or words[0] != "ed25519":
        raise BackupDamaged(f"Set {where}: {SIGNATURE} is not a signature.", what=SIGNATURE)
    key = next((one for one in believed if key_id(one) == words[1]), None)
    if key is None:
        raise BackupDamaged(
            f"Set {where} is signed by key {words[1]}; believed are {names_of(believed)} (PW_BACKUP_VERIFY_KEYS).",
            what=SIGNATURE,
        )
    try:
        key.verify(base64.b64decode(words[2], validate=True), raw)
    except (InvalidSignature, binascii.Error):
        raise BackupDamaged(
            f"Set {where}: the manifest is not what was signed; it or its signature was altered.", what=MANIFEST
        ) from None


def _parsed(where: str, raw: bytes) -> Manifest:
    try:
        stored = json.loads(raw)
        if stored["version"] != VERSION:
            raise BackupDamaged(
                f"Set {where} has a manifest of version {stored['version']}; this program reads {VERSION}.",
                what=MANIFEST,
            )
        if stored["subject"] not in SUBJECTS:
            raise ValueError(stored["subject"])
        checked_set_id(stored["set_id"])
        for name in ("captured_at", "machine_captured_at", "made_at"):
            stored[name] = datetime.fromisoformat(stored[name])
        stored["members"] = tuple(Member(**one) for one in stored["members"])
        stored["recipients"] = tuple(stored["recipients"])
        return Manifest(**stored)
    except (KeyError, TypeError, ValueError) as error:
        raise BackupDamaged(f"Set {where}: its manifest cannot be read: {error}.", what=MANIFEST) from error
