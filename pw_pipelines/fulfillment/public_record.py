"""What the newest copies of the public record show of a carrier, to be quoted as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pw_pipelines.clock import eastern_day
from pw_pipelines.fulfillment.model import Connection

# What is quoted of a carrier's row, and how its row is found. None of it is personal.
_ROWS = {
    "fcc_rmd": """select number, business_name, frn, implementation, last_updated_on, last_recertified_on
                  from core.fcc_rmd_filings where snapshot_id = %(id)s and (frn = %(frn)s or %(frn)s = any(other_frns))
                  order by greatest(last_updated_on, last_recertified_on) desc nulls last, number limit 1""",
    "fcc_form499": """select filer_id, legal_name, frn, comm_type, registration_current_as_of, is_active
                      from core.fcc_form499_filers where snapshot_id = %(id)s and frn = %(frn)s
                      order by is_active desc, registration_current_as_of desc nulls last, filer_id limit 1""",
    # A filing in the docket carries a name and no FRN; names that are merely near prove nothing.
    "fcc_cpni": """select f.id_submission, f.received_on_et, f.filer_names, m.method
                   from core.fcc_cpni_filings f
                   join core.name_matches m on m.subject = 'cpni' and m.subject_id = f.id_submission
                   where f.snapshot_id = %(id)s and m.frn = %(frn)s and m.method not in ('near', 'affiliate')
                     and f.received_on_et >= %(since)s
                   order by f.received_on_et desc, f.id_submission limit 1""",
    "fcc_bdc": """select provider_id, provider_name, holding_company, frn
                  from core.fcc_bdc_providers where snapshot_id = %(id)s and frn = %(frn)s limit 1""",
    "fcc_cores": """select frn, updated_at_et from core.fcc_cores_registrations
                    where snapshot_id = %(id)s and frn = %(frn)s and is_found limit 1""",
}


@dataclass(frozen=True)
class Copy:
    """A complete copy the findings in force stand on."""

    snapshot_id: str
    source: str
    as_of: date
    fetched_at: datetime


def newest_copy(connection: Connection, source: str, frn: str, *, filed_at: datetime) -> Copy | None:
    """The newest complete copy of a source among those the build used; of CORES the newest with this FRN's page.

    Of the broadband data only an edition newer than any that was out at the filing: a vintage filed is seen in a later
    edition, not in another copy of the same one.
    """
    if source == "fcc_cores":
        query = """select s.snapshot_id, 'fcc_cores' as source, s.as_of, s.fetched_at from staging.stg_cores_snapshots s
                   join core.fcc_cores_registrations c using (snapshot_id)
                   where c.frn = %(frn)s order by s.as_of desc, s.fetched_at desc limit 1"""
    elif source == "fcc_bdc":
        query = """select snapshot_id, source, as_of, fetched_at from staging.stg_snapshots
                   where source = 'fcc_bdc' and is_loaded and grade = 'complete'
                     and edition_on > coalesce((select max(edition_on) from staging.stg_snapshots
                                                where source = 'fcc_bdc' and fetched_at <= %(filed)s), '-infinity')
                   order by edition_on desc, as_of desc, fetched_at desc limit 1"""
    else:
        query = """select snapshot_id, source, as_of, fetched_at from staging.stg_snapshots
                   where source = %(source)s and is_loaded and grade = 'complete'
                   order by as_of desc, fetched_at desc limit 1"""
    row = connection.execute(query, {"source": source, "frn": frn, "filed": filed_at}).fetchone()
    return Copy(**row) if row else None


def shown(connection: Connection, copy: Copy, frn: str, *, since: datetime) -> dict[str, Any] | None:
    """The carrier's row in a copy, as it may be quoted; None where it has none. since: the filing."""
    earliest = eastern_day(since) - timedelta(days=1)  # a docket dates by its own office's day
    row = connection.execute(_ROWS[copy.source], {"id": copy.snapshot_id, "frn": frn, "since": earliest}).fetchone()
    if row is None:
        return None
    said = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
    return {"snapshot_id": copy.snapshot_id, "as_of": copy.as_of.isoformat(), **said}
