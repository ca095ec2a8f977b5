"""The desk's first user: somebody must be able to log in to a house that was just set up."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment.deeds import record
from pw_pipelines.portal import desk_users
from pw_pipelines.settings import Settings

ROLE = "admin"


def password_file(home: Path) -> Path:
    """Where a generated password is kept, for its owner alone, so that every `pw up` can say it."""
    return home / "keys" / "staff_password"


def first_user(db: Database, settings: Settings) -> str:
    """Makes the user `staff` in a house that has nobody, and says how to log in.

    The password is PW_STAFF_PASSWORD, else in the sandbox a generated one. A password changed since is never put back.
    """
    name, given = desk_users.FIRST_USER, settings.staff_password
    path = password_file(settings.home)
    with db.connect(application="pw-up") as connection:
        users = {user["name"] for user in desk_users.all_users(connection)}
        if users and name not in users:
            return "as `pw staff list` says"
        if not users:
            if given is not None:
                password = given.get_secret_value()
            elif settings.is_sandbox:
                password = _generated(path)
            else:
                return "nobody can log in: add somebody by `pw staff add NAME --role admin`"
            user = desk_users.add_user(connection, name, ROLE, None, now=settings.clock.now())
            connection.execute(
                "update pw.staff_users set password_hash = %s where user_id = %s",
                (desk_users.hash_password(password), user.user_id),
            )
            record(connection, by="pw up", what="user_added", now=settings.clock.now(), detail={"user": name})
        row = connection.execute("select password_hash from pw.staff_users where name = %s", (name,)).fetchone()
    kept = str(row["password_hash"]) if row and row["password_hash"] else None
    if given is not None and kept and desk_users.is_password(given.get_secret_value(), kept):
        return f"user {name}, the password in PW_STAFF_PASSWORD"
    if settings.is_sandbox and kept and path.exists():
        generated = path.read_text(encoding="ascii").strip()
        if desk_users.is_password(generated, kept):
            return f"user {name}, password {generated}"
    return f"user {name}, the password somebody gave it; `pw staff password {name}` gives a new one"


def _generated(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secrets.token_urlsafe(12)
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, f"{password}\n".encode("ascii"))
    finally:
        os.close(file)
    return password
