"""What our own books hold on one FRN: the marts, the copies they stand on, the history, CORES. Read only.

The check reads the rows that the bulk rebuild wrote (schema `marts`), so the two always agree. A past day is
read from pw.finding_history, and needs a rebuild of that day or earlier in pw.mart_builds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg import Connection

from pw_pipelines.clock import EASTERN
from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.check_result import Finding, Price, Question
from pw_pipelines.compliance.rules import SEVERITY_RANK, rules

SOURCES = ("fcc_rmd", "fcc_form499", "fcc_cpni", "fcc_bdc", "fcc_cores")


@dataclass(frozen=True)
class Copy:
    """One snapshot, as far as an answer needs it. `edition`: the source's own name or day for its data, if any."""

    snapshot_id: str
    source: str
    as_of: date
    fetched_at: datetime
    grade: str
    edition: str | None = None

    def age_hours(self, moment: datetime) -> float:
        """Hours since this copy was true: since it was fetched, or since its day ended (Eastern) if it was old then."""
        day_ended = datetime.combine(self.as_of + timedelta(days=1), time(), EASTERN)
        return max(0.0, (moment - min(self.fetched_at, day_ended)) / timedelta(hours=1))


@dataclass(frozen=True)
class Build:
    """One rebuild of the marts."""

    build_id: int
    as_of: date
    snapshot_ids: list[str]
    is_latest: bool


@dataclass(frozen=True)
class CoresRow:
    """What CORES showed for the FRN, from a stored copy or read now (`read_at`)."""

    is_found: bool
    entity_name: str | None
    entity_type: str | None
    updated_on: date | None
    copy: Copy | None = None
    read_at: datetime | None = None

    @property
    def is_person(self) -> bool:
        return "individual" in (self.entity_type or "").lower()


@dataclass(frozen=True)
class Books:
    """Everything on file. `in_force`: source -> copy the judgement stands on; `newest`: newest copy of any grade.

    `build` is None when the marts were never built, or not by the day asked about. `unsettled` counts what was
    suspected and could not be proven; what it was is not for the carrier.
    """

    build: Build | None
    in_force: dict[str, Copy] = field(default_factory=dict)
    newest: dict[str, Copy] = field(default_factory=dict)
    carrier: Mapping[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unsettled: int = 0
    cores: CoresRow | None = None


# A copy as an object: {snapshot_id, source, as_of, fetched_at, grade, vintage}.
_COPY = "s.snapshot_id, s.source, s.as_of, s.fetched_at, s.grade, s.vintage"

# The rebuild that answers: the last one, or the newest of the day asked about or before. One that went back in
# time is in the marts while it is the last, and was never booked in the history.
_BUILD = """
with build as (
  select b.id, b.as_of, b.snapshot_ids, b.id = (select max(id) from pw.mart_builds) as is_latest
    from pw.mart_builds b
   where %(as_of)s::date is null
      or b.as_of <= %(as_of)s
         and (b.id = (select max(id) from pw.mart_builds)
              or not exists (select from pw.mart_builds e where e.id < b.id and e.as_of > b.as_of))
   order by case when %(as_of)s::date is not null then b.as_of end desc nulls last, b.id desc
   limit 1)
"""

# in_force: for each source the newest copy the rebuild stood on that is still good; newest: of any grade.
_COPIES = f"""
select (select to_json(b) from build b) as build,
  (select json_agg(c) from (
     select distinct on (s.source) {_COPY} from pw.snapshots s
      where s.snapshot_id in (select unnest(snapshot_ids) from build)
        and s.grade in ('complete', 'partial') and s.recalled_at is null
      order by s.source, s.as_of desc, s.fetched_at desc) c) as in_force,
  (select json_agg(n) from unnest(%(sources)s::text[]) as wanted(source) cross join lateral (
     select {_COPY} from pw.snapshots s
      where s.source = wanted.source and (%(as_of)s::date is null or s.as_of <= %(as_of)s)
      order by s.as_of desc, s.fetched_at desc limit 1) n) as newest,
  (select to_json(r) from (
     select r.is_found, r.entity_name, r.entity_type, r.updated_at_et::date as updated_on, {_COPY}
       from core.fcc_cores_registrations r join pw.snapshots s using (snapshot_id)
      where r.frn = %(frn)s and s.grade in ('complete', 'partial') and s.recalled_at is null
        and (%(as_of)s::date is null or s.as_of <= %(as_of)s)
      order by s.as_of desc, s.fetched_at desc limit 1) r) as cores
"""

# A finding that stands on a copy recalled since is not told to anyone, even before the marts are rebuilt.
_STANDING = """
cross join lateral (select coalesce(array_agg(distinct s.source order by s.source), '{}') as sources,
                           coalesce(bool_or(s.recalled_at is not null), false) as is_recalled
                      from pw.snapshots s where s.snapshot_id = any(f.snapshot_ids)) as standing
"""
_MARTS = f"""
  (select to_json(c) from (
     select name, is_foreign, duties, name_keys from marts.carriers where frn = %(frn)s) c) as carrier,
  (select json_agg(q) from (
     select code, text, citation from marts.questions where frn = %(frn)s order by code) q) as questions,
  (select count(*) from marts.held where frn = %(frn)s) as unsettled,
  (select json_agg(f) from (
     select f.code, f.title, f.severity, f.severity_rank, f.certainty, f.citation, f.explanation, f.remedy, f.evidence,
            f.snapshot_ids, f.service, f.due_on_et, standing.sources
       from marts.findings f {_STANDING}
      where f.frn = %(frn)s and not standing.is_recalled
      order by f.severity_rank, f.certainty desc, f.code) f) as findings,
  (select json_agg(f) from (
     select f.code, f.severity, f.certainty, f.evidence, f.snapshot_ids, standing.sources
       from pw.finding_history f cross join build {_STANDING}
      where not build.is_latest and f.frn = %(frn)s and not standing.is_recalled
        and f.opened_as_of <= build.as_of and (f.closed_as_of is null or f.closed_as_of > build.as_of)
        and f.closed_reason is distinct from 'recalled') f) as history
"""
# One statement, so that a check costs one trip to the server and sees one state of the marts.
_EVERYTHING = f"{_BUILD} {_COPIES}, {_MARTS}".encode()
_WITHOUT_MARTS = f"{_BUILD} {_COPIES}".encode()


def read_books(connection: Connection[dict[str, object]], frn: str, *, as_of: date | None) -> Books:
    """Everything on file about `frn` as of a day (America/New_York), or as of now when `as_of` is None.

    Begins a transaction of its own; call it first. Marts that were never built are no error.
    """
    asked: dict[str, object] = {"frn": frn, "as_of": as_of, "sources": list(SOURCES)}
    try:
        found = _one(connection, _EVERYTHING, asked)
    except psycopg.errors.UndefinedTable:
        connection.rollback()
        found = _one(connection, _WITHOUT_MARTS, asked) | {"build": None}
    in_force = {row["source"]: _copy(row) for row in found["in_force"] or ()}
    newest = {row["source"]: _copy(row) for row in found["newest"] or ()}
    cores = _cores(found["cores"])
    if found["build"] is None:
        return Books(None, in_force, newest, cores=cores)
    build = Build(
        found["build"]["id"],
        date.fromisoformat(found["build"]["as_of"]),
        found["build"]["snapshot_ids"],
        found["build"]["is_latest"],
    )
    if build.is_latest:
        findings = [_finding(row) for row in found["findings"] or ()]
    else:
        findings = [_past_finding(row) for row in found["history"] or ()]
        findings.sort(key=lambda finding: (finding.severity_rank, finding.certainty != "sure", finding.code))
    return Books(
        build,
        in_force,
        newest,
        carrier=found["carrier"],
        findings=findings,
        questions=[Question(**row) for row in found["questions"] or ()],
        unsettled=found["unsettled"] if build.is_latest else 0,
        cores=cores,
    )


def _one(connection: Connection[dict[str, object]], query: bytes, asked: Mapping[str, object]) -> dict[str, Any]:
    return connection.execute(query, asked).fetchone() or {}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _copy(row: Mapping[str, Any]) -> Copy:
    return Copy(
        row["snapshot_id"],
        row["source"],
        date.fromisoformat(row["as_of"]),
        datetime.fromisoformat(row["fetched_at"]),
        row["grade"],
        row["vintage"],
    )


def _cores(row: Mapping[str, Any] | None) -> CoresRow | None:
    if row is None:
        return None
    return CoresRow(row["is_found"], row["entity_name"], row["entity_type"], _day(row["updated_on"]), _copy(row))


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        code=row["code"],
        title=row["title"],
        severity=row["severity"],
        severity_rank=row["severity_rank"],
        certainty=row["certainty"],
        citation=row["citation"],
        explanation=row["explanation"],
        remedy=row["remedy"] or "",
        evidence=row["evidence"] or {},
        snapshots=row["snapshot_ids"],
        sources=row["sources"],
        service=row["service"],
        price_usd=price_of(row["service"]),
        due_on=_day(row["due_on_et"]),
    )


def _past_finding(row: Mapping[str, Any]) -> Finding:
    """The history keeps verdict and evidence; the words come from the rules. A retired rule keeps its code."""
    rule = rules().get(row["code"])
    service = rule.service if rule else None
    return Finding(
        code=row["code"],
        title=rule.title if rule else row["code"],
        severity=row["severity"],
        severity_rank=SEVERITY_RANK[row["severity"]],
        certainty=row["certainty"],
        citation=rule.citation if rule else "",
        explanation=rule.explanation if rule else "A rule that is no longer applied.",
        remedy=rule.remedy if rule else "",
        evidence=row["evidence"] or {},
        snapshots=row["snapshot_ids"],
        sources=row["sources"],
        service=service,
        price_usd=price_of(service),
        due_on=None,
    )


def price_of(code: str | None) -> Price:
    """Today's price of a service by its code; None for no service, "quote" for one that is priced case by case."""
    if code is None:
        return None
    offered = catalogue().get(code)
    return offered.price if offered else "quote"
