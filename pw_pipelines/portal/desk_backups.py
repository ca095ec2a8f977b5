"""Backups: how each subject stands, its sets, and the restore drills with their reports. Nothing is changed here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from pw_pipelines.backups.books import sets_of
from pw_pipelines.backups.drill_book import drills
from pw_pipelines.backups.journal import lag
from pw_pipelines.backups.report import duration
from pw_pipelines.backups.status import standings
from pw_pipelines.portal.desk_files import STRICT, content_of
from pw_pipelines.portal.desk_pages import HOME, SiteHere, books, page
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]
PATH = HOME + "/backups"
MOST_SETS, MOST_DRILLS = 60, 20
# Our own page, with its own style and nothing else.
_REPORT = {**STRICT, "Content-Security-Policy": STRICT["Content-Security-Policy"] + "; style-src 'unsafe-inline'"}


@router.get(PATH)
def backups(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """What can be restored, and whether it was."""
    with books(site) as connection:
        stands = standings(connection, site.settings, now=site.clock.now())
        made = sets_of(connection, most=MOST_SETS)
        drilled = drills(connection, most=MOST_DRILLS)
        behind = lag(connection)
    return page(
        request, site, session, "desk_backups.html",
        stands=stands, sets=made, drills=drilled, behind=behind, duration=duration,
    )  # fmt: skip


@router.get(PATH + "/drills/{drill_id}")
def report(drill_id: int, site: SiteHere, session: Reader) -> Response:
    """The report of one drill, as it was written."""
    with books(site) as connection:
        row = connection.execute(
            "select report_digest from pw.backup_drills where drill_id = %s", (drill_id,)
        ).fetchone()
    if row is None or row["report_digest"] is None:
        raise NotFound(f"There is no report of a drill {drill_id}.")
    content = content_of(site, str(row["report_digest"]))
    return Response(content, media_type="text/html; charset=utf-8", headers=_REPORT)
