"""What probes saw, in the books: every selector with its history, and the portal that is closed by what was seen.

A selector's history is spans of time in which every look saw the same, so that years of daily looks stay small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.filings.pacing import row_of
from pw_pipelines.filings.probing import ProbeReport
from pw_pipelines.filings.sights import Sight, Traits
from pw_pipelines.probes.candidates import candidate
from pw_pipelines.probes.comparing import Verdict, judge
from pw_pipelines.probes.targets import Kind

Connection = psycopg.Connection[dict[str, Any]]
PROBE = "probe"  # who closes a portal that has changed
MOST_TOLD = 3


@dataclass(frozen=True)
class Result:
    """One selector as a probe found it. since: from when every look has seen the same."""

    name: str
    expression: str
    state: str
    ok: bool
    changed: bool
    found: int
    since: datetime
    last_stood_at: datetime | None
    changes: tuple[str, ...] = ()
    candidate: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Kept:
    """One probe in the books. outcome: stands, changed, away, person; is_closed: nothing is filed there now."""

    probe_id: int
    portal: str
    outcome: str
    why: str | None
    changes: tuple[str, ...]
    results: tuple[Result, ...]
    unseen: tuple[tuple[str, str], ...]
    is_closed: bool
    has_closed: bool

    @property
    def ok(self) -> bool:
        """Whether all that could be seen stands."""
        return self.outcome == "stands"


def keep(
    connection: Connection,
    report: ProbeReport,
    *,
    kind: Kind,
    by: str,
    now: datetime,
    seconds: float,
    shots: Sequence[Mapping[str, Any]] = (),
) -> Kept:
    """Writes down what a probe saw, in the caller's transaction.

    A filing portal that has changed is closed by it, until a person opens it; one that is away, or asks for a person,
    is not.
    """
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"probe books {report.portal}",))
    told = report.away is None and report.person is None
    known = _known(connection, report.portal)
    judged = _judged(report, known) if told else []
    changes = _changes(report, judged)
    outcome = "away" if report.away else "person" if report.person else "changed" if changes else "stands"
    row = connection.execute(
        """insert into pw.portal_probes (portal, kind, at, "by", seconds, outcome, ok, why, changes, change_digest,
             selectors, stood, changed, shots)
           values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning probe_id""",
        (
            report.portal, kind, now, by, round(seconds, 2), outcome, outcome == "stands", report.away or report.person,
            changes, _digest(changes) if changes else None, len(judged), sum(verdict.ok for _, verdict in judged),
            sum(not verdict.ok for _, verdict in judged), Jsonb(list(shots)),
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    probe_id = int(row["probe_id"])
    results = _Writing(connection, report, known, probe_id, now).results(judged) if told else []
    is_closed = has_closed = False
    if kind == "filing":
        is_closed, has_closed = _portal(connection, report, outcome, changes, now=now, shots=shots)
    unseen = tuple(dict.fromkeys((use.name, why) for use, why in report.unseen)) if told else ()
    return Kept(
        probe_id, report.portal, outcome, report.away or report.person, tuple(changes), tuple(results), unseen,
        is_closed, has_closed,
    )  # fmt: skip


def accept(connection: Connection, portal: str) -> int:
    """A person looked and opened the portal: what stands where the selectors point is from now on what was meant.

    What stood before is right as well, until the next look: the page may have been put back before anybody opened it.
    Returns for how many selectors that is news. What is gone, or fits more than one, is not made good by it.
    """
    return connection.execute(
        """update pw.portal_selectors s
             set stood_on = last.seen_on || jsonb_build_object('or', coalesce(s.stood_on, '{}') - 'or')
           from (select distinct on (selector_id) selector_id, state, seen_on from pw.selector_spans
                 order by selector_id, span_id desc) last
           where s.selector_id = last.selector_id and s.portal = %s and s.is_used and last.state = 'other'
             and last.seen_on is not null""",
        (portal,),
    ).rowcount


def _known(connection: Connection, portal: str) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    rows = connection.execute("select * from pw.portal_selectors where portal = %s", (portal,)).fetchall()
    return {(row["form"], row["page"], row["use"], row["expression"]): row for row in rows}


def _judged(report: ProbeReport, known: Mapping[Any, Mapping[str, Any]]) -> list[tuple[Sight, Verdict]]:
    first: dict[Any, Sight] = {}
    for sight in report.sights:
        first.setdefault(sight.use.key, sight)
    return [(sight, _verdict(sight, known.get(key))) for key, sight in first.items()]


def _verdict(sight: Sight, row: Mapping[str, Any] | None) -> Verdict:
    verdict = judge(sight, _stood_on(row))
    before = row["stood_on"].get("or") if row is not None and row["stood_on"] else None
    if before and not verdict.ok and (other := judge(sight, Traits.of(before))).ok:
        return other
    return verdict


def _stood_on(row: Mapping[str, Any] | None) -> Traits | None:
    return Traits.of(row["stood_on"]) if row is not None and row["stood_on"] else None


def _changes(report: ProbeReport, judged: Sequence[tuple[Sight, Verdict]]) -> list[str]:
    """Every change as a sentence: of the selectors, then what is said of a page as a whole."""
    of_selectors = [change for _, verdict in judged for change in verdict.changes]
    at_once = {wrong for sight, _ in judged for wrong in sight.wrong}
    of_pages = [one for found in report.changes.values() for one in found if one not in at_once]
    return list(dict.fromkeys((*of_selectors, *of_pages)))


def _digest(changes: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(changes)).encode()).hexdigest()


@dataclass(frozen=True)
class _Writing:
    """The selectors of one probe on their way into the books."""

    connection: Connection
    report: ProbeReport
    known: Mapping[Any, Mapping[str, Any]]
    probe_id: int
    now: datetime

    def results(self, judged: Sequence[tuple[Sight, Verdict]]) -> list[Result]:
        ours = {sight.use.expression for sight, verdict in judged if verdict.ok and sight.use.meant != "fields"}
        results = [self._result(sight, verdict, ours) for sight, verdict in judged]
        self._unseen()
        return results

    def _result(self, sight: Sight, verdict: Verdict, ours: set[str]) -> Result:
        row = self.known.get(sight.use.key)
        found: dict[str, Any] | None = None
        if verdict.state in ("missing", "many"):
            best = candidate(sight.use, _stood_on(row), sight.controls, ours)
            found = best.as_detail() if best else None
        selector_id = self._selector(sight, verdict)
        since = self._span(selector_id, sight, verdict, found)
        before = row["last_stood_at"] if row else None
        return Result(
            sight.use.name, sight.use.expression, verdict.state, verdict.ok,
            changed=not verdict.ok and before is not None, found=sight.found, since=since,
            last_stood_at=self.now if verdict.ok else before, changes=verdict.changes, candidate=found,
        )  # fmt: skip

    def _selector(self, sight: Sight, verdict: Verdict) -> int:
        use = sight.use
        row = self.connection.execute(
            """insert into pw.portal_selectors as s (portal, form, page, use, expression, first_stood_at, last_stood_at,
                 stood_on) values (%(portal)s, %(form)s, %(page)s, %(use)s, %(css)s, %(stood)s, %(stood)s, %(on)s)
               on conflict (portal, form, page, use, expression) do update set is_used = true, not_seen = null,
                 first_stood_at = coalesce(s.first_stood_at, excluded.first_stood_at),
                 last_stood_at = coalesce(excluded.last_stood_at, s.last_stood_at),
                 stood_on = coalesce(excluded.stood_on, s.stood_on)
               returning selector_id""",
            {
                "portal": self.report.portal, "form": use.form, "page": use.page, "use": use.use,
                "css": use.expression, "stood": self.now if verdict.ok else None,
                "on": _seen_on(sight) if verdict.ok else None,
            },
        ).fetchone()  # fmt: skip
        assert row is not None
        return int(row["selector_id"])

    def _span(self, selector_id: int, sight: Sight, verdict: Verdict, found: dict[str, Any] | None) -> datetime:
        """Lengthens the last span, or begins another; returns when it began."""
        last = self.connection.execute(
            "select * from pw.selector_spans where selector_id = %s order by span_id desc limit 1", (selector_id,)
        ).fetchone()
        better = Jsonb(found) if found is not None else None
        if last is not None and last["state"] == verdict.state and tuple(last["changes"]) == verdict.changes:
            self.connection.execute(
                """update pw.selector_spans set last_at = %s, looks = looks + 1, found = %s, seen_on = %s,
                     candidate = %s, last_probe_id = %s where span_id = %s""",
                (self.now, sight.found, _seen_on(sight), better, self.probe_id, last["span_id"]),
            )
            began: datetime = last["began_at"]
            return began
        self.connection.execute(
            """insert into pw.selector_spans (selector_id, state, found, began_at, last_at, seen_on, changes, candidate,
                 first_probe_id, last_probe_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                selector_id, verdict.state, sight.found, self.now, self.now, _seen_on(sight), list(verdict.changes),
                better, self.probe_id, self.probe_id,
            ),
        )  # fmt: skip
        if last is not None:
            self.connection.execute(
                "update pw.portal_selectors set last_changed_at = %s where selector_id = %s", (self.now, selector_id)
            )
        return self.now

    def _unseen(self) -> None:
        """Selectors that no probe reaches are in the books with the reason; those the file has no more are not used."""
        seen = {sight.use.key for sight in self.report.sights}
        unseen = {use.key: why for use, why in self.report.unseen if use.key not in seen}
        for (form, page, use, css), why in unseen.items():
            self.connection.execute(
                """insert into pw.portal_selectors as s (portal, form, page, use, expression, not_seen)
                   values (%s, %s, %s, %s, %s, %s)
                   on conflict (portal, form, page, use, expression) do update set not_seen = excluded.not_seen,
                     is_used = true where s.not_seen is distinct from excluded.not_seen or not s.is_used""",
                (self.report.portal, form, page, use, css, why),
            )
        gone = [row["selector_id"] for key, row in self.known.items() if key not in seen and key not in unseen]
        if gone:
            self.connection.execute(
                "update pw.portal_selectors set is_used = false where selector_id = any(%s)", (gone,)
            )


def _seen_on(sight: Sight) -> Jsonb | None:
    return Jsonb(sight.traits.as_detail()) if sight.traits else None


def _portal(
    connection: Connection,
    report: ProbeReport,
    outcome: str,
    changes: Sequence[str],
    *,
    now: datetime,
    shots: Sequence[Mapping[str, Any]],
) -> tuple[bool, bool]:
    """The portal's own row. Whether it is closed now, and whether that was done here."""
    row = row_of(connection, report.portal, lock=True)
    pictures = [shot["picture"] for shot in shots if shot.get("picture")]
    detail = {**report.as_detail(), "outcome": outcome, "all_changes": list(changes), "pictures": pictures}
    if outcome in ("away", "person"):
        connection.execute(
            "update pw.filing_portals set probe_detail = %s where portal = %s", (Jsonb(detail), report.portal)
        )
        return row["closed_at"] is not None, False
    connection.execute(
        "update pw.filing_portals set probed_at = %s, probe_ok = %s, probe_detail = %s where portal = %s",
        (now, outcome == "stands", Jsonb(detail), report.portal),
    )
    if outcome == "stands" or row["closed_at"] is not None:
        return row["closed_at"] is not None, False
    connection.execute(
        "update pw.filing_portals set closed_at = %s, closed_why = %s, closed_by = %s where portal = %s",
        (now, summary(changes), PROBE, report.portal),
    )
    connection.execute(
        'insert into pw.staff_actions (at, "by", what, detail) values (%s, %s, %s, %s)',
        (now, PROBE, "portal_closed", Jsonb({"portal": report.portal, "why": summary(changes)})),
    )
    return True, True


def summary(changes: Sequence[str]) -> str:
    """The first changes, and how many more there are."""
    more = len(changes) - MOST_TOLD
    told = " ".join(changes[:MOST_TOLD])
    return f"Its pages have changed. {told}{f' And {more} more.' if more > 0 else ''}"
