"""Who of the firm may log in: names, roles, scrypt passwords, lock-out after failures. Callers hold the transaction."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from psycopg import Connection

from pw_pipelines.errors import UsageError

Role = Literal["analyst", "ops", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Right = Literal["read", "open", "work", "review", "private"]
# read: where everything stands. open: evidence and documents, which may name people. work: hold, retry, details,
# packets, challenges, portals. review: approve, return, settle. private: personal data.
RIGHTS: Mapping[Role, frozenset[Right]] = {
    "analyst": frozenset({"read"}),
    "ops": frozenset({"read", "open", "work"}),
    "reviewer": frozenset({"read", "open", "review"}),
    "admin": frozenset({"read", "open", "work", "review", "private"}),
}
FIRST_USER = "staff"
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
# 16 MiB and about a quarter of a second each, as OWASP's sheet has it.
COST = (2**14, 8, 5)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}", re.ASCII)


@dataclass(frozen=True)
class User:
    """Somebody of the firm."""

    user_id: int
    name: str
    role: Role

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]


@dataclass(frozen=True)
class Attempt:
    """A login that was counted before its password was looked at. password_hash None: there is nobody to log in."""

    name: str
    user: User | None
    password_hash: str | None
    is_locked: bool


def hash_password(password: str) -> str:
    """`scrypt$n$r$p$salt$hash`."""
    salt = secrets.token_bytes(16)
    n, r, p = COST
    hashed = base64.b64encode(_scrypt(password, salt, n=n, r=r, p=p)).decode()
    return f"scrypt${n}${r}${p}${base64.b64encode(salt).decode()}${hashed}"


def is_password(password: str, kept: str) -> bool:
    """Whether this is the password. Compared in constant time."""
    _, n, r, p, salt, wanted = kept.split("$")
    given = _scrypt(password, base64.b64decode(salt), n=int(n), r=int(r), p=int(p))
    return hmac.compare_digest(given, base64.b64decode(wanted))


def _scrypt(password: str, salt: bytes, *, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=2 * 128 * n * r + 2**20, dklen=32
    )


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return hash_password(secrets.token_hex(16))


def begin_attempt(connection: Connection[Any], name: str, *, now: datetime) -> Attempt:
    """Counts a login as failed before its password is looked at, so that tries side by side are counted too.

    Commit before `finish_attempt`: nobody waits for a password to be hashed with a row locked.
    """
    row = connection.execute(
        "select * from pw.staff_users where name = %s for update", (name.strip().lower()[:60],)
    ).fetchone()
    if row is None or not row["is_active"] or row["password_hash"] is None:
        return Attempt(name, None, None, is_locked=False)
    user = User(row["user_id"], row["name"], row["role"])
    if row["locked_until"] is not None and row["locked_until"] > now:
        return Attempt(name, user, row["password_hash"], is_locked=True)
    failed = row["failed_logins"] + 1
    connection.execute(
        "update pw.staff_users set failed_logins = %s, locked_until = %s where user_id = %s",
        (failed, now + LOCKED_FOR if failed >= TRIES else None, user.user_id),
    )
    return Attempt(name, user, row["password_hash"], is_locked=False)


def check_attempt(attempt: Attempt, password: str) -> bool:
    """Whether the password is right; takes as long for a name that nobody has, and for one that is locked."""
    right = is_password(password[:LONGEST_PASSWORD], attempt.password_hash or _nobodys_hash())
    return right and attempt.user is not None and not attempt.is_locked


def forget_failures(connection: Connection[Any], user_id: int) -> None:
    """After a right password: nothing is counted against the user any more."""
    connection.execute(
        "update pw.staff_users set failed_logins = 0, locked_until = null where user_id = %s", (user_id,)
    )


def add_user(connection: Connection[Any], name: str, role: str, password: str | None, *, now: datetime) -> User:
    """A new user; without a password they can't log in yet. Raises UsageError for a name or role that is none."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name: 2 to 40 letters, digits, dots, dashes; a letter or digit first.")
    if role not in ROLES:
        raise UsageError(f"{role!r} is no role. Give one of: {', '.join(ROLES)}.")
    row = connection.execute(
        "insert into pw.staff_users (name, role, password_hash, created_at) values (%s, %s, %s, %s) "
        "on conflict (name) do nothing returning user_id",
        (name, role, None if password is None else hash_password(sound(password)), now),
    ).fetchone()
    if row is None:
        raise UsageError(f"There is a user {name} already. `pw staff password {name}` gives them a new password.")
    return User(row["user_id"], name, cast("Role", role))


def set_password(connection: Connection[Any], name: str, password: str, *, now: datetime) -> User:
    """A new password: the user may log in (again), is not locked, and all their logins end."""
    user = user_named(connection, name)
    connection.execute(
        "update pw.staff_users set password_hash = %s, is_active = true, failed_logins = 0, locked_until = null "
        "where user_id = %s",
        (hash_password(sound(password)), user.user_id),
    )
    _end_sessions(connection, user.user_id, now)
    return user


def disable_user(connection: Connection[Any], name: str, *, now: datetime) -> User:
    """The user may not log in any more, and all their logins end; their deeds stay in the log."""
    user = user_named(connection, name)
    connection.execute("update pw.staff_users set is_active = false where user_id = %s", (user.user_id,))
    _end_sessions(connection, user.user_id, now)
    return user


def user_named(connection: Connection[Any], name: str) -> User:
    """Raises UsageError when there is none."""
    row = connection.execute(
        "select user_id, name, role from pw.staff_users where name = %s", (name.strip().lower(),)
    ).fetchone()
    if row is None:
        raise UsageError(f"There is no user {name}. `pw staff list` names them all.")
    return User(**row)


def all_users(connection: Connection[Any]) -> list[dict[str, Any]]:
    """Every user, without the password's hash."""
    return list(
        connection.execute(
            "select name, role, is_active, password_hash is not null as has_password, failed_logins, locked_until, "
            "created_at, (select max(seen_at) from pw.staff_sessions s where s.user_id = u.user_id) as last_seen "
            "from pw.staff_users u order by name"
        ).fetchall()
    )


def sound(password: str) -> str:
    """The password, when it is one. Raises UsageError."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", field="password")
    return password


def _end_sessions(connection: Connection[Any], user_id: int, now: datetime) -> None:
    connection.execute(
        "update pw.staff_sessions set ended_at = %s where user_id = %s and ended_at is null", (now, user_id)
    )
