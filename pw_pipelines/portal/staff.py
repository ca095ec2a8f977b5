"""/: the staff's first page. What should run and does, how old each record is, the day's counts, open worries."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi.responses import HTMLResponse

from pw_pipelines.clock import machine_now
from pw_pipelines.filling import is_being_filled
from pw_pipelines.portal.dagster_status import DagsterStatus, dagster_status
from pw_pipelines.portal.desk_session import session_of
from pw_pipelines.portal.security import is_staff
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.portal.status import Figures, figures
from pw_pipelines.portal.status_house import house_worries
from pw_pipelines.portal.status_runs import linked
from pw_pipelines.portal.status_sources import expected
from pw_pipelines.portal.words import age


async def staff_only(request: Request, site: Annotated[Site, Depends(site_of)]) -> None:
    """Asks for the staff's password where one is set (live mode always has one), or a login at the desk."""
    password = site.settings.staff_password
    if password is None or is_staff(request, password.get_secret_value()):
        return
    if await to_thread.run_sync(session_of, request, site, limiter=site.quick) is not None:
        return
    raise HTTPException(
        status.HTTP_401_UNAUTHORIZED,
        "These pages are for the staff. Log in at /desk, or as `staff` with the password in PW_STAFF_PASSWORD.",
        headers={"WWW-Authenticate": 'Basic realm="Performance West staff", charset="UTF-8"'},
    )


router = APIRouter(include_in_schema=False, dependencies=[Depends(staff_only)])


@router.get("/")
def first_page(site: Annotated[Site, Depends(site_of)]) -> HTMLResponse:
    """The state of the house on one page."""
    url = site.settings.dagster_url
    # Dagster first: a run that ends between the two is then still under way, and its copy is there already. The other
    # way round it would have ended and have brought nothing.
    dagster = dagster_status(site.settings.dagster_api, site.settings.mode)
    books = figures(site.db, now=site.clock.now(), today=site.clock.today())
    filling = is_being_filled(site.settings.home)
    lines = expected(books.sources, dagster, filling=filling, machine_now=machine_now())
    books = replace(books, sources=lines)
    return site.page(
        "status.html",
        books=books,
        dagster=dagster,
        worries=[]
        if filling
        else [*worries(books, dagster, url), *house_worries(site.db, site.settings, now=site.clock.now())],
        filling=filling,
        loading=[line for line in lines if line.state == "loading"],
        linked=partial(linked, dagster_url=url, public_url=site.settings.public_url),
    )


def worries(books: Figures, dagster: DagsterStatus, dagster_url: str) -> list[str]:
    """What a person should look at now, worst first, each a sentence. Empty: nothing."""
    found = [dagster.error] if dagster.error else []
    now = machine_now()  # Dagster's own books are in machine time, whatever the sandbox clock says
    for run in dagster.runs.unmended(now):
        hours = (now - run.ended_at).total_seconds() / 3600 if run.ended_at else None
        found.append(
            f"{run.what} failed {age(hours)} ago and no run of it has succeeded since: "
            f"{dagster_url.rstrip('/')}/runs/{run.run_id}"
        )
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
            remedy = f" A person loads it: {line.note}." if line.note else ""
            found.append(f"{line.title}: {said} {age(line.age_hours)}{'' if line.look_ups else ' old'}.{remedy}")
        if line.newest and line.newest.grade == "rejected":
            found.append(f"{line.title}: the newest copy was rejected. {line.newest_reason}")
    if books.built_at is None:
        found.append("The marts were never built: no findings, no leads. Run the job acquire in Dagster.")
    return found
