"""One Form 499 filer as a row, whichever export it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from pw_pipelines import names
from pw_pipelines.sources import cells
from pw_pipelines.sources.form499_terms import comm_type, has_consolidated_suffix
from pw_pipelines.sources.tally import Tally

COLUMNS = tuple(
    """filer_id frn legal_name name_key doing_business_as other_names other_name_keys holding_company
    holding_company_key management_company comm_type comm_type_text registration_current_as_of started_on ended_on
    end_reason is_active is_usf_contributor replaced_by_filer_id is_consolidated hq_address hq_city hq_state hq_zip
    customer_inquiries_phone dc_agent dc_agent_email dc_agent_phone dc_agent_city dc_agent_state alternate_agent_email
    jurisdictions notes""".split()
)
_FILER_ID = re.compile(r"\d{6}", re.ASCII)
UNKNOWN_START = date(1997, 1, 1)  # stands for "before the database began"


@dataclass
class Filer:
    """What both layouts can say, still as text where the layouts agree on the text."""

    filer_id: str
    frn: str
    legal_name: str
    doing_business_as: str
    trade_names: list[str]
    holding_company: str
    management_company: str
    comm_type: str
    registration_current_as_of: date | None
    usf_contributor: str
    started_on: date | None = None
    ended_on: date | None = None
    end_reason: str | None = None
    is_ended: bool = False
    replaced_by: str | None = None
    is_consolidated: bool = False
    hq_lines: list[str] = field(default_factory=list)
    hq_city: str = ""
    hq_state: str = ""
    hq_zip: str = ""
    phone: str = ""
    dc_agent: str | None = None
    dc_agent_email: str = ""
    dc_agent_phone: str = ""
    dc_agent_city: str = ""
    dc_agent_state: str = ""
    alternate_agent_email: str = ""
    jurisdictions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def as_row(filer: Filer, tally: Tally) -> tuple[object, ...]:
    """The row in the order of COLUMNS. Raises ValueError with a sentence for what cannot be read."""
    filer_id = filer.filer_id.strip()
    if not _FILER_ID.fullmatch(filer_id):
        raise ValueError(f"Filer ID is {filer_id!r}, expected 6 digits")
    frn, mended = cells.registration_number(filer.frn)
    tally.mend(mended)
    if frn is None:
        tally.mend("{n} filer(s) have no FRN")
    name = cells.text(filer.legal_name)
    key = names.key(name)
    trading_as = cells.text(filer.doing_business_as)
    candidates = [trading_as or "", *(cells.text(each) or "" for each in filer.trade_names)]
    others, other_keys = cells.keyed(candidates, without=key)
    holding = cells.text(filer.holding_company)
    kind = cells.text(filer.comm_type)
    code = comm_type(kind)
    if kind is not None and code is None:
        tally.mend(f"{{n}} filer(s) have the unknown communications type {_braceless(kind)!r}, read as none")
    started_on = filer.started_on
    if started_on == UNKNOWN_START:
        tally.mend("{n} filer(s) start on 1997-01-01, the database's word for unknown")
        started_on = None
    return (
        filer_id,
        frn,
        name,
        key,
        trading_as,
        others,
        other_keys,
        holding,
        names.key(holding),
        cells.text(filer.management_company),
        code,
        kind,
        filer.registration_current_as_of,
        started_on,
        filer.ended_on,
        filer.end_reason,
        not (filer.is_ended or filer.ended_on is not None),
        cells.yes_no(filer.usf_contributor, "USF contributor"),
        filer.replaced_by,
        filer.is_consolidated or has_consolidated_suffix(name),
        cells.lines("\n".join(filer.hq_lines)),
        cells.text(filer.hq_city),
        cells.text(filer.hq_state),
        cells.text(filer.hq_zip),
        cells.text(filer.phone),
        filer.dc_agent,
        cells.text(filer.dc_agent_email),
        cells.text(filer.dc_agent_phone),
        cells.text(filer.dc_agent_city),
        cells.text(filer.dc_agent_state),
        cells.text(filer.alternate_agent_email),
        filer.jurisdictions,
        filer.notes,
    )


def _braceless(text: str) -> str:
    """`text` fit for a sentence that is formatted later."""
    return text.replace("{", "(").replace("}", ")")[:60]
