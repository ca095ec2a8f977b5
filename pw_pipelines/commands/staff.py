"""`pw staff`: who may log in at the desk, and as what."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from psycopg import Connection
from rich.table import Table

from pw_pipelines.commands.orders import typed, who
from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.fulfillment.deeds import record
from pw_pipelines.portal import desk_users
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Name = Annotated[str, typer.Argument(help="The name they log in with: lower case letters, digits, dots, dashes.")]
Generated = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it, once, instead of asking for one.")
]


@contextmanager
def _books() -> Iterator[tuple[Connection[Any], datetime]]:
    with open_stack(load_settings()) as stack, stack.db.connect() as connection:
        yield connection, stack.settings.clock.now()


@app.command("add")
def add_command(
    name: Name,
    *,
    role: Annotated[str, typer.Option(help="analyst (reads), ops, reviewer or admin.")] = "analyst",
    generate: Generated = False,
    as_json: AsJson = False,
) -> None:
    """Somebody new. Asks for their password, from a pipe too."""
    password = _password(generate)
    with _books() as (connection, now):
        user = desk_users.add_user(connection, name, role, password, now=now)
        record(connection, by=who(), what="user_added", now=now, detail={"user": user.name, "role": user.role})
    _told({"name": user.name, "role": user.role}, password if generate else None, as_json=as_json)


@app.command("password")
def password_command(name: Name, *, generate: Generated = False, as_json: AsJson = False) -> None:
    """A new password; the name is not locked any more, and all its logins end."""
    password = _password(generate)
    with _books() as (connection, now):
        user = desk_users.set_password(connection, name, password, now=now)
        record(connection, by=who(), what="user_password", now=now, detail={"user": user.name})
    _told({"name": user.name, "role": user.role}, password if generate else None, as_json=as_json)


@app.command("disable")
def disable_command(name: Name, *, as_json: AsJson = False) -> None:
    """They may not log in any more, and all their logins end. `pw staff password` lets them in again."""
    with _books() as (connection, now):
        user = desk_users.disable_user(connection, name, now=now)
        record(connection, by=who(), what="user_disabled", now=now, detail={"user": user.name})
    _told({"name": user.name, "role": user.role, "is_active": False}, None, as_json=as_json)


@app.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """Everybody, and when they were last here."""
    with _books() as (connection, _):
        users = desk_users.all_users(connection)
    if as_json:
        emit_json({"users": users})
        return
    table = Table("name", "role", "may log in", "last seen (UTC)")
    for user in users:
        may = "yes" if user["is_active"] and user["has_password"] else "no"
        seen = f"{user['last_seen']:%Y-%m-%d %H:%M}" if user["last_seen"] else "never"
        table.add_row(user["name"], user["role"], may, seen)
    stdout.print(table)


def _password(generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    return desk_users.sound(typed("Password", twice=True))


def _told(answer: dict[str, Any], password: str | None, *, as_json: bool) -> None:
    if password is not None:
        answer["password"] = password
    if as_json:
        emit_json(answer)
        return
    said = f"{answer['name']} ({answer['role']})"
    if answer.get("is_active") is False:
        said += " may not log in any more"
    if password is not None:
        said += f", password: {password}"
    stdout.print(said, highlight=False, markup=False, soft_wrap=True)
