"""An item's facts, from where they stand already: the order, the public record, the firm, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pw_pipelines.compliance.calendar import next_due
from pw_pipelines.fulfillment.model import Connection, ItemView
from pw_pipelines.settings import Settings

FIRM = "Performance West"
# Our words for what the RMD shows, as facts.yaml offers them.
_IMPLEMENTATION = {"complete": "complete", "partial": "partial", "none": "none"}
_NEWEST = """
    select snapshot_id from pw.snapshots
    where source = %s and grade in ('complete', 'partial') and loaded_at is not null and recalled_at is null
    order by as_of desc, fetched_at desc limit 1
"""


def from_order(item: ItemView) -> dict[str, str]:
    """What the order itself says."""
    said = {
        "order_number": item.order_number,
        "frn": item.frn,
        "company_name": item.company_name,
        "state": item.for_state,
        "form": item.details.get("form"),
    }
    return {name: str(value) for name, value in said.items() if value}


def from_firm(item: ItemView, settings: Settings, today: date) -> dict[str, str]:
    """What the firm and the calendar say. A renewal's order names its own year, quarter or vintage."""
    said = {
        "firm_name": FIRM,
        "firm_address": settings.firm_address,
        "registered_agent_name": FIRM,
        "registered_agent_address": settings.firm_address,
        "today": today.isoformat(),
        **period(item.details, today),
    }
    return {name: value for name, value in said.items() if value}


def period(details: Mapping[str, Any], today: date) -> dict[str, str]:
    """The year, quarter and vintage that are filed for on this day, where the item's own details name no others."""
    year = int(details.get("year") or today.year)
    return {
        "year": str(year),
        "prior_year": str(year - 1),
        "quarter": str(details.get("quarter") or quarter_reported(today)),
        "vintage": str(details.get("vintage") or newest_vintage(today)),
    }


def quarter_reported(today: date) -> str:
    """The quarter that the next Form 499-Q reports, such as `2026Q4`: the one that ends before its due date."""
    due = next_due("form499q", today).nominal_on
    ended = (due.month - 2) // 3  # 1 February reports the fourth quarter of the year before, 1 May the first, …
    return f"{due.year}Q{ended}" if ended else f"{due.year - 1}Q4"


def newest_vintage(today: date) -> str:
    """The day the newest data of the Broadband Data Collection are as of: 30 June or 31 December."""
    if today >= date(today.year, 6, 30):
        return date(today.year, 6, 30).isoformat() if today < date(today.year, 12, 31) else f"{today.year}-12-31"
    return f"{today.year - 1}-12-31"


def from_record(connection: Connection, frn: str | None) -> dict[str, str]:
    """What the newest good copies of the public record say of the FRN; nothing where they are silent."""
    if frn is None:
        return {}
    rmd, filer = rmd_filing(connection, frn), form499_filer(connection, frn)
    said: dict[str, Any] = {}
    if filer:
        said |= {
            "carrier_name": filer["legal_name"], "carrier_dba": filer["doing_business_as"],
            "carrier_street": filer["hq_address"], "carrier_city": filer["hq_city"],
            "carrier_state": filer["hq_state"], "carrier_zip": filer["hq_zip"],
            "carrier_phone": filer["customer_inquiries_phone"], "form_499_id": filer["filer_id"],
            "comm_type": filer["comm_type_text"],
        }  # fmt: skip
    if rmd:
        said |= {
            "rmd_number": rmd["number"],
            "carrier_country": rmd["country"],
            "is_voice_provider": _yes_no(rmd["is_voice"]),
            "is_gateway": _yes_no(rmd["is_gateway"]),
            "is_intermediate": _yes_no(rmd["is_intermediate"]),
            "is_foreign": _yes_no(rmd["is_foreign"]),
            "implementation": _IMPLEMENTATION.get(rmd["implementation"] or ""),
        }
        said["carrier_name"] = said.get("carrier_name") or rmd["business_name"]
    return {name: str(value) for name, value in said.items() if value}


def rmd_filing(connection: Connection, frn: str) -> dict[str, Any] | None:
    """The FRN's filing in the newest good copy of the RMD; of several the one touched last."""
    return connection.execute(
        f"select * from core.fcc_rmd_filings where snapshot_id = ({_NEWEST}) and frn = %s "
        "order by greatest(last_updated_on, last_recertified_on) desc nulls last, number desc limit 1",
        ("fcc_rmd", frn),
    ).fetchone()


def form499_filer(connection: Connection, frn: str) -> dict[str, Any] | None:
    """The FRN's newest active filer in the newest good copy of the Form 499 database."""
    return connection.execute(
        f"select * from core.fcc_form499_filers where snapshot_id = ({_NEWEST}) and frn = %s "
        "order by is_active desc, registration_current_as_of desc nulls last, filer_id desc limit 1",
        ("fcc_form499", frn),
    ).fetchone()


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
