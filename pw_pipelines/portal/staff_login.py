"""/desk/login and /desk/logout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines import logs
from pw_pipelines.fulfillment.deeds import record
from pw_pipelines.portal import desk_users
from pw_pipelines.portal.desk_session import (
    CSRF,
    LOGIN,
    Session,
    begin_session,
    cookie_name,
    demand_csrf,
    drop_cookie,
    end_session,
    hash_of,
    logged_in,
    session_of,
    set_cookie,
)
from pw_pipelines.portal.form_proof import FormProof
from pw_pipelines.portal.site import Site, site_of

HOME = "/desk"
LONGEST = 300
# Where a login may lead: a page of the desk, by its path alone. No host, no second slash, no dots.
_OURS = re.compile(r"/desk(/[A-Za-z0-9_-]+)*", re.ASCII)
WRONG = (
    "Name and password do not go together, or too many tries were made; after {tries} the name rests {minutes} minutes."
)
router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]
log = logs.get_logger(__name__)


@dataclass(frozen=True)
class Login:
    """What somebody typed. `before`: the token of the login this browser had, which ends with the new one."""

    name: str
    password: str
    before: str | None


def where_to(asked: object) -> str:
    """A page of the desk; its first one for anything else."""
    return asked if isinstance(asked, str) and _OURS.fullmatch(asked) and asked != LOGIN else HOME


def _proof(request: Request, site: Site) -> FormProof:
    return FormProof(request, https=site.settings.public_url.startswith("https://"))


def _page(request: Request, site: Site, *, going: str, name: str = "", wrong: str = "") -> HTMLResponse:
    proof = _proof(request, site)
    status = HTTPStatus.FORBIDDEN if wrong else HTTPStatus.OK
    reply = site.page("desk_login.html", status=status, proof=proof.field, going=going, name=name, wrong=wrong)
    proof.keep(reply)
    return reply


@router.get(LOGIN)
async def login_page(request: Request, site: SiteHere) -> Response:
    """The form; whoever is logged in goes on."""
    going = where_to(request.query_params.get("next"))
    if await to_thread.run_sync(session_of, request, site, limiter=site.quick):
        return RedirectResponse(going, HTTPStatus.SEE_OTHER)
    return _page(request, site, going=going)


@router.post(LOGIN)
async def login(request: Request, site: SiteHere) -> Response:
    """Logs in. One password is looked at at a time, so that a flood of them holds up nobody else."""
    async with request.form(max_files=0, max_fields=10) as sent:
        form = {key: str(value)[:LONGEST] for key, value in sent.items()}
    going = where_to(form.get("next"))
    if not _proof(request, site).is_proved(request, form):
        return _page(request, site, going=going, wrong="This form was open for too long. Try once more.")
    asked = Login(form.get("name", ""), form.get("password", ""), request.cookies.get(cookie_name(site)))
    token = await to_thread.run_sync(log_in, site, asked, limiter=site.logins)
    if token is None:
        minutes = int(desk_users.LOCKED_FOR.total_seconds() // 60)
        wrong = WRONG.format(tries=desk_users.TRIES, minutes=minutes)
        return _page(request, site, going=going, name=asked.name[:60], wrong=wrong)
    reply = RedirectResponse(going, HTTPStatus.SEE_OTHER)
    set_cookie(reply, site, token)
    return reply


def log_in(site: Site, asked: Login) -> str | None:
    """The new login's token; None when name and password do not go together."""
    now = site.clock.now()
    with site.db.connect() as connection:
        attempt = desk_users.begin_attempt(connection, asked.name, now=now)
    if not desk_users.check_attempt(attempt, asked.password):
        log.warning("login refused", is_locked=attempt.is_locked)
        if attempt.user is not None:
            with site.db.connect() as connection:
                record(connection, by=attempt.user.name, what="login_refused", now=now,
                       detail={"locked": attempt.is_locked})  # fmt: skip
        return None
    assert attempt.user is not None
    with site.db.connect() as connection:
        desk_users.forget_failures(connection, attempt.user.user_id)
        if asked.before:  # whatever login this browser had ends with the new one
            end_session(connection, hash_of(asked.before[:100]), now=now)
        record(connection, by=attempt.user.name, what="login", now=now)
        return begin_session(connection, attempt.user, now=now)


@router.post("/desk/logout")
async def logout(request: Request, site: SiteHere, session: Annotated[Session, Depends(logged_in)]) -> Response:
    """Ends the login here and in the books."""
    async with request.form(max_files=0, max_fields=3) as sent:
        demand_csrf(request, session, sent.get(CSRF))

    def ended() -> None:
        with site.db.connect() as connection:
            end_session(connection, session.token_hash, now=site.clock.now())
            record(connection, by=session.user.name, what="logout", now=site.clock.now())

    await to_thread.run_sync(ended, limiter=site.quick)
    reply = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
    drop_cookie(reply, site)
    return reply
