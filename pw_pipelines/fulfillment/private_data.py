"""Personal data of an item (a signer's name and address, an SSN): encrypted in its column, read only with a reason.

AES-256-GCM with a random nonce; item, name and key id are authenticated with the value, so a ciphertext moved to
another row does not open. Every reading leaves a row in pw.private_access, and what was read is masked in the logs
of this process from then on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from datetime import date, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pw_pipelines.errors import ConfigError
from pw_pipelines.fulfillment.model import Connection, FulfillmentError
from pw_pipelines.fulfillment.private_keys import keys_of
from pw_pipelines.masking import never_say
from pw_pipelines.settings import Settings

NONCE_BYTES = 12
LONGEST = 10_000  # characters of one value
_NAME = re.compile(r"[a-z0-9_]{1,80}", re.ASCII)


class Vault:
    """The encrypted values of items. Callers hold the transaction; a reading is in its log once they commit."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError in live mode without PW_PRIVATE_KEYS, and for keys that are none."""
        self._keys = keys_of(settings)

    def __repr__(self) -> str:
        return "Vault(***)"

    def put(
        self,
        connection: Connection,
        item_id: int,
        name: str,
        value: str,
        *,
        now: datetime,
        erase_on: date | None = None,
    ) -> None:
        """Keeps a value, in place of an earlier one. erase_on None: the retention job decides when the item is done.

        Raises FulfillmentError for a name that is none and for a value without content or beyond LONGEST.
        """
        if not _NAME.fullmatch(name):
            raise FulfillmentError("The name of a personal value is lower case letters, digits and underscores.")
        if not value.strip() or len(value) > LONGEST or "\0" in value:
            raise FulfillmentError(f"The value of {name} is empty, or longer than {LONGEST:,} characters.")
        never_say(value)
        key_id, ciphertext = self._seal(item_id, name, value.encode())
        connection.execute(
            """insert into pw.private_values (item_id, name, ciphertext, key_id, given_at, erase_on)
               values (%s, %s, %s, %s, %s, %s)
               on conflict (item_id, name) do update set ciphertext = excluded.ciphertext, key_id = excluded.key_id,
                 given_at = excluded.given_at, erase_on = excluded.erase_on, erased_at = null""",
            (item_id, name, ciphertext, key_id, now, erase_on),
        )

    def get(self, connection: Connection, item_id: int, name: str, *, by: str, why: str, now: datetime) -> str | None:
        """The value, or None when there is none (any more). `by` and `why` go in the access log; no personal data.

        Raises ConfigError when its key is not known, FulfillmentError when the row was tampered with.
        """
        row = connection.execute(
            "select ciphertext, key_id from pw.private_values where item_id = %s and name = %s "
            "and ciphertext is not null",
            (item_id, name),
        ).fetchone()
        if row is None:
            return None
        connection.execute(
            'insert into pw.private_access (item_id, name, at, "by", why) values (%s, %s, %s, %s, %s)',
            (item_id, name, now, by, why),
        )
        value = self._open(item_id, name, row["key_id"], bytes(row["ciphertext"])).decode()
        never_say(value)
        return value

    def has(self, connection: Connection, item_id: int, name: str) -> bool:
        """Whether there is a value. Opens nothing, so it leaves no row in the log."""
        return name in self.names(connection, item_id)

    def names(self, connection: Connection, item_id: int) -> set[str]:
        """The names of the values that are there. Opens nothing."""
        rows = connection.execute(
            "select name from pw.private_values where item_id = %s and ciphertext is not null", (item_id,)
        ).fetchall()
        return {str(row["name"]) for row in rows}

    def erase(
        self, connection: Connection, item_id: int, *, now: datetime, names: Collection[str] | None = None
    ) -> int:
        """Empties the values of an item, all or those named; the rows stay and say when. Returns how many."""
        erased = connection.execute(
            "update pw.private_values set ciphertext = null, erased_at = %s "
            "where item_id = %s and ciphertext is not null and (%s::text[] is null or name = any(%s))",
            (now, item_id, None if names is None else list(names), None if names is None else list(names)),
        )
        return erased.rowcount

    def reencrypt(self, connection: Connection, *, most: int = 1_000) -> int:
        """Writes values that are under an older key anew under the first; returns how many, 0 when none is left.

        After that the older keys may be taken out of PW_PRIVATE_KEYS.
        """
        rows = connection.execute(
            "select value_id, item_id, name, key_id, ciphertext from pw.private_values "
            "where ciphertext is not null and key_id <> %s order by value_id limit %s for update skip locked",
            (self._keys.first, most),
        ).fetchall()
        for row in rows:
            value = self._open(row["item_id"], row["name"], row["key_id"], bytes(row["ciphertext"]))
            key_id, ciphertext = self._seal(row["item_id"], row["name"], value)
            connection.execute(
                "update pw.private_values set ciphertext = %s, key_id = %s where value_id = %s",
                (ciphertext, key_id, row["value_id"]),
            )
        return len(rows)

    def _seal(self, item_id: int, name: str, value: bytes) -> tuple[str, bytes]:
        key_id = self._keys.first
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._keys.by_id[key_id]).encrypt(nonce, value, _bound_to(item_id, name, key_id))
        return key_id, nonce + sealed

    def _open(self, item_id: int, name: str, key_id: str, sealed: bytes) -> bytes:
        key = self._keys.by_id.get(key_id)
        if key is None:
            raise ConfigError(
                f"{name} of item {item_id} is encrypted under the key {key_id}, which PW_PRIVATE_KEYS does not have. "
                "Add that key after the first."
            )
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(item_id, name, key_id))
        except InvalidTag:
            raise FulfillmentError(
                f"{name} of item {item_id} does not open under the key {key_id}: the row was changed, moved or damaged."
            ) from None


def _bound_to(item_id: int, name: str, key_id: str) -> bytes:
    return f"{item_id}|{name}|{key_id}".encode()
