"""A login at the desk: a cookie with a token, its hash in the books, a token of its own in every form.

The token is made at login and never taken from the browser, so nobody can hand one to somebody else beforehand.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import Depends, HTTPException, Request
from psycopg import Connection
from starlette.requests import HTTPConnection
from starlette.responses import Response

from pw_pipelines.portal.desk_users import Right, User
from pw_pipelines.portal.form_proof import is_same_site
from pw_pipelines.portal.site import Site, site_of

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=1)
CSRF = "csrf"
LOGIN = "/desk/login"
_NAME = "pw_desk"
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST = 100


class LoginNeeded(HTTPException):
    """Nobody is logged in. A page leads to the login and back to where one was going."""

    def __init__(self, request: Request) -> None:
        going = request.url.path if request.method in ("GET", "HEAD") else ""
        where = f"{LOGIN}?next={quote(going)}" if going.startswith("/desk/") else LOGIN
        super().__init__(HTTPStatus.SEE_OTHER, "Log in first.", headers={"Location": where})


@dataclass(frozen=True)
class Session:
    """Somebody who is logged in, and what their forms must carry."""

    user: User
    csrf: str
    token_hash: str


def cookie_name(site: Site) -> str:
    """`__Host-`: a browser takes it from this host over https alone."""
    return f"__Host-{_NAME}" if _is_https(site) else _NAME


def _is_https(site: Site) -> bool:
    return site.settings.public_url.startswith("https://")


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def begin_session(connection: Connection[Any], user: User, *, now: datetime) -> str:
    """A new login; the token for the cookie."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        "insert into pw.staff_sessions (token_hash, user_id, csrf, created_at, seen_at, expires_at) "
        "values (%s, %s, %s, %s, %s, %s)",
        (hash_of(token), user.user_id, secrets.token_urlsafe(32), now, now, now + LASTS),
    )
    return token


def end_session(connection: Connection[Any], token_hash: str, *, now: datetime) -> None:
    """Ends a login, if it is one."""
    connection.execute(
        "update pw.staff_sessions set ended_at = %s where token_hash = %s and ended_at is null", (now, token_hash)
    )


def read_session(connection: Connection[Any], token: str, *, now: datetime) -> Session | None:
    """The login of this token while it lasts; it ends after LASTS, or IDLE without a page."""
    row = connection.execute(
        "select s.token_hash, s.csrf, s.seen_at, u.user_id, u.name, u.role from pw.staff_sessions s "
        "join pw.staff_users u using (user_id) where s.token_hash = %s and s.ended_at is null "
        "and s.expires_at > %s and s.seen_at > %s and u.is_active and u.password_hash is not null",
        (hash_of(token), now, now - IDLE),
    ).fetchone()
    if row is None:
        return None
    if now - row["seen_at"] > _SEEN_EVERY:
        connection.execute("update pw.staff_sessions set seen_at = %s where token_hash = %s", (now, row["token_hash"]))
    return Session(User(row["user_id"], row["name"], row["role"]), row["csrf"], row["token_hash"])


def set_cookie(reply: Response, site: Site, token: str) -> None:
    """Gives the browser its token."""
    reply.set_cookie(
        cookie_name(site), token, path="/", max_age=int(LASTS.total_seconds()), httponly=True,
        secure=_is_https(site), samesite="strict",
    )  # fmt: skip


def drop_cookie(reply: Response, site: Site) -> None:
    """Takes it back."""
    reply.delete_cookie(cookie_name(site), path="/", httponly=True, secure=_is_https(site), samesite="strict")


def session_of(request: HTTPConnection, site: Site) -> Session | None:
    """Whoever is logged in; reads the books."""
    token = request.cookies.get(cookie_name(site), "")
    if not token or len(token) > _LONGEST:
        return None
    with site.db.connect() as connection:
        return read_session(connection, token, now=site.clock.now())


async def logged_in(request: Request, site: Annotated[Site, Depends(site_of)]) -> Session:
    """The login a request comes with. Raises LoginNeeded."""
    session = await to_thread.run_sync(session_of, request, site, limiter=site.quick)
    if session is None:
        raise LoginNeeded(request)
    return session


def may(right: Right) -> Callable[..., Any]:
    """A dependency: the login, when its role has this right. Whoever has it not is told so (403)."""

    async def allowed(session: Annotated[Session, Depends(logged_in)]) -> Session:
        if not session.user.may(right):
            raise HTTPException(
                HTTPStatus.FORBIDDEN, f"Your role ({session.user.role}) may not do this. Nothing was done."
            )
        return session

    return allowed


def demand_csrf(request: Request, session: Session, given: object) -> None:
    """Raises HTTPException (403) unless the form stood on a page of this very login."""
    said = given if isinstance(given, str) else ""
    if not is_same_site(request) or not hmac.compare_digest(said.encode("utf-8", "replace"), session.csrf.encode()):
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "This form does not belong to your login. Nothing was done; open the page again."
        )
