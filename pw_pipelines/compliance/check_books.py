"""What our own books hold on one FRN: the marts, the copies they stand on, the history, CORES. Read only.

The check reads the rows that the bulk rebuild wrote (schema `marts`), so the two always agree. A past day is
read from pw.finding_history, and needs a rebuild of that day or earlier in pw.mart_builds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from psycopg import Connection

from pw_pipelines.clock import EASTERN
from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.check_result import Finding, Price, Question
from pw_pipelines.compliance.rules import SEVERITY_RANK, rules

SOURCES = ("fcc_rmd", "fcc_form499", "fcc_cpni", "fcc_bdc", "fcc_cores")


@dataclass(frozen=True)
class Copy:
    """One snapshot, as far as an answer needs it."""

    snapshot_id: str
    source: str
    as_of: date
    fetched_at: datetime
    grade: str

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

    `build` is None when the marts were never built, or not by the day asked about.
    """

    build: Build | None
    in_force: dict[str, Copy] = field(default_factory=dict)
    newest: dict[str, Copy] = field(default_factory=dict)
    carrier: Mapping[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    cores: CoresRow | None = None


_BUILD = """
select id, as_of, snapshot_ids, id = (select max(id) from pw.mart_builds) as is_latest,
       to_regclass('marts.carriers') is not null and to_regclass('marts.findings') is not null
         and to_regclass('marts.questions') is not null as has_marts
  from pw.mart_builds
 where %(as_of)s::date is null or as_of <= %(as_of)s
 order by case when %(as_of)s::date is not null then as_of end desc nulls last, id desc
 limit 1
"""

# For each source: the newest copy the rebuild stood on that is still good, and the newest copy of any grade.
_COPIES = """
select kind, snapshot_id, source, as_of, fetched_at, grade
  from (select distinct on (source) 'in_force' as kind, snapshot_id, source, as_of, fetched_at, grade
          from pw.snapshots
         where snapshot_id = any(%(ids)s) and grade in ('complete', 'partial') and recalled_at is null
         order by source, as_of desc, fetched_at desc) as standing
union all
select 'newest', newest.snapshot_id, wanted.source, newest.as_of, newest.fetched_at, newest.grade
  from unnest(%(sources)s::text[]) as wanted(source)
 cross join lateral (select snapshot_id, as_of, fetched_at, grade from pw.snapshots s
                      where s.source = wanted.source and (%(as_of)s::date is null or s.as_of <= %(as_of)s)
                      order by s.as_of desc, s.fetched_at desc limit 1) as newest
"""

_CORES = """
select r.is_found, r.entity_name, r.entity_type, r.updated_at_et::date as updated_on,
       s.snapshot_id, s.source, s.as_of, s.fetched_at, s.grade
  from core.fcc_cores_registrations r join pw.snapshots s using (snapshot_id)
 where r.frn = %(frn)s and s.grade in ('complete', 'partial') and s.recalled_at is null
   and (%(as_of)s::date is null or s.as_of <= %(as_of)s)
 order by s.as_of desc, s.fetched_at desc limit 1
"""

_CARRIER = "select name, is_foreign, comm_type, duties, name_keys from marts.carriers where frn = %(frn)s"
_QUESTIONS = "select code, text, citation from marts.questions where frn = %(frn)s order by code"

# A finding that stands on a copy recalled since is not told to anyone, even before the marts are rebuilt.
_STANDING = """
cross join lateral (select coalesce(array_agg(distinct s.source order by s.source), '{}') as sources,
                           coalesce(bool_or(s.recalled_at is not null), false) as is_recalled
                      from pw.snapshots s where s.snapshot_id = any(f.snapshot_ids)) as standing
"""
_FINDINGS = f"""
select f.code, f.title, f.severity, f.severity_rank, f.certainty, f.citation, f.explanation, f.remedy, f.evidence,
       f.snapshot_ids, f.service, f.due_on_et, standing.sources
  from marts.findings f {_STANDING}
 where f.frn = %(frn)s and not standing.is_recalled
 order by f.severity_rank, f.certainty desc, f.code
"""
_HISTORY = f"""
select f.code, f.severity, f.certainty, f.evidence, f.snapshot_ids, standing.sources
  from pw.finding_history f {_STANDING}
 where f.frn = %(frn)s and not standing.is_recalled
   and f.opened_as_of <= %(build_as_of)s and (f.closed_as_of is null or f.closed_as_of > %(build_as_of)s)
   and f.closed_reason is distinct from 'recalled'
 order by f.code
"""


def read_books(connection: Connection[dict[str, object]], frn: str, *, as_of: date | None) -> Books:
    """Everything on file about `frn` as of a day (America/New_York), or as of now when `as_of` is None."""
    asked: dict[str, object] = {"frn": frn, "as_of": as_of, "sources": list(SOURCES)}
    row = cast("dict[str, Any] | None", connection.execute(_BUILD, asked).fetchone())
    build = None
    if row is not None and row["has_marts"]:
        build = Build(row["id"], row["as_of"], row["snapshot_ids"], row["is_latest"])
    asked["ids"] = build.snapshot_ids if build else []
    in_force: dict[str, Copy] = {}
    newest: dict[str, Copy] = {}
    for found in _rows(connection, _COPIES, asked):
        copies = in_force if found["kind"] == "in_force" else newest
        copies[found["source"]] = _copy(found)
    cores = _cores(connection, asked)
    if build is None:
        return Books(None, in_force, newest, cores=cores)
    asked["build_as_of"] = build.as_of
    if build.is_latest:
        findings = [_finding(found) for found in _rows(connection, _FINDINGS, asked)]
    else:
        findings = [_past_finding(found) for found in _rows(connection, _HISTORY, asked)]
        findings.sort(key=lambda finding: (finding.severity_rank, finding.certainty != "sure", finding.code))
    return Books(
        build,
        in_force,
        newest,
        carrier=connection.execute(_CARRIER, asked).fetchone(),
        findings=findings,
        questions=[Question(**found) for found in _rows(connection, _QUESTIONS, asked)],
        cores=cores,
    )


def _rows(connection: Connection[dict[str, object]], query: str, asked: Mapping[str, object]) -> list[dict[str, Any]]:
    return connection.execute(query.encode(), asked).fetchall()


def _copy(row: Mapping[str, Any]) -> Copy:
    return Copy(row["snapshot_id"], row["source"], row["as_of"], row["fetched_at"], row["grade"])


def _cores(connection: Connection[dict[str, object]], asked: Mapping[str, object]) -> CoresRow | None:
    for row in _rows(connection, _CORES, asked):
        return CoresRow(row["is_found"], row["entity_name"], row["entity_type"], row["updated_on"], _copy(row))
    return None


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
        due_on=row["due_on_et"],
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
