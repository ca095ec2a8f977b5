"""What only one kind of order has, and the row of its own table that keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from pw_pipelines.commerce.basket import FORMATIONS, Basket
from pw_pipelines.commerce.fees import Form
from pw_pipelines.errors import UsageError


@dataclass(frozen=True)
class ComplianceDetails:
    """The carrier and the findings that led to the order; `check_id`: the check it was ordered from; `batch_key`
    binds orders placed together."""

    frn: str | None = None
    carrier_name: str | None = None
    findings: tuple[str, ...] = ()
    snapshot_ids: tuple[str, ...] = ()
    check_id: UUID | None = None
    batch_key: str | None = None


@dataclass(frozen=True)
class FormationDetails:
    """The company to be formed. `name_verdict`: what the register said of the name when it was ordered."""

    state: str
    form: Form
    company_name: str
    alternative_names: tuple[str, ...] = ()
    expedite: str | None = None
    name_verdict: dict[str, Any] | None = None


@dataclass(frozen=True)
class CanadaCrtcDetails:
    """The Canadian carrier to be set up."""

    company_name: str
    wants_numbered_company: bool = False
    director_is_resident: bool | None = None
    services_offered: tuple[str, ...] = ()
    year_end: date | None = None


@dataclass(frozen=True)
class BundleDetails:
    """For which company the bundle is."""

    state: str | None = None
    company_name: str | None = None


Details = ComplianceDetails | FormationDetails | CanadaCrtcDetails | BundleDetails
KIND_OF: dict[type[Details], str] = {
    ComplianceDetails: "compliance",
    FormationDetails: "formation",
    CanadaCrtcDetails: "canada_crtc",
    BundleDetails: "bundle",
}


def check_details(details: Details, basket: Basket) -> None:
    """Raises UsageError where the details speak of another order than the basket that was priced."""
    if KIND_OF[type(details)] != basket.kind:
        raise UsageError(
            f"The details are of an order of kind {KIND_OF[type(details)]}, the basket is of kind {basket.kind}.",
            field="kind",
            remedy=f"Give kind `{KIND_OF[type(details)]}`, or the details of the other kind.",
        )
    if isinstance(details, FormationDetails):
        formed = next(item for item in basket.items if item.service in FORMATIONS)
        priced = ((formed.for_state or "").strip().upper(), formed.form, formed.expedite)
        for field, said, price in zip(
            ("state", "form", "expedite"), (details.state.upper(), details.form, details.expedite), priced, strict=True
        ):
            if said != price:
                raise UsageError(
                    f"The company is to be formed with {field} {said}, and the price is of {price}.",
                    field=field,
                    remedy="Ask for the price again with the same details.",
                )


def keep_details(connection: Connection[Any], order_id: int, details: Details, basket: Basket) -> None:
    """Writes the row of the kind's own table."""
    table, row = _row(details, basket)
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    connection.execute(
        f"insert into pw.{table} (order_id, {names}) values (%(order_id)s, {values})", {"order_id": order_id, **row}
    )


def _row(details: Details, basket: Basket) -> tuple[str, dict[str, Any]]:
    match details:
        case ComplianceDetails():
            return "compliance_orders", {
                "frn": details.frn,
                "carrier_name": details.carrier_name,
                "findings": list(details.findings),
                "snapshot_ids": list(details.snapshot_ids),
                "check_id": details.check_id,
                "batch_key": details.batch_key,
            }
        case FormationDetails():
            return "formation_orders", {
                "state": details.state.upper(),
                "form": details.form,
                "company_name": details.company_name,
                "alternative_names": list(details.alternative_names),
                "expedite": details.expedite,
                "name_verdict": Jsonb(details.name_verdict or {}),
            }
        case CanadaCrtcDetails():
            return "canada_crtc_orders", {
                "company_name": details.company_name,
                "wants_numbered_company": details.wants_numbered_company,
                "director_is_resident": details.director_is_resident,
                "services_offered": list(details.services_offered),
                "year_end": details.year_end,
            }
        case BundleDetails():
            return "bundle_orders", {
                "bundle": basket.bundle,
                "state": details.state,
                "company_name": details.company_name,
            }
