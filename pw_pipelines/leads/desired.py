"""Who ought to be on the lead list, and what Listmonk ought to know about them: made from the marts.

One subscriber per address. Several carriers with one address (a group, a consultant) are carried by the worst of
them; the others are named in `frns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

import psycopg

from pw_pipelines.errors import ConfigError
from pw_pipelines.leads.addresses import normalise, provider_of, why_not
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]

# Days that the newest snapshot of a slow source may be old. BDC: a vintage is as of June 30 or December 31 and the
# next one appears up to a year and a half later. Form 499: its `Updated` day moves monthly at best. CORES pages
# are read in turns. Every other source: settings.lead_oldest_days.
SLOW_SOURCES_DAYS: Mapping[str, int] = {"fcc_bdc": 550, "fcc_form499": 120, "fcc_cores": 120}
CHECK_PAGE = "/tools/fcc-compliance-check"
STALE = "evidence too old"
RECALLED = "snapshot recalled"
NO_PROVENANCE = "no provenance"


@dataclass(frozen=True)
class Snapshot:
    """What a lead's evidence is judged by."""

    source: str
    as_of: date
    is_recalled: bool


@dataclass(frozen=True)
class Lead:
    """A row of marts.deficiency_leads. `codes` worst first; `severity_rank` 1 is critical."""

    frn: str
    email: str
    company: str
    contact_name: str | None
    codes: tuple[str, ...]
    sure_codes: tuple[str, ...]
    severity: str
    severity_rank: int
    snapshot_ids: tuple[str, ...]
    as_of: date


@dataclass(frozen=True)
class Wanted:
    """One address that should be on the list: the lead that carries it, and its attributes in Listmonk."""

    email: str
    provider: str
    name: str
    lead: Lead
    attribs: Mapping[str, Any]


@dataclass(frozen=True)
class Desired:
    """`held`: address -> why it is not written to now; the `Lead` is the one that would carry it."""

    leads: int
    wanted: Mapping[str, Wanted]
    held: Mapping[str, tuple[str, Lead]]
    frns: frozenset[str]


def read_leads(connection: Connection) -> list[Lead]:
    """Every lead of the last build. ConfigError if there was no build: no leads is not the same as no table."""
    known = connection.execute("select to_regclass('marts.deficiency_leads') as leads").fetchone()
    if known is None or known["leads"] is None:
        raise ConfigError(
            "There is no table marts.deficiency_leads: the marts were never built here. Build them (the job "
            "`acquire` in Dagster), then reconcile."
        )
    ranks = {
        row["code"]: row["severity_rank"]
        for row in connection.execute("select code, severity_rank from pw.compliance_rules")
    }
    return [
        Lead(
            frn=row["frn"],
            email=normalise(row["email"]),
            company=row["name"] or row["frn"],
            contact_name=row["contact_name"],
            codes=_worst_first(row["codes"], ranks),
            sure_codes=_worst_first(row["sure_codes"], ranks),
            severity=row["top_severity"],
            severity_rank=row["severity_rank"],
            snapshot_ids=tuple(row["snapshot_ids"] or ()),
            as_of=row["as_of"],
        )
        for row in connection.execute(
            """select frn, name, email, contact_name, codes, sure_codes, top_severity, severity_rank, snapshot_ids,
                      as_of
               from marts.deficiency_leads where email is not null"""
        )
    ]


def read_snapshots(connection: Connection, leads: Iterable[Lead]) -> dict[str, Snapshot]:
    """The snapshots that the leads stand on."""
    ids = sorted({snapshot_id for lead in leads for snapshot_id in lead.snapshot_ids})
    return {
        row["snapshot_id"]: Snapshot(row["source"], row["as_of"], row["recalled_at"] is not None)
        for row in connection.execute(
            "select snapshot_id, source, as_of, recalled_at from pw.snapshots where snapshot_id = any(%s)", (ids,)
        )
    }


def choose(leads: Sequence[Lead], snapshots: Mapping[str, Snapshot], *, settings: Settings, today: date) -> Desired:
    """The desired set, before suppressions: one entry per address that a sound lead names."""
    by_email: dict[str, list[Lead]] = {}
    for lead in leads:
        by_email.setdefault(lead.email, []).append(lead)
    wanted: dict[str, Wanted] = {}
    held: dict[str, tuple[str, Lead]] = {}
    for email, of_address in by_email.items():
        of_address.sort(key=_worst)
        fault = why_not(email)
        if fault is not None:
            held[email] = (fault, of_address[0])
            continue
        verdicts = [(lead, evidence_fault(lead, snapshots, settings, today)) for lead in of_address]
        sound = [lead for lead, verdict in verdicts if verdict is None]
        if not sound:
            held[email] = (str(verdicts[0][1]), of_address[0])
            continue
        wanted[email] = _wanted(email, sound, settings)
    return Desired(len(leads), wanted, held, frozenset(lead.frn for lead in leads))


def evidence_fault(lead: Lead, snapshots: Mapping[str, Snapshot], settings: Settings, today: date) -> str | None:
    """Why this lead may not be written about now; None if it may.

    Each source is judged by its newest snapshot among the lead's: a finding of absence stands on two of a source.
    """
    stands_on = [snapshots.get(snapshot_id) for snapshot_id in lead.snapshot_ids]
    found = [snapshot for snapshot in stands_on if snapshot is not None]
    if not found or len(found) < len(stands_on):
        return NO_PROVENANCE
    if any(snapshot.is_recalled for snapshot in found):
        return RECALLED
    newest: dict[str, date] = {}
    for snapshot in found:
        newest[snapshot.source] = max(snapshot.as_of, newest.get(snapshot.source, snapshot.as_of))
    for source, as_of in newest.items():
        if (today - as_of).days > SLOW_SOURCES_DAYS.get(source, settings.lead_oldest_days):
            return STALE
    return None


def check_url(settings: Settings, frn: str, campaign: str) -> str:
    """The link to the free check of this carrier, marked as coming from this mail."""
    query = {"frn": frn, "utm_source": "listmonk", "utm_medium": "email", "utm_campaign": campaign.lower()}
    return f"{settings.public_url.rstrip('/')}{CHECK_PAGE}?{urlencode(query)}"


def _wanted(email: str, sound: Sequence[Lead], settings: Settings) -> Wanted:
    lead = sound[0]
    return Wanted(
        email=email,
        provider=provider_of(email),
        name=lead.contact_name or lead.company,
        lead=lead,
        attribs={
            "frn": lead.frn,
            "frns": sorted({other.frn for other in sound}),
            "company": lead.company,
            "codes": list(lead.codes),
            "sure_codes": list(lead.sure_codes),
            "severity": lead.severity,
            "check_url": check_url(settings, lead.frn, lead.codes[0] if lead.codes else "leads"),
            "as_of": lead.as_of.isoformat(),
        },
    )


def _worst(lead: Lead) -> tuple[int, int, str]:
    return (lead.severity_rank, -len(lead.codes), lead.frn)


def _worst_first(codes: Iterable[str] | None, ranks: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(set(codes or ()), key=lambda code: (ranks.get(code, 9), code)))
