"""The dates of a copy: is it as old as it says, and not older than what we already have? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pw_pipelines.snapshots.model import CheckResult, Origin, Snapshot
from pw_pipelines.sources.contract import SourceContract
from pw_pipelines.sources.report import ReadReport


def stated_day(report: ReadReport) -> date | None:
    """The day the source itself gives the copy (Form 499's `Updated`), where its edition is named by a day."""
    return iso_day(report.vintage)


def checks(
    report: ReadReport,
    contract: SourceContract,
    *,
    as_of: date,
    origin: Origin,
    edition: str | None,
    previous: Snapshot | None,
    newest_fetched: Snapshot | None,
) -> Iterator[CheckResult]:
    """The clock's checks. A hand-saved copy may be of any day; a fetched one is of now."""
    if origin == "fetched" and newest_fetched is not None:
        yield CheckResult(
            "clock",
            as_of >= newest_fetched.as_of,
            "error",
            f"as-of day {as_of} against {newest_fetched.as_of} of the newest complete copy"
            + ("" if as_of >= newest_fetched.as_of else ": the clock has gone backwards; check this machine's time"),
            as_of.isoformat(),
            f"{newest_fetched.as_of} or later",
        )
    if edition is not None and report.vintage is not None:
        yield CheckResult(
            "edition",
            report.vintage.startswith(edition),
            "error",
            f"edition {report.vintage} inside the copy against {edition} asked for",
            report.vintage,
            edition,
        )
    if contract.change is not None:  # a batch of look-ups has other records each time, so its dates cannot be compared
        yield from _not_older(report, previous, edition)
    newest = max((day for day in (report.newest, stated_day(report)) if day is not None), default=None)
    if newest is None:
        return
    yield CheckResult(
        "newest_not_in_future",
        newest <= as_of,
        "error",
        f"the newest date inside is {newest}, the copy is said to be of {as_of}"
        + ("" if newest <= as_of else ": nothing can be newer than the copy; give the day it was made with --as-of"),
        newest.isoformat(),
        f"{as_of} or earlier",
    )
    if contract.newest_within_days is not None:
        age = (as_of - newest).days
        within = age <= contract.newest_within_days
        yield CheckResult(
            "newest_recent",
            within,
            "error",
            f"the newest date inside is {newest}, {age:,} days before {as_of} against at most "
            f"{contract.newest_within_days:,}"
            + ("" if within else ": an old copy; if so, give the day it was made with --as-of"),
            f"{age:,} days",
            f"at most {contract.newest_within_days:,} days",
        )


def _not_older(report: ReadReport, previous: Snapshot | None, edition: str | None) -> Iterator[CheckResult]:
    if previous is None:
        return
    ours, theirs = stated_day(report), iso_day(previous.vintage)
    if ours is not None and theirs is not None:
        yield _no_step_back("vintage_not_older", "the source's own date", ours, theirs, previous)
    same_edition = edition is None or previous.vintage is None or previous.vintage.startswith(edition)
    if same_edition and report.newest is not None and previous.newest_on is not None:
        yield _no_step_back("newest_not_older", "the newest date inside", report.newest, previous.newest_on, previous)


def _no_step_back(name: str, what: str, ours: date, theirs: date, previous: Snapshot) -> CheckResult:
    return CheckResult(
        name,
        ours >= theirs,
        "error",
        f"{what} is {ours} against {theirs} in the copy of {previous.as_of}"
        + ("" if ours >= theirs else ": the source has gone backwards and serves an old copy"),
        ours.isoformat(),
        f"{theirs} or later",
    )


def iso_day(text: str | None) -> date | None:
    """`text` as a day where it is one: an edition named by its day, and not `J25`."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
