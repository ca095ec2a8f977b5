"""The portals we file with: their pace, their probe, open or closed; and the log of deeds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.filings.portal import portal_codes, portal_of
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.playbook import playbooks
from pw_pipelines.portal.desk_pages import HOME, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]


def known_portals() -> dict[str, str]:
    """Every portal a playbook files with or that has a file, by code, with its title where it has one."""
    codes = set(portal_codes())
    used = {one.filing.portal for one in playbooks().values() if one.filing}
    return {code: portal_of(code).title if code in codes else code for code in sorted(codes | used)}


@router.get(HOME + "/portals")
def portals(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """All of them."""
    with books(site) as connection:
        kept = {row["portal"]: row for row in connection.execute("select * from pw.filing_portals").fetchall()}
    rows = [{"portal": code, "title": title, "kept": kept.get(code)} for code, title in known_portals().items()]
    codes = set(portal_codes())
    for row in rows:
        row["terms"] = portal_of(str(row["portal"])).terms.automation if row["portal"] in codes else ""
    return page(request, site, session, "desk_portals.html", rows=rows)


@router.post(HOME + "/portals/{portal}", response_model=None)
def change(portal: str, request: Request, site: SiteHere, sent: Annotated[Sent, Depends(sent_by("work"))]) -> Any:
    """Closes or opens one."""

    def deed(connection: Connection) -> str:
        if portal not in known_portals():
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
