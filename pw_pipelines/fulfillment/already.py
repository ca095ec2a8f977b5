"""What the public record shows already: nobody is filed for twice because an order was placed late or twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from pw_pipelines.compliance.calendar import RECERTIFICATION_OPENS
from pw_pipelines.fulfillment.gathering import form499_filer, rmd_filing
from pw_pipelines.fulfillment.model import Connection


class Wanted(Protocol):
    """A filing somebody wants: an item in work, or one that is only about to be ordered."""

    @property
    def service(self) -> str: ...
    @property
    def frn(self) -> str | None: ...


def shown_already(connection: Connection, item: Wanted, values: Mapping[str, str]) -> str | None:
    """One sentence on the filing that stands in the public record and is wanted again; None when there is none.

    Only what would be the very same filing counts: a correction of an RMD entry is no second one.
    """
    look = _LOOKS.get(item.service)
    return look(connection, item, values) if look and item.frn else None


def _recertified(connection: Connection, item: Wanted, values: Mapping[str, str]) -> str | None:
    filing = rmd_filing(connection, str(item.frn))
    if filing is None or filing["last_recertified_on"] is None:
        return None
    opens = date(int(values["year"]), *RECERTIFICATION_OPENS)
    if filing["last_recertified_on"] < opens:
        return None
    return f"The RMD shows {filing['number']} recertified on {filing['last_recertified_on']}."


def _form499a(connection: Connection, item: Wanted, values: Mapping[str, str]) -> str | None:
    filer = form499_filer(connection, str(item.frn))
    current = filer["registration_current_as_of"] if filer else None
    if filer is None or current is None or current < date(int(values["year"]), 4, 1):
        return None
    return f"The Form 499 database shows filer {filer['filer_id']} current as of {current}."


def _cpni(connection: Connection, item: Wanted, values: Mapping[str, str]) -> str | None:
    if connection.execute("select to_regclass('marts.carriers') is not null as there").fetchone() == {"there": False}:
        return None
    row = connection.execute("select cpni_match from marts.carriers where frn = %s", (item.frn,)).fetchone()
    match = row["cpni_match"] if row else None
    if not match:
        return None
    found = match if isinstance(match, Mapping) else {"filing": match}
    received = str(found.get("received_on") or found.get("received_on_et") or "")
    if received and received[:4] != values["year"]:
        return None
    said = ", ".join(f"{name} {value}" for name, value in found.items() if value)
    return f"A filing of docket 06-36 is linked to this carrier's name: {said}."


_LOOKS = {"rmd_recertification": _recertified, "form_499a": _form499a, "cpni_certification": _cpni}
