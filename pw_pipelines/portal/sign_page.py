"""/sign/{token}: a signer reads, agrees and signs, once; or declines. Works without scripts; one script of ours draws.

Looking (GET, HEAD, pictures, PDF) changes nothing but a line in the trail, because mail programs open links before
people do. Only the POST of the form signs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines import logs
from pw_pipelines.documents.signing import ceremony, links, pictures, requests
from pw_pipelines.documents.signing.canonical import sha256
from pw_pipelines.documents.signing.chain import Connection
from pw_pipelines.documents.signing.consent import INTENT, PERJURY, consent
from pw_pipelines.documents.signing.keys import link_keys
from pw_pipelines.documents.signing.links import LinkRefused
from pw_pipelines.documents.signing.marks import PAD, strokes_of
from pw_pipelines.documents.signing.requests import SignedDocument
from pw_pipelines.errors import SnapshotError, UsageError
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.portal.form_proof import FormProof
from pw_pipelines.portal.nudge import nudge_item
from pw_pipelines.portal.security import CONTENT_SECURITY_POLICY
from pw_pipelines.portal.site import STATIC, Site, site_of
from pw_pipelines.resources.objects import Objects

log = logs.get_logger(__name__)
router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]
PATH = requests.PATH
MOST_SIZES = 256
_KNOWN_SIZES: dict[str, list[tuple[int, int]]] = {}
BY = "signer"
HEADERS = {
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; script-src 'self'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
_STATUS = {
    "unsound": HTTPStatus.NOT_FOUND, "early": HTTPStatus.FORBIDDEN, "signed": HTTPStatus.OK,
    "declined": HTTPStatus.OK,
}  # fmt: skip
_TITLES = {
    "signed": "Signed. Thank you.", "declined": "You declined to sign", "expired": "This link has expired",
    "revoked": "This link does not work any more", "changed": "The documents have changed",
}  # fmt: skip
_NEXT = {
    "signed": "A copy for your records comes by e-mail, sealed, with a certificate of how it was signed.",
    "declined": "Nothing was filed. A person of ours writes to you.",
    "expired": "A new one is on its way to your mailbox, or a person of ours writes to you.",
    "revoked": "If a newer mail of ours is in your mailbox, use the link in that one.",
}
_NOT_PROVED = "Your browser did not show that this form is ours; cookies may be blocked. Nothing was signed: try again."


@dataclass
class _Form:
    """What the signer sent, to be shown again where something is missing. The declaration's tick is not kept: it is
    made anew with each try."""

    name: str = ""
    drawing: str = ""
    reason: str = ""
    consents: bool = False
    faults: dict[str, str] = field(default_factory=dict)


@router.api_route(PATH + "/{token}", methods=["GET", "HEAD"])
async def sign_page(token: str, request: Request, site: SiteHere) -> HTMLResponse:
    """The documents and the form; or, of a link that opens nothing any more, why."""
    is_opened = request.method == "GET"
    try:
        context = await to_thread.run_sync(_context, site, token, is_opened, limiter=site.quick)
    except LinkRefused as refused:
        return _closed(site, refused)
    return _page(request, site, token, context, _Form())


@router.get(PATH + "/{token}/{document}/{page}.png")
async def page_picture(token: str, document: int, page: int, site: SiteHere) -> Response:
    """One page of one document, both from 1."""
    content = await to_thread.run_sync(_picture, site, token, document, page, limiter=site.patient)
    return Response(content, media_type="image/png", headers=HEADERS)


@router.get(PATH + "/{token}/{document}.pdf")
async def document_pdf(token: str, document: int, site: SiteHere) -> Response:
    """One document, as it was made, to be kept."""
    name, content = await to_thread.run_sync(_pdf, site, token, document, limiter=site.quick)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


@router.post(PATH + "/{token}")
async def signed(token: str, request: Request, site: SiteHere) -> Response:
    """Signs (`do=sign`) or declines (`do=decline`); what is missing is said on the form."""
    async with request.form(max_files=0, max_fields=20) as sent:
        fields = {name: str(value) for name, value in sent.items()}
    proof = _proof(request, site)
    form = _Form(fields.get("name", "")[:300], fields.get("drawing", ""), fields.get("reason", "")[:2000])
    form.consents = fields.get("consent") == "yes"
    if not proof.is_proved(request, fields, hidden_origin=True):
        form.faults["form"] = _NOT_PROVED
    elif fields.get("do") == "sign":
        _check(form, fields)
    elif fields.get("do") != "decline":
        form.faults["form"] = "Press “Sign” or “Decline”."
    try:
        if not form.faults:
            deed = _decline if fields.get("do") == "decline" else _sign
            # The ticks of a form that misses one cost nothing; a name that is not the signer's costs an attempt.
            await to_thread.run_sync(deed, site, token, form, fields, _origin_of(request), limiter=site.quick)
            if not form.faults:
                return RedirectResponse(f"{PATH}/{token}", HTTPStatus.SEE_OTHER, headers=HEADERS)
        context = await to_thread.run_sync(_context, site, token, False, limiter=site.quick)
    except LinkRefused as refused:
        if refused.kind in ("changed", "expired"):
            await to_thread.run_sync(_wake, site, token, limiter=site.quick)
        return _closed(site, refused)
    status = HTTPStatus.FORBIDDEN if form.faults.get("form") == _NOT_PROVED else HTTPStatus.BAD_REQUEST
    return _page(request, site, token, context, form, status=status)


def _check(form: _Form, fields: Mapping[str, str]) -> None:
    """What can be said before anything is tried; the statements are asked of the books in `_sign`."""
    if fields.get("consent") != "yes":
        form.faults["consent"] = "Tick the box to say that you agree to sign electronically."
    if fields.get("asks_perjury") == "yes" and fields.get("perjury") != "yes":
        form.faults["perjury"] = "Tick the box to make the declaration, or decline below."
    if not form.name.strip():
        form.faults["name"] = "Type your full name."
    try:
        strokes_of(form.drawing)
    except UsageError as error:
        form.faults["drawing"] = str(error)
        form.drawing = ""


def _sign(site: Site, token: str, form: _Form, fields: Mapping[str, str], origin: tuple[str, str]) -> None:
    now = site.clock.now()
    sent = ceremony.Signing(
        typed_name=form.name, strokes=form.drawing, consents=fields.get("consent") == "yes",
        declares=fields.get("perjury") == "yes", ip=origin[0], user_agent=origin[1],
    )  # fmt: skip
    with site.db.connect() as pooled:
        connection = cast("Connection", pooled)
        keys = link_keys(site.settings)
        asked = ceremony.open_link(connection, keys, token, now=now)
        if asked.needs_perjury_statement and not sent.declares:
            form.faults["perjury"] = "Tick the box to make the declaration, or decline below."
            return
        asked, outcome = ceremony.sign(connection, keys, Vault(site.settings), token, sent, now=now)
        if outcome == "name_differs":
            left = asked.attempts_left - 1
            form.faults["name"] = (
                "This is not the name of the person who was asked to sign, as it stands in the documents. "
                f"{left} {'try is' if left == 1 else 'tries are'} left."
            )
            return
        items.reopen(
            connection, asked.item_id, gates=["signature"], by=BY, now=now,
            why="Signed." if outcome == "signed" else "The link's attempts are used up.",
        )  # fmt: skip
    nudge_item(site.settings, asked.item_id)
    log.info("signature", request_id=asked.request_id, outcome=outcome)


def _decline(site: Site, token: str, form: _Form, _fields: Mapping[str, str], _origin: tuple[str, str]) -> None:
    now = site.clock.now()
    with site.db.connect() as pooled:
        connection = cast("Connection", pooled)
        vault, keys = Vault(site.settings), link_keys(site.settings)
        asked = ceremony.decline(connection, keys, vault, token, form.reason, now=now)
        items.reopen(connection, asked.item_id, gates=["signature"], by=BY, why="The signer declined.", now=now)
    nudge_item(site.settings, asked.item_id)
    log.info("signature", request_id=asked.request_id, outcome="declined")


def _wake(site: Site, token: str) -> None:
    """Lets the stage look at a link that is out of step with the books, so that it sends a new one."""
    now = site.clock.now()
    with site.db.connect() as pooled:
        connection = cast("Connection", pooled)
        try:
            request_id = links.request_of(token, link_keys(site.settings), now)
        except LinkRefused:
            return  # the sensor finds what has run out
        item_id = requests.read(connection, request_id).item_id
        items.reopen(connection, item_id, gates=["signature"], by=BY, why="The link is out of date.", now=now)


def _context(site: Site, token: str, is_opened: bool) -> dict[str, Any]:
    now = site.clock.now()
    with site.db.connect() as pooled:
        connection = cast("Connection", pooled)
        asked = ceremony.open_link(connection, link_keys(site.settings), token, now=now)
        if is_opened:
            ceremony.note_opened(connection, asked, now=now)
        item = items.read_item(connection, asked.item_id)
    documents = [
        {"title": one.title, "number": number, "sizes": _sizes(_objects_url(site), one.digest)}
        for number, one in enumerate(asked.documents, 1)
    ]
    return {"asked": asked, "item": item, "documents": documents}


def _document(site: Site, token: str, number: int) -> SignedDocument:
    """A document of an open link. LinkRefused and what is not there are 404."""
    with site.db.connect() as pooled:
        connection = cast("Connection", pooled)
        try:
            asked = ceremony.open_link(connection, link_keys(site.settings), token, now=site.clock.now())
        except LinkRefused as refused:
            raise HTTPException(HTTPStatus.NOT_FOUND, str(refused)) from None
    if not 1 <= number <= len(asked.documents):
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such document.")
    return asked.documents[number - 1]


def _pdf(site: Site, token: str, number: int) -> tuple[str, bytes]:
    one = _document(site, token, number)
    return one.template, _content(_objects_url(site), one.digest)


def _picture(site: Site, token: str, number: int, page: int) -> bytes:
    one = _document(site, token, number)
    try:
        return _drawn(_objects_url(site), one.digest, page - 1)
    except UsageError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None


@lru_cache(maxsize=64)
def _drawn(objects_url: str, digest: str, page: int) -> bytes:
    """A page's picture; the last ones are kept for a while, since a phone asks for them again and again."""
    return pictures.picture_of(_content(objects_url, digest), page).png


@lru_cache(maxsize=256)
def _sizes(objects_url: str, digest: str) -> list[tuple[int, int]]:
    return [(round(width), round(height)) for width, height in pictures.page_sizes(_content(objects_url, digest))]


def _content(objects_url: str, digest: str) -> bytes:
    with Objects(objects_url).open(digest) as file:
        content = file.read()
    if sha256(content) != digest:
        raise SnapshotError(f"The object {digest} is damaged in the object store. Restore it from the backup.")
    return content


def _objects_url(site: Site) -> str:
    return site.settings.objects_url or (site.settings.home / "objects").resolve().as_uri()


def _origin_of(request: Request) -> tuple[str, str]:
    """Where the signer's request came from: address and browser, as they are known here."""
    return request.client.host if request.client else "", request.headers.get("user-agent", "")


def _proof(request: Request, site: Site) -> FormProof:
    return FormProof(request, https=site.settings.public_url.startswith("https://"))


@lru_cache(maxsize=1)
def _version() -> str:
    return hashlib.sha256((STATIC / "sign.css").read_bytes() + (STATIC / "sign.js").read_bytes()).hexdigest()[:12]


def _page(
    request: Request, site: Site, token: str, context: Mapping[str, Any], form: _Form, *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HTMLResponse:  # fmt: skip
    proof = _proof(request, site)
    reply = site.page(
        "sign.html", status=status, **context, form=form, proof=proof.field, path=f"{PATH}/{token}", pad=PAD,
        consent=consent(), perjury=PERJURY, intent=INTENT, sign_version=_version(),
    )  # fmt: skip
    reply.headers.update(HEADERS)
    proof.keep(reply)
    return reply


def _closed(site: Site, refused: LinkRefused) -> HTMLResponse:
    reply = site.page(
        "sign_closed.html", status=_STATUS.get(refused.kind, HTTPStatus.GONE), kind=refused.kind,
        heading=_TITLES.get(refused.kind, "This link is not valid"), words=str(refused),
        following=_NEXT.get(refused.kind, ""), sign_version=_version(),
    )  # fmt: skip
    reply.headers.update(HEADERS)
    return reply
