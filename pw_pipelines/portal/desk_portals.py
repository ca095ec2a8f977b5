"""The portals: open or closed, their pace, every selector and what changed; and the log of deeds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.filings.portal import portal_codes
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.playbook import playbooks
from pw_pipelines.portal.desk_files import content_of, reply_with
from pw_pipelines.portal.desk_pages import HOME, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.probes import reading
from pw_pipelines.probes.comparing import STATES
from pw_pipelines.probes.targets import Target, targets

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]
Opener = Annotated[Session, Depends(may("open"))]
OUTCOMES = {"stands": "stands", "changed": "changed", "away": "away", "person": "asks for a person"}
TONES = {"stands": "good", "changed": "critical", "away": "medium", "person": "medium"}


def undescribed() -> list[str]:
    """Portals a playbook files with that have no file: a person files there."""
    used = {one.filing.portal for one in playbooks().values() if one.filing}
    return sorted(used - set(portal_codes()))


@router.get(HOME + "/portals")
def portals(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """All of them, those that need somebody first."""
    with books(site) as connection:
        found = reading.overviews(connection, targets(site.settings))
    return page(
        request, site, session, "desk_portals.html",
        rows=[one for one in found if one.target.kind == "filing" or one.target.never is None],
        never=[one.target for one in found if one.target.kind == "search" and one.target.never is not None],
        undescribed=undescribed(), outcomes=OUTCOMES, tones=TONES,
    )  # fmt: skip


@router.get(HOME + "/portals/{portal}")
def portal_page(portal: str, request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """One of them: what changed, with before and after, pictures, and the history of every selector."""
    target = _target(portal, site.settings)
    with books(site) as connection:
        found = reading.page_of(connection, target)
    return page(
        request, site, session, "desk_portal.html",
        one=found.overview, found=found, outcomes=OUTCOMES, tones=TONES, states=STATES,
    )  # fmt: skip


@router.get(HOME + "/portals/{portal}/files/{digest}")
def portal_file(portal: str, digest: str, site: SiteHere, session: Opener) -> Response:
    """A picture or the HTML that a probe of this portal kept. HTML comes as plain text."""
    with books(site) as connection:
        kind = reading.is_shot_of(connection, portal, digest)
    if kind is None:
        raise NotFound("Portal and digest do not go together.")
    return reply_with(content_of(site, digest), "image/png" if kind == "picture" else "text/html", f"{portal} {kind}")


@router.post(HOME + "/portals/{portal}", response_model=None)
def change(portal: str, request: Request, site: SiteHere, sent: Annotated[Sent, Depends(sent_by("work"))]) -> Any:
    """Closes or opens one, with a reason."""

    def deed(connection: Connection) -> str:
        if portal not in {*portal_codes(), *undescribed()}:
            raise UsageError("There is no such portal.")
        if sent.get("do") == "close":
            deeds.close_portal(connection, portal, by=sent.by, why=sent.get("why"), now=site.clock.now())
            return "closed"
        deeds.open_portal(connection, portal, by=sent.by, why=sent.get("why"), now=site.clock.now())
        return "opened"

    return done(request, site, sent, deed, to=f"{HOME}/portals")


@router.get(HOME + "/log")
def log(request: Request, site: SiteHere, session: Annotated[Session, Depends(may("private"))]) -> HTMLResponse:
    """The last deeds and the last readings of personal data, newest first."""
    with books(site) as connection:
        actions = connection.execute(
            "select a.*, o.number as order_number from pw.staff_actions a left join pw.order_items i using (item_id) "
            "left join pw.orders o on o.order_id = coalesce(a.order_id, i.order_id) "
            "order by a.action_id desc limit 200"
        ).fetchall()
        readings = connection.execute("select * from pw.private_access order by access_id desc limit 200").fetchall()
    return page(request, site, session, "desk_log.html", actions=actions, readings=readings)


def _target(portal: str, settings: Any) -> Target:
    try:
        return targets(settings)[portal]
    except KeyError:
        raise NotFound("There is no such portal.") from None
