"""What ops are told of portals, each once: that one has changed, asks for a person, stays away, or stands again.

A change is told once as long as it stays the same; the key names the probe that first saw it so, so that the same
change, mended and come back, is told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pw_pipelines.probes.books import PROBE, Connection, summary
from pw_pipelines.sensors.alert_book import Alert

KIND = "probe"
LOOKED_BACK = 400  # probes of a portal; a year of daily ones

_LAST = """
    select * from (select *, row_number() over (partition by portal order by probe_id desc) as n
                   from pw.portal_probes) ranked where n <= %s order by portal, probe_id desc
"""


def alerts(
    connection: Connection, *, now: datetime, away_hours: float, titles: Mapping[str, str], desk_url: str
) -> list[Alert]:
    """What is to be told now; most of it has been told already (the alert book knows)."""
    closed = {row["portal"]: row for row in connection.execute("select * from pw.filing_portals").fetchall()}
    by_portal: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(_LAST, (LOOKED_BACK,)).fetchall():
        by_portal.setdefault(str(row["portal"]), []).append(row)
    return [
        alert
        for portal, rows in by_portal.items()
        for alert in _of(
            portal, titles.get(portal, portal), rows, closed.get(portal), now=now, away=timedelta(hours=away_hours),
            url=f"{desk_url.rstrip('/')}/desk/portals/{portal}",
        )
    ]  # fmt: skip


def _of(
    portal: str,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    kept: Mapping[str, Any] | None,
    *,
    now: datetime,
    away: timedelta,
    url: str,
) -> Iterator[Alert]:
    last = rows[0]
    if last["outcome"] == "changed":
        same = _streak([row for row in rows if row["outcome"] in ("changed", "stands")], "change_digest")
        is_closed = kept is not None and kept["closed_at"] is not None
        what = "has changed and is closed for filing until a person opens it" if is_closed else "has changed"
        counted = f" {last['changed']} of {last['selectors']} selectors do not stand." if last["changed"] else ""
        told = summary(last["changes"]).removeprefix("Its pages have changed. ")
        yield Alert(
            f"probe:{portal}:{last['change_digest'][:16]}:{same}", KIND, f"{title} {what}.{counted} {told}\n{url}"
        )
    elif last["outcome"] == "person":
        yield Alert(
            f"probe:{portal}:person:{_streak(rows, 'outcome')}", KIND,
            f"{title} could not be looked at: {last['why']} No program answers it.\n{url}",
        )  # fmt: skip
    elif last["outcome"] == "away":
        first = _streak(rows, "outcome")
        since = next(row["at"] for row in rows if row["probe_id"] == first)
        if last["at"] - since >= away or now - since >= away:
            yield Alert(
                f"probe:{portal}:away:{first}", KIND,
                f"{title} has been away since {since:%Y-%m-%d %H:%M} UTC: {last['why']}\n{url}",
            )  # fmt: skip
    elif kept is not None and kept["closed_at"] is not None and kept["closed_by"] == PROBE:
        yield Alert(
            f"probe:{portal}:stands:{kept['closed_at']:%Y%m%dT%H%M%S}", KIND,
            f"{title} stands again as its file says. It stays closed for filing until a person opens it.\n{url}",
        )  # fmt: skip


def _streak(rows: Sequence[Mapping[str, Any]], what: str) -> int:
    """The number of the first probe since which `what` has been the same; rows newest first."""
    first = rows[0]
    for row in rows:
        if row[what] != rows[0][what]:
            break
        first = row
    return int(first["probe_id"])
