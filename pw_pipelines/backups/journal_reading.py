"""The journal read back from its store alone: every shipment after a dump, examined, opened, in order.

Nothing is believed that is not signed by us; a shipment that is missing in between is known by the chain, since each
names the digest of the one before. A missing last one can't be known from the store: a later dump's facts know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pw_pipelines.backups.journal import JournalError, is_signed, name_of, read_header, rows_of
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import Identities
from pw_pipelines.documents.signing.canonical import sha256

Change = Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """What the store holds past a dump. changes: those the dump does not have, by seq. damage: sentences, each naming
    the shipment; what follows a damaged shipment is still read, since every row stands for itself.
    newest_at: when the newest change in the store was made (the machine's clock). seen: number and moment of every row
    in the store; the number alone is given again by a database that was put back to an older state in its place.
    later: every row of the shipments after the dump's last, also those that the dump should have."""

    shipments: int
    changes: Sequence[Change]
    damage: tuple[str, ...]
    newest_at: datetime | None
    seen: frozenset[tuple[int, datetime]]
    later: Sequence[Change] = ()


def read_after(
    store: JournalStore, position: Mapping[str, Any], identities: Identities, believed: Sequence[Ed25519PublicKey]
) -> Read:
    """Reads all of the dump's line in the store. `position`: `journal` of the dump's facts."""
    line, last = str(position["line"]), int(position["last_shipment"])
    in_dump = in_snapshot(str(position["snapshot"]))
    names = store.names(line)
    damage: list[str] = []
    changes: list[Change] = []
    later: list[Change] = []
    seen: set[tuple[int, datetime]] = set()
    previous: tuple[int, str] | None = (last, str(position["last_digest"]))
    oldest_wanted = name_of(line, last)
    for name in names:
        try:
            header, rows = _opened(store, name, identities, believed)
        except JournalError as error:
            damage.append(str(error))
            previous = None
            continue
        if name_of(line, int(header["shipment"])) != name:
            damage.append(
                f"Journal shipment {name} holds shipment {header['shipment']}: it was put under another name."
            )
        seen |= {(int(row["seq"]), datetime.fromisoformat(str(row["at"]))) for row in rows}
        if name <= oldest_wanted:  # the dump saw this shipment bound, and so every row in it
            continue
        later += rows
        changes += [row for row in rows if not in_dump(int(row["xact"]))]
        if previous is not None and header["previous"] != previous[1]:
            damage.append(
                f"A journal shipment is missing between {previous[0]} and {header['shipment']} of line {line}: the "
                "chain is broken there."
            )
        previous = int(header["shipment"]), str(header["digest"])
    changes.sort(key=lambda row: int(row["seq"]))
    newest = max((datetime.fromisoformat(str(row["at"])) for row in changes), default=None)
    return Read(len(names), changes, tuple(damage), newest, frozenset(seen), later)


def in_snapshot(snapshot: str) -> Callable[[int], bool]:
    """Whether a transaction's changes are in what `snapshot` (`xmin:xmax:xip,…`, pg_current_snapshot) saw."""
    oldest, following, listed = [*snapshot.split(":"), ""][:3]
    open_then = {int(one) for one in listed.split(",") if one}

    def is_in(transaction: int) -> bool:
        return transaction < int(oldest) or (transaction < int(following) and transaction not in open_then)

    return is_in


def _opened(
    store: JournalStore, name: str, identities: Identities, believed: Sequence[Ed25519PublicKey]
) -> tuple[dict[str, Any], Sequence[Change]]:
    """A shipment's header and rows. Raises JournalError for anything that is not as it was written."""
    try:
        content = store.read(name)
    except FileNotFoundError:
        raise JournalError(f"Journal shipment {name} went away while it was read.") from None
    header = read_header(content, name)
    if not is_signed(header, believed):
        raise JournalError(f"Journal shipment {name}: its header is not signed by us; it was changed or is forged.")
    sealed = content.partition(b"\n")[2]
    if sha256(sealed) != header["sealed"]:
        raise JournalError(f"Journal shipment {name} is damaged: its sealed bytes are not those its header names.")
    try:
        plaintext = bytes(pyrage.decrypt(sealed, list(identities.keys)))
    except pyrage.DecryptError as error:
        raise JournalError(
            f"Journal shipment {name} can't be opened with the identity of {identities.source}: {error}. Wrong key?"
        ) from None
    if sha256(plaintext) != header["digest"]:
        raise JournalError(f"Journal shipment {name} holds other rows than its header names.")
    return header, rows_of(plaintext)
