"""Whether a portal may be filed with now: open, as described, at this hour, in its turn, within its quota."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings import hours
from pw_pipelines.filings.pacing import allowed_at, row_of
from pw_pipelines.filings.portal import Portal
from pw_pipelines.fulfillment.filing import KIND, READER, Plan
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work
from pw_pipelines.probes.books import Kept
from pw_pipelines.probes.rounds import Prober
from pw_pipelines.probes.targets import target_for


def demand_open(work: Work, plan: Plan) -> None:
    """Raises Gate `portal_closed`, `hours`, `pacing`, `changed_page` when nothing can be filed there now."""
    portal, now = plan.portal, work.now()
    with work.connect() as connection:
        row = row_of(connection, portal.portal)
        later = allowed_at(connection, portal.portal, now=now)
    detail = {"portal": portal.portal}
    if row["closed_at"] is not None:
        raise Gate("portal_closed", f"{portal.title} was closed: {row['closed_why']}", detail=detail)
    if not hours.is_open(portal.hours, now):
        assert portal.hours is not None
        opens = hours.opens_at(portal.hours, now)
        raise Gate("hours", f"{portal.title} is closed at this hour.", not_before=opens, detail=detail)
    if later is not None:
        raise Gate("pacing", f"A pause between two filings at {portal.title}.", not_before=later, detail=detail)
    fresh_for = timedelta(days=work.settings.probe_days)
    if row["probed_at"] is not None and row["probe_ok"] and abs(now - row["probed_at"]) <= fresh_for:
        return
    seen = probe_portal(work.ground, portal)
    if seen.outcome == "away":
        raise OutsideUnavailable(str(seen.why))
    if seen.outcome == "person":
        raise Gate("challenge", f"{portal.title}: {seen.why}", detail=detail)
    if not seen.ok:
        raise Gate(
            "changed_page", f"{portal.title} is not as it was; nothing was sent. {' '.join(seen.changes)}",
            detail={**detail, "changes": list(seen.changes)},
        )  # fmt: skip


def demand_quota(work: Work, plan: Plan) -> None:
    """Raises Gate `hours` until tomorrow when the portal takes no more for the same person today.

    Who was filed for today is read from the vault and compared; no trace of the value is kept for it.
    """
    quota = plan.portal.quota
    if quota is None:
        return
    zone = ZoneInfo(quota.zone)
    today = work.now().astimezone(zone).date()
    begins, ends = (datetime.combine(day, time_of_day(), zone) for day in (today, today + timedelta(days=1)))
    rows = work.rows(
        """select e.item_id from pw.effects e join pw.item_work w using (item_id)
           where e.kind = %s and e.state <> 'not_done' and e.item_id <> %s and e.intended_at >= %s
             and w.service = %s order by e.effect_id""",
        KIND, work.item.item_id, begins, work.item.service,
    )  # fmt: skip
    mine = plan.material.values.get(quota.fact, "")
    if not mine.strip():
        raise Gate("details", "The portal's quota can't be kept.", detail={"missing": [quota.fact]})
    with work.connect() as connection:
        others = [
            work.ground.vault.get(
                connection, row["item_id"], quota.fact, by=READER, why=f"{plan.portal.portal}: quota", now=work.now()
            )
            for row in rows
        ]
    if sum(other is not None and _same(other, mine) for other in others) >= quota.a_day:
        raise Gate("hours", quota.why, not_before=ends, detail={"portal": plan.portal.portal})


def probe_portal(ground: Ground, portal: Portal) -> Kept:
    """Looks whether the portal is as its file says, and writes it down; one that has changed is closed by it."""
    prober = Prober(ground.settings, ground.db, ground.objects, engine=ground.filing, clock=ground.clock)
    began = time.monotonic()
    report = ground.filing.probe(portal)
    target = target_for(portal, ground.settings)
    return prober.keep(target, report, by="filing", seconds=time.monotonic() - began)


def _same(one: str, other: str) -> bool:
    digits = ["".join(letter for letter in text if letter.isdecimal()) for text in (one, other)]
    return one.strip().casefold() == other.strip().casefold() or (len(digits[0]) >= 9 and digits[0] == digits[1])
