"""What ops do to an item at the desk: hold, try again, give details, book a filing by hand, go on after a challenge."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import deeds, duplicates
from pw_pipelines.fulfillment.facts import fact_of
from pw_pipelines.fulfillment.model import Connection, FulfillmentError
from pw_pipelines.fulfillment.packets import FilingByHand
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.fulfillment.resending import resend
from pw_pipelines.portal.desk_files import PDF, PICTURES
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, done, objects_of, sent_by
from pw_pipelines.portal.site import Site

router = APIRouter(include_in_schema=False)
Worker = Annotated[Sent, Depends(sent_by("work"))]
PATH = HOME + "/items/{item_id}"
# Gates that a person may open by saying what they did.
PASSABLE = ("challenge", "changed_page", "duplicate")


def _of(item_id: int) -> str:
    return f"{HOME}/items/{item_id}"


@router.post(PATH + "/hold", response_model=None)
def hold(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """Stops it for a person."""

    def deed(connection: Connection) -> str:
        deeds.hold(connection, item_id, by=sent.by, why=sent.get("why"), now=site.clock.now())
        return "held"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/retry", response_model=None)
def retry(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """Makes it ready, from an earlier stage if one is named."""

    def deed(connection: Connection) -> str:
        deeds.retry(
            connection, item_id, by=sent.by, why=sent.get("why"), stage=sent.get("stage") or None, now=site.clock.now()
        )
        return "retried"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/pass", response_model=None)
def passed(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """A person did what the gate asked for."""

    def deed(connection: Connection) -> str:
        deeds.passed_on(connection, item_id, gates=PASSABLE, by=sent.by, why=sent.get("why"), now=site.clock.now())
        return "passed"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/duplicate", response_model=None)
def duplicate(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """Files it although the record shows such a filing, or stops it."""

    def deed(connection: Connection) -> str:
        decided = {"file": duplicates.file_anyway, "stop": duplicates.stop}.get(sent.get("do"))
        if decided is None:
            raise UsageError("Press one of the two buttons.")
        decided(connection, item_id, why=sent.get("why"), by=sent.by, now=site.clock.now())
        return "passed" if sent.get("do") == "file" else "stopped"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/by-hand", response_model=None)
def by_hand(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """Hands the filing over to a person, or takes it back when nothing was filed."""

    def deed(connection: Connection) -> str:
        if sent.get("do") == "take_back":
            deeds.take_back(connection, item_id, by=sent.by, why=sent.get("why"), now=site.clock.now())
            return "passed"
        deeds.hand_over(connection, item_id, by=sent.by, why=sent.get("why"), now=site.clock.now())
        return "handed"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/signature-link", response_model=None)
def signature_link(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """A fresh link to the signer's own address."""

    def deed(connection: Connection) -> str:
        resend(connection, item_id, by=sent.by, now=site.clock.now())
        deeds.record(connection, by=sent.by, what="signature_link", item_id=item_id, now=site.clock.now())
        return "link"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/details", response_model=None)
def details(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """Details that staff learned of; what was left empty stays as it is."""
    values = {name[5:]: value for name, value in sent.form.items() if name.startswith("fact_") and value.strip()}

    def deed(connection: Connection) -> str:
        if not values:
            raise UsageError("Nothing was filled in.")
        if any(fact_of(name).private for name in values) and not sent.session.user.may("private"):
            raise UsageError("Personal data is given by the customer, or by an admin.")
        given = deeds.details(connection, Vault(site.settings), item_id, values, by=sent.by, now=site.clock.now())
        return "complete" if given.goes_on else "details" if given.missing else "known"

    return done(request, site, sent, deed, to=_of(item_id))


@router.post(PATH + "/filed", response_model=None)
def filed(item_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """What was filed by hand: its number and its confirmation, a PDF or a picture."""

    def deed(connection: Connection) -> str:
        if sent.file is None:
            raise FulfillmentError("Give the portal's confirmation, as a PDF or a picture.")
        media_type = kind_of(sent.file)
        filing = FilingByHand(sent.get("reference"), kept(site, sent.file), media_type, sent.get("note"))
        deeds.filed_by_hand(connection, item_id, filing, by=sent.by, now=site.clock.now())
        return "filed"

    return done(request, site, sent, deed, to=_of(item_id))


def kind_of(content: bytes) -> str:
    """PDF or picture by its first bytes. Raises FulfillmentError for anything else, whatever its name says."""
    if content.startswith(b"%PDF-"):
        return PDF
    for media_type, begins in PICTURES.items():
        if content.startswith(begins):
            return media_type
    raise FulfillmentError("The confirmation is a PDF, or a picture (PNG, JPEG, WebP). Nothing was booked.")


def kept(site: Site, content: bytes) -> str:
    """Puts the bytes in the object store; their digest."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return objects_of(site).put(Path(file.name))
