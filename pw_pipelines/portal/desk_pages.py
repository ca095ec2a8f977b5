"""What every page of the desk shares: who looks at it, what its forms carry, how it says that something was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile

from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.fulfillment.model import Connection, FulfillmentError
from pw_pipelines.portal.desk_session import CSRF, Session, demand_csrf, logged_in
from pw_pipelines.portal.desk_users import Right
from pw_pipelines.portal.nudge import nudge_item
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.resources.objects import Objects

HOME = "/desk"
LARGEST_FILE = 10 * 2**20
LONGEST_FIELD = 5_000
MOST_FIELDS = 120
ItemId = Annotated[int, Path(ge=1, le=2**62)]
SiteHere = Annotated[Site, Depends(site_of)]
# What a page says after a deed, by its code in the address; what else stands in the address is not shown.
SAID: Mapping[str, str] = {
    "approved": "Approved. The item goes on.",
    "returned": "Returned. The item is held until somebody mends it.",
    "held": "Held.",
    "retried": "It is tried again within a few seconds.",
    "settled": "Settled.",
    "second_word": "Noted. A second person has to say the same before it is filed again.",
    "details": "Kept. Details are still missing.",
    "complete": "Kept. Nothing is missing any more; the item goes on.",
    "known": "Kept. Nothing is missing.",
    "stopped": "Stopped and held; a flag asks for it to be settled with the customer.",
    "filed": "Booked as filed. The item goes on.",
    "handed": "Handed over: download the packet, file it by hand, then book it here.",
    "link": "A new link is on its way to the signer.",
    "passed": "The item goes on.",
    "order_released": "Released. What waited for it goes on by itself.",
    "order_cancelled": "Cancelled.",
    "order_ended": "Ended as refunded. What was filed stays filed; nothing more is worked.",
    "closed": "Closed: nothing is filed there.",
    "opened": "Open again.",
}


@dataclass(frozen=True)
class Sent:
    """A form of the desk, from a page of this login. file: the bytes of what was uploaded; its name is not kept."""

    session: Session
    form: Mapping[str, str]
    file: bytes | None = field(default=None, repr=False)

    @property
    def by(self) -> str:
        return self.session.user.name

    def get(self, name: str) -> str:
        return self.form.get(name, "")


def sent_by(right: Right) -> Callable[..., Any]:
    """A dependency: the form, once its login, its role and its token were looked at, in this order."""

    async def read(request: Request, session: Annotated[Session, Depends(logged_in)]) -> AsyncIterator[Sent]:
        if not session.user.may(right):
            raise HTTPException(
                HTTPStatus.FORBIDDEN, f"Your role ({session.user.role}) may not do this. Nothing was done."
            )
        async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST_FILE) as sent:
            demand_csrf(request, session, sent.get(CSRF))
            said = {key: value[:LONGEST_FIELD] for key, value in sent.items() if isinstance(value, str)}
            uploads = [value for value in sent.values() if isinstance(value, UploadFile)]
            content = await uploads[0].read(LARGEST_FILE + 1) if uploads else None
        if content is not None and len(content) > LARGEST_FILE:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A file may have 10 MiB. Nothing was done.")
        yield Sent(session, said, content or None)

    return read


def page(
    request: Request, site: Site, session: Session, template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: Any
) -> HTMLResponse:
    """A page of the desk for whoever is logged in."""
    said = SAID.get(request.query_params.get("said", ""), "")
    return site.page(
        template, status=status, user=session.user, csrf=session.csrf, said=said, path=request.url.path, **context
    )


def refused(
    request: Request, site: Site, session: Session, error: PwError, back: str, *, typed: str = ""
) -> HTMLResponse:
    """Nothing was done, and why. typed: what was written with it, so that nobody has to write it again."""
    return page(
        request, site, session, "desk_refused.html", status=HTTPStatus.CONFLICT, why=str(error), back=back, typed=typed
    )


def go(path: str, said: str = "") -> RedirectResponse:
    """On to a page of the desk, which says what was done."""
    return RedirectResponse(f"{path}?{urlencode({'said': said})}" if said else path, HTTPStatus.SEE_OTHER)


def done(
    request: Request, site: Site, sent: Sent, deed: Callable[[Connection], str], *, to: str
) -> HTMLResponse | RedirectResponse:
    """Does `deed` in one transaction and goes on to the page `to`, which says what it returned; or says why not."""
    try:
        with site.db.connect() as connection:
            said = deed(cast("Connection", connection))
    except (FulfillmentError, UsageError) as error:
        return refused(request, site, sent.session, error, to, typed=sent.get("note") or sent.get("why"))
    if "item_id" in request.path_params:  # what made it ready is gone on with at once
        nudge_item(site.settings, int(request.path_params["item_id"]))
    return go(to, said)


@contextmanager
def books(site: Site) -> Iterator[Connection]:
    """One reading transaction; what is not there is a page that says so (404)."""
    with site.db.connect() as connection:
        try:
            yield cast("Connection", connection)
        except FulfillmentError as error:
            raise NotFound(str(error)) from error


def objects_of(site: Site) -> Objects:
    """The object store of this house."""
    return Objects(site.settings.objects_url or f"file://{site.settings.home / 'objects'}")
