"""/door/login, /door/logout, and /door: who is logged in and where they may go. The same users as at the desk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from pw_pipelines.fulfillment.deeds import record
from pw_pipelines.portal import desk_session, desk_users
from pw_pipelines.portal.door_site import CHANGE_ROLES, OWN, Door, door_of, no, page, there
from pw_pipelines.portal.form_proof import FormProof
from pw_pipelines.portal.staff_login import LONGEST, WRONG, Login, log_in

LOGIN = "/door/login"
_TOO_MANY = "Too many tries came from your address. Wait ten minutes."


async def health(_request: Request) -> Response:
    """This process answers. Says nothing about anything else."""
    return PlainTextResponse("ok")


def where_to(asked: object) -> str:
    """A page behind the door, by its path alone; the first one for anything else."""
    if not isinstance(asked, str) or len(asked) > 1_000 or not re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", asked):
        return "/"
    return "/" if asked.startswith("/door") else asked


def login_first(request: Request, door: Door) -> Response:
    """Pages lead to the login and back; everything else is told no."""
    going = where_to(there(request.url.path, request.url.query))
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        # A link from a chat: the browser keeps the cookie back on this first request, and not on a second one.
        if request.headers.get("sec-fetch-site") == "cross-site":
            return _login_form(request, door, going=going, again=True)
        return RedirectResponse(f"{LOGIN}?next={quote(going, safe='/')}", HTTPStatus.SEE_OTHER, OWN)
    return no(HTTPStatus.UNAUTHORIZED, "Log in first.")


def _proof(request: Request, door: Door) -> FormProof:
    return FormProof(request, https=door.site.settings.public_url.startswith("https://"))


def _login_form(
    request: Request, door: Door, *, going: str, name: str = "", wrong: str = "", again: bool = False,
    status: HTTPStatus = HTTPStatus.OK,
) -> HTMLResponse:  # fmt: skip
    proof = _proof(request, door)
    reply = page(
        door, "door_login.html", status=status, proof=proof.field, going=going, name=name, wrong=wrong, again=again
    )
    proof.keep(reply)
    return reply


async def login_page(request: Request) -> Response:
    door, going = door_of(request), where_to(request.query_params.get("next"))
    if await door.session(request):
        return RedirectResponse(going, HTTPStatus.SEE_OTHER, OWN)
    return _login_form(request, door, going=going)


async def login(request: Request) -> Response:
    door = door_of(request)
    form = await _form(request)
    going = where_to(form.get("next"))
    if not _proof(request, door).is_proved(request, form):
        wrong = "This form was open for too long. Try once more."
        return _login_form(request, door, going=going, wrong=wrong, status=HTTPStatus.FORBIDDEN)
    if not door.may_try(request.client.host if request.client else ""):
        return _login_form(request, door, going=going, wrong=_TOO_MANY, status=HTTPStatus.TOO_MANY_REQUESTS)
    asked = Login(
        form.get("name", ""), form.get("password", ""), request.cookies.get(desk_session.cookie_name(door.site))
    )
    token = await to_thread.run_sync(log_in, door.site, asked, limiter=door.site.logins)
    if token is None:
        minutes = int(desk_users.LOCKED_FOR.total_seconds() // 60)
        wrong = WRONG.format(tries=desk_users.TRIES, minutes=minutes)
        return _login_form(request, door, going=going, name=asked.name[:60], wrong=wrong, status=HTTPStatus.FORBIDDEN)
    reply = RedirectResponse(going, HTTPStatus.SEE_OTHER, OWN)
    desk_session.set_cookie(reply, door.site, token)
    return reply


async def logout(request: Request) -> Response:
    door = door_of(request)
    session = await door.session(request)
    if session is None:
        return RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER, OWN)
    desk_session.demand_csrf(request, session, (await _form(request)).get(desk_session.CSRF))

    def ended() -> None:
        with door.site.db.connect() as connection:
            now = door.site.clock.now()
            desk_session.end_session(connection, session.token_hash, now=now)
            record(connection, by=session.user.name, what="logout", now=now)

    await to_thread.run_sync(ended, limiter=door.site.quick)
    reply = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER, OWN)
    desk_session.drop_cookie(reply, door.site)
    return reply


async def _form(request: Request) -> Mapping[str, str]:
    if not request.headers.get("content-length", "").isdecimal() or int(request.headers["content-length"]) > 16_384:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This form is too large.")
    async with request.form(max_files=0, max_fields=10) as sent:
        return {key: str(value)[:LONGEST] for key, value in sent.items()}


async def who(request: Request) -> Response:
    door = door_of(request)
    session = await door.session(request)
    if session is None:
        return _login_form(request, door, going="/")
    return page(
        door, "door.html", title="Dagster", detail="", user=session.user, csrf=session.csrf,
        may_change=session.user.role in CHANGE_ROLES,
    )  # fmt: skip
