"""/: the staff's first page. What should run and does, how old each record is, the day's counts, open worries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi.responses import HTMLResponse

from pw_pipelines.filling import is_being_filled
from pw_pipelines.portal.dagster_status import DagsterStatus, dagster_status
from pw_pipelines.portal.security import is_staff
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.portal.status import Figures, figures
from pw_pipelines.portal.words import age


async def staff_only(request: Request, site: Annotated[Site, Depends(site_of)]) -> None:
    """Asks for the staff's password where one is set; live mode always has one."""
    password = site.settings.staff_password
    if password is None or is_staff(request, password.get_secret_value()):
        return
    raise HTTPException(
        status.HTTP_401_UNAUTHORIZED,
        "These pages are for the staff. Log in as `staff` with the password in PW_STAFF_PASSWORD.",
        headers={"WWW-Authenticate": 'Basic realm="Performance West staff", charset="UTF-8"'},
    )


router = APIRouter(include_in_schema=False, dependencies=[Depends(staff_only)])


@router.get("/")
def first_page(site: Annotated[Site, Depends(site_of)]) -> HTMLResponse:
    """The state of the house on one page."""
    books = figures(site.db, now=site.clock.now(), today=site.clock.today())
    dagster = dagster_status(site.settings.dagster_url, site.settings.mode)
    filling = is_being_filled(site.settings.home)
    found = [] if filling else worries(books, dagster)
    return site.page("status.html", books=books, dagster=dagster, worries=found, filling=filling)


def worries(books: Figures, dagster: DagsterStatus) -> list[str]:
    """What a person should look at now, worst first, each a sentence. Empty: nothing."""
    found = [dagster.error] if dagster.error else []
    for starter in dagster.starters:
        if starter.state == "unknown" or starter.is_well:
            continue
        if not starter.should_run:
            found.append(f"The {starter.kind} {starter.name} runs, and should not.")
        elif starter.state == "runs":
            found.append(f"The last tick of the {starter.kind} {starter.name} failed; its page in Dagster says why.")
        else:
            found.append(f"The {starter.kind} {starter.name} should run and is {starter.state}; start it in Dagster.")
    found += [
        f"Dagster’s {daemon.name} daemon gives no sign of life." for daemon in dagster.daemons if not daemon.is_well
    ]
    for line in books.sources:
        if line.state == "missing":
            found.append(f"{line.title}: no usable copy is in hand.")
        elif line.state == "too old":
            said = "nobody was looked up for" if line.look_ups else "the copy in force is"
            found.append(f"{line.title}: {said} {age(line.age_hours)}{'' if line.look_ups else ' old'}.")
        if line.newest and line.newest.grade == "rejected":
            found.append(f"{line.title}: the newest copy was rejected. {line.newest_reason}")
    if books.built_at is None:
        found.append("The marts were never built: no findings, no leads. Run the job acquire in Dagster.")
    return found
