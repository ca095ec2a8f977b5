"""What the books say of portals and their selectors, for the desk. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pw_pipelines.filings.sights import Traits
from pw_pipelines.probes.books import PROBE, Connection
from pw_pipelines.probes.targets import Target

MOST_PROBES = 30
_COMPARED = ("tag", "type", "label", "name", "role", "choices")
_WORDS = {"tag": "element", "type": "type", "label": "label", "name": "name", "role": "role", "choices": "choices"}


@dataclass(frozen=True)
class Span:
    """A time in which every look saw the same."""

    state: str
    began_at: datetime
    last_at: datetime
    looks: int
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Selector:
    """One selector and its history, newest span first. rows: what differs, as (what, before, now)."""

    name: str
    expression: str
    state: str
    since: datetime | None
    first_stood_at: datetime | None
    last_stood_at: datetime | None
    last_changed_at: datetime | None
    not_seen: str | None
    spans: tuple[Span, ...]
    rows: tuple[tuple[str, str, str], ...] = ()
    before_html: str = ""
    now_html: str = ""
    candidate: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Overview:
    """One portal as the list shows it. kept: its row of pw.filing_portals; last: its last probe."""

    target: Target
    kept: Mapping[str, Any] | None
    last: Mapping[str, Any] | None

    @property
    def is_closed(self) -> bool:
        """Whether nothing may be filed there."""
        return self.kept is not None and self.kept["closed_at"] is not None

    @property
    def stands_again(self) -> bool:
        """Whether a probe closed it and a later one saw all of it stand: a person may open it."""
        if self.kept is None or not self.is_closed or self.last is None:
            return False
        return bool(self.kept["closed_by"] == PROBE and self.last["ok"] and self.last["at"] > self.kept["closed_at"])


@dataclass(frozen=True)
class Page:
    """All that is known of one portal."""

    overview: Overview
    probes: Sequence[Mapping[str, Any]]
    broken: Sequence[Selector]
    standing: Sequence[Selector]
    unseen: Sequence[Selector]
    shots: Sequence[Mapping[str, Any]] = field(default_factory=list)


def overviews(connection: Connection, targets: Mapping[str, Target]) -> list[Overview]:
    """Every portal, those that need a person first."""
    kept = {row["portal"]: row for row in connection.execute("select * from pw.filing_portals").fetchall()}
    last = {
        row["portal"]: row
        for row in connection.execute(
            "select distinct on (portal) * from pw.portal_probes order by portal, probe_id desc"
        ).fetchall()
    }
    found = [Overview(target, kept.get(code), last.get(code)) for code, target in targets.items()]
    return sorted(found, key=lambda one: (not one.is_closed, one.last is None or one.last["ok"]))


def page_of(connection: Connection, target: Target) -> Page:
    """One portal with its selectors' histories."""
    [overview] = overviews(connection, {target.code: target})
    probes = connection.execute(
        "select * from pw.portal_probes where portal = %s order by probe_id desc limit %s", (target.code, MOST_PROBES)
    ).fetchall()
    spans: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(
        """select p.* from pw.selector_spans p join pw.portal_selectors s using (selector_id)
           where s.portal = %s and s.is_used order by span_id desc""",
        (target.code,),
    ).fetchall():
        spans.setdefault(int(row["selector_id"]), []).append(row)
    rows = connection.execute(
        "select * from pw.portal_selectors where portal = %s and is_used order by selector_id", (target.code,)
    ).fetchall()
    selectors = [_selector(row, spans.get(int(row["selector_id"]), [])) for row in rows]
    seen = [one for one in selectors if one.not_seen is None]
    shots: list[dict[str, Any]] = next((row["shots"] for row in probes if row["shots"]), [])
    return Page(
        overview, probes,
        broken=[one for one in seen if one.state != "stands"],
        standing=[one for one in seen if one.state == "stands"],
        unseen=[one for one in selectors if one.not_seen is not None],
        shots=shots,
    )  # fmt: skip


def is_shot_of(connection: Connection, portal: str, digest: str) -> str | None:
    """`picture`, `html` or `excerpt`, where a probe of this portal kept the digest as such; None for any other."""
    row = connection.execute(
        """select case %(digest)s when shot ->> 'picture' then 'picture' when shot ->> 'html' then 'html'
                                  else 'excerpt' end as kind
           from pw.portal_probes, jsonb_array_elements(shots) shot
           where portal = %(portal)s
             and %(digest)s in (shot ->> 'picture', shot ->> 'html', shot ->> 'excerpt') limit 1""",
        {"portal": portal, "digest": digest},
    ).fetchone()
    return str(row["kind"]) if row else None


def _selector(row: Mapping[str, Any], spans: Sequence[Mapping[str, Any]]) -> Selector:
    where = f"{row['form']}, {row['page']}" if row["page"] else row["form"]
    last = spans[0] if spans else None
    before = Traits.of(row["stood_on"]) if row["stood_on"] else None
    now = Traits.of(last["seen_on"]) if last and last["seen_on"] else None
    is_broken = last is not None and last["state"] != "stands"
    return Selector(
        name=f"{where}: {row['use']}",
        expression=row["expression"],
        state=last["state"] if last else "",
        since=last["began_at"] if last else None,
        first_stood_at=row["first_stood_at"],
        last_stood_at=row["last_stood_at"],
        last_changed_at=row["last_changed_at"],
        not_seen=row["not_seen"],
        spans=tuple(
            Span(one["state"], one["began_at"], one["last_at"], one["looks"], tuple(one["changes"])) for one in spans
        ),
        rows=_differences(before, now) if is_broken else (),
        before_html=before.html if before and is_broken else "",
        now_html=now.html if now and is_broken else "",
        candidate=last["candidate"] if last else None,
    )


def _differences(before: Traits | None, now: Traits | None) -> tuple[tuple[str, str, str], ...]:
    if before is None:
        return ()
    pairs = ((name, str(getattr(before, name)), str(getattr(now, name)) if now else "") for name in _COMPARED)
    return tuple((_WORDS[name], was, is_now) for name, was, is_now in pairs if was != is_now)
