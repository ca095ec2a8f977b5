"""The journal leaves this machine: what may not wait for the next dump is shipped within seconds.

Triggers write every change of a paid order, of money and of the effects ledger into `pw.journal`, in the change's own
transaction. A round of `ship` takes every committed row that has not left, whole transactions, binds them to a shipment
(committed first), and writes that shipment as one object that is created and never overwritten. Rows are marked one by
one, so a transaction that commits late is simply in a later shipment; nothing is skipped by its number.

Killed before the binding is committed: nothing happened. After it: the next round writes that very shipment, whose
plaintext is the same bytes, and finds it already there when it was. So one name has one content.

    <line>/<shipment>.age   a line of JSON (the signed header), then an age file of the rows, one JSON object a line

Read by hand: `tail -n +2 FILE | age -d -i IDENTITY`. Each header names the digest of the shipment before.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pw_pipelines import faults
from pw_pipelines.backups.facts import line_of
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import Recipients, key_id, recipients_of, signing_key_of
from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database
from pw_pipelines.documents.signing.canonical import canonical, moment, sha256
from pw_pipelines.errors import OutsideError, PwError
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]

FORMAT = "pw-journal-1"
BEGINNING = "0" * 64
MOST_ROWS = 5_000  # of one shipment, but for one transaction that is larger by itself
_LOCK = 0x70776A6E  # "pwjn": one shipper at a time


@dataclass(frozen=True)
class Sealing:
    """What a shipment is sealed to and signed with; the identity that opens it is not on this machine."""

    recipients: Recipients
    key: Ed25519PrivateKey

    @classmethod
    def of(cls, settings: Settings) -> Sealing:
        """Raises ConfigError for a key that is missing or none."""
        return cls(recipients_of(settings), signing_key_of(settings))

    def seal(self, content: bytes) -> bytes:
        """An age file."""
        return bytes(pyrage.encrypt(content, list(self.recipients.keys)))

    def sign(self, content: bytes) -> str:
        """`<key id> <base64 signature>`, as `is_signed` reads it."""
        return f"{key_id(self.key.public_key())} {base64.b64encode(self.key.sign(content)).decode()}"


class JournalError(PwError):
    """A shipment can't be written, or what is in the store is not what belongs there."""


@dataclass(frozen=True)
class Shipped:
    """What one round did. waiting: rows that have not left. error: why they have not."""

    shipments: int
    rows: int
    waiting: int
    error: str | None = None


@dataclass(frozen=True)
class Lag:
    """What would be lost if this machine were lost now. `oldest_at` of the machine's clock; `seconds` is the RPO."""

    rows: int
    oldest_at: datetime | None
    seconds: float


def ship(db: Database, store: JournalStore, sealing: Sealing, *, most_rows: int = MOST_ROWS) -> Shipped:
    """Ships everything that is committed. What could not be written waits, and the reason is kept with its shipment.

    Raises JournalError when the store holds another shipment under the next name: nothing is overwritten, and the alert
    of a journal that is stuck says why.
    """
    shipments = rows = 0
    while True:
        with db.connect(application="pw-journal") as connection:
            if not _is_mine(connection):
                return Shipped(shipments, rows, lag(connection).rows)  # another shipper is at it
            bound = _unconfirmed(connection) or _bind(connection, most_rows)
            waiting = lag(connection).rows
        if bound is None:
            return Shipped(shipments, rows, waiting)
        faults.point("backups.journal.bound")
        try:
            rows += _write(db, store, sealing, bound)
        except (OutsideError, JournalError) as error:
            with db.connect(application="pw-journal") as connection:
                connection.execute(
                    "update pw.journal_shipments set attempts = attempts + 1, last_error = %s where shipment_id = %s",
                    (str(error), bound),
                )
            if isinstance(error, JournalError):
                raise
            return Shipped(shipments, rows, waiting, str(error))
        shipments += 1


def lag(connection: Connection) -> Lag:
    """What has not left: rows that are bound to no shipment, or to one that nobody confirmed."""
    row = connection.execute(
        """select count(*)::int as rows, min(j.at) as oldest_at,
                  coalesce(extract(epoch from clock_timestamp() - min(j.at)), 0)::float8 as seconds
           from pw.journal j
           where j.shipped_in is null
              or j.shipped_in in (select shipment_id from pw.journal_shipments where confirmed_at is null)"""
    ).fetchone()
    assert row is not None  # an aggregate always answers
    return Lag(int(row["rows"]), row["oldest_at"], max(0.0, float(row["seconds"])))


def prune(connection: Connection, *, days: int, covered: str | None) -> int:
    """Removes shipped rows older than `days` that the dump of snapshot `covered` has; returns how many.

    covered: `journal.snapshot` of the facts of a good set (confirmed off-site); None: there is none, nothing goes.
    """
    if covered is None:
        return 0
    return connection.execute(
        """delete from pw.journal j using pw.journal_shipments s
           where s.shipment_id = j.shipped_in and s.confirmed_at is not null
             and j.at < clock_timestamp() - make_interval(days => %s)
             and j.xact < pg_snapshot_xmin(%s::pg_snapshot)::text::bigint""",
        (days, covered),
    ).rowcount


def name_of(line: str, shipment: int) -> str:
    """The name of a shipment's object."""
    return f"{line}/{shipment:012d}.age"


def _is_mine(connection: Connection) -> bool:
    row = connection.execute("select pg_try_advisory_xact_lock(%s) as mine", (_LOCK,)).fetchone()
    return bool(row and row["mine"])


def _unconfirmed(connection: Connection) -> int | None:
    row = connection.execute(
        "select min(shipment_id) as id from pw.journal_shipments where confirmed_at is null"
    ).fetchone()
    return int(row["id"]) if row and row["id"] is not None else None


def _bind(connection: Connection, most_rows: int) -> int | None:
    """Binds whole transactions, in the order they began to write, to a new shipment; None when nothing waits."""
    chosen = connection.execute(
        """with waiting as (
               select xact, count(*) as n, min(seq) as first from pw.journal where shipped_in is null group by xact
           ), running as (select xact, first, sum(n) over (order by first) as upto from waiting)
           select xact from running where upto <= greatest(%s, (select min(upto) from running))""",
        (most_rows,),
    ).fetchall()
    if not chosen:
        return None
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('pw.journal_shipments', 'shipment_id')) as id"
    ).fetchone()
    assert row is not None
    shipment = int(row["id"])
    facts = connection.execute(
        """select min(seq) as first_seq, max(seq) as last_seq, count(*)::int as rows, min(at) as oldest_at,
                  max(at) as newest_at from pw.journal where shipped_in is null and xact = any(%s)""",
        ([one["xact"] for one in chosen],),
    ).fetchone()
    assert facts is not None
    connection.execute(
        """insert into pw.journal_shipments (shipment_id, first_seq, last_seq, rows, oldest_at, newest_at, digest,
                                             sealed_digest, bytes, shipped_at)
           overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, 0, %s)""",
        (shipment, facts["first_seq"], facts["last_seq"], facts["rows"], facts["oldest_at"], facts["newest_at"],
         BEGINNING, BEGINNING, machine_now()),
    )  # fmt: skip
    connection.execute(
        "update pw.journal set shipped_in = %s where shipped_in is null and xact = any(%s)",
        (shipment, [one["xact"] for one in chosen]),
    )
    digest = sha256(_plaintext(connection, shipment))
    connection.execute("update pw.journal_shipments set digest = %s where shipment_id = %s", (digest, shipment))
    return shipment


def _write(db: Database, store: JournalStore, sealing: Sealing, shipment: int) -> int:
    """Writes a bound shipment and confirms it; returns its rows."""
    with db.connect(application="pw-journal") as connection:
        row = _shipment(connection, shipment)
        plaintext = _plaintext(connection, shipment)
        line = line_of(connection)
    if sha256(plaintext) != row["digest"]:
        raise JournalError(f"The rows of journal shipment {shipment} are not the ones that were bound to it.")
    sealed = sealing.seal(plaintext)
    header = {
        "format": FORMAT, "line": line, "shipment": shipment, "previous": _first(plaintext)["previous"],
        "digest": row["digest"], "rows": row["rows"], "first_seq": row["first_seq"], "last_seq": row["last_seq"],
        "oldest_at": moment(row["oldest_at"]), "newest_at": moment(row["newest_at"]), "sealed": sha256(sealed),
    }  # fmt: skip
    header["signature"] = sealing.sign(canonical(header))
    content = canonical(header) + b"\n" + sealed
    name = name_of(line, shipment)
    try:
        store.create(name, content)
    except FileExistsError:
        # Of a round that was killed before it could confirm. Sealing is never twice the same bytes; what is in it is.
        content = store.read(name)
        there = read_header(content, name)
        _require_ours(there, header, name, sealing, store)
    faults.point("backups.journal.written")
    with db.connect(application="pw-journal") as connection:
        connection.execute(
            """update pw.journal_shipments set confirmed_at = %s, sealed_digest = %s, bytes = %s, last_error = null,
                      attempts = attempts + 1 where shipment_id = %s and confirmed_at is null""",
            (machine_now(), sha256(content), len(content), shipment),
        )
    return int(row["rows"])


def _require_ours(
    there: Mapping[str, Any], ours: Mapping[str, Any], name: str, sealing: Sealing, store: JournalStore
) -> None:
    same = all(there.get(key) == ours[key] for key in ("line", "shipment", "previous", "digest", "rows"))
    if not same or not is_signed(there, [sealing.key.public_key()]):
        raise JournalError(
            f"{store.url}/{name} holds another shipment than the one that belongs there. Nothing was overwritten. "
            "Somebody else writes to this store, or this database was put back to an older state in its own place: "
            "restore into a new database, which begins a line of its own."
        )


def read_header(content: bytes, name: str) -> dict[str, Any]:
    """The header of a shipment's object. Raises JournalError when it has none."""
    first, _, _ = content.partition(b"\n")
    try:
        header = json.loads(first)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise JournalError(f"{name} is no journal shipment: its first line is not the header it should be.")
    return header


def is_signed(header: Mapping[str, Any], believed: Sequence[Ed25519PublicKey]) -> bool:
    """Whether a header is signed by one of the keys that are believed."""
    unsigned = canonical({key: value for key, value in header.items() if key != "signature"})
    name, _, signature = str(header.get("signature", "")).partition(" ")
    for key in believed:
        if key_id(key) == name:
            try:
                key.verify(base64.b64decode(signature, validate=True), unsigned)
            except (InvalidSignature, binascii.Error):
                return False
            return True
    return False


def _plaintext(connection: Connection, shipment: int) -> bytes:
    """A shipment as bytes, the same whenever it is written: what it follows, then its rows."""
    row = connection.execute(
        "select digest from pw.journal_shipments where shipment_id < %s order by shipment_id desc limit 1", (shipment,)
    ).fetchone()
    first = {"shipment": shipment, "previous": str(row["digest"]) if row else BEGINNING}
    rows = connection.execute(
        """select seq, xact, at, table_name, op, key::text as key, "row"::text as "row"
           from pw.journal where shipped_in = %s order by seq""",
        (shipment,),
    ).fetchall()
    return b"\n".join(canonical(one) for one in (first, *map(_as_json, rows))) + b"\n"


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """`key` and `row` stay PostgreSQL's own text: read as JSON and written again, 12.10 would be 12.1."""
    return {
        "seq": row["seq"], "xact": row["xact"], "at": moment(row["at"]), "table": row["table_name"], "op": row["op"],
        "key": row["key"], "row": row["row"],
    }  # fmt: skip


def _first(plaintext: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plaintext.partition(b"\n")[0])
    return found


def rows_of(plaintext: bytes) -> Sequence[Mapping[str, Any]]:
    """The changes of an opened shipment, in order: seq, xact, at, table, op; key and row are JSON text."""
    return [json.loads(line) for line in plaintext.splitlines()[1:]]


def _shipment(connection: Connection, shipment: int) -> dict[str, Any]:
    row = connection.execute("select * from pw.journal_shipments where shipment_id = %s", (shipment,)).fetchone()
    assert row is not None  # bound, committed, and never removed
    return row
