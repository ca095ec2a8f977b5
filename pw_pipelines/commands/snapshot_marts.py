"""What a change of snapshots sets off: names matched anew, marts rebuilt, and the difference told."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from datetime import date

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.settings import Settings
from pw_pipelines.snapshots import books


@dataclass(frozen=True)
class Standing:
    """How many findings (by rule code) and leads stand in the marts; zero where they were never built."""

    findings: int
    by_code: dict[str, int]
    leads: int


@dataclass(frozen=True)
class Rebuilt:
    """One rebuild as the commands tell it. `error`: why it failed; the marts then stand as they did before."""

    as_of: date
    before: Standing
    after: Standing
    error: str | None = None


def rebuild(db: Database, settings: Settings, *, at_least: date) -> Rebuilt:
    """Matches names anew and rebuilds the marts. A failure is told, not raised: what was done to the snapshot stands.

    Their day is the newest of `at_least`, of the snapshots in force and of the last rebuild: an old copy that is
    added, or a new one taken back, never turns the marts' calendar back.
    """
    from pw_pipelines.compliance.marts import build

    as_of = max(day for day in (at_least, books.newest_day(db), _last_build(db)) if day is not None)
    before = standing(db)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout belongs to the command's answer
            build(db, as_of=as_of, now=settings.clock.now())
    except PwError as error:
        return Rebuilt(as_of, before, standing(db), str(error))
    return Rebuilt(as_of, before, standing(db))


def standing(db: Database) -> Standing:
    """What the marts say now."""
    with db.connect() as connection:
        by_code: dict[str, int] = {}
        leads = 0
        if connection.execute("select to_regclass('marts.findings') as there").fetchall()[0]["there"]:
            found = connection.execute("select code, count(*) as n from marts.findings group by code order by code")
            by_code = {str(row["code"]): int(str(row["n"])) for row in found}
        if connection.execute("select to_regclass('marts.deficiency_leads') as there").fetchall()[0]["there"]:
            counted = connection.execute("select count(*) as n from marts.deficiency_leads").fetchall()
            leads = int(str(counted[0]["n"]))
    return Standing(sum(by_code.values()), by_code, leads)


def _last_build(db: Database) -> date | None:
    with db.connect() as connection:
        day = connection.execute("select max(as_of) as day from pw.mart_builds").fetchall()[0]["day"]
    return day if isinstance(day, date) else None
