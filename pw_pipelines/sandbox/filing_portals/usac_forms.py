"""Forms 499-A and 499-Q as USAC's E-File asks them, page by page, as data; and what is wrong with a page's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from pw_pipelines.sandbox.fcc_form499 import TYPE_TEXTS
from pw_pipelines.sandbox.filing_portals.common import Change


@dataclass(frozen=True)
class Field:
    """One line of a page. kind: text, money, select, radio or checkbox."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """One page of the wizard, under its own address."""

    name: str
    title: str
    fields: tuple[Field, ...]


_TYPES = tuple((text, text) for text in sorted(TYPE_TEXTS.values()))
_CONTACT = (
    Field("preparer_name", "Person who completed this worksheet"),
    Field("preparer_phone", "Telephone number of this person"),
    Field("preparer_email", "Email of this person"),
)
_CERTIFY = Page(
    "certify",
    "Block 6: Certification",
    (
        Field("officer_name", "Printed name of the officer"),
        Field("officer_title", "Position with the reporting entity"),
        Field("officer_email", "Business email of the officer"),
        Field("filing_is", "This filing is", "radio", options=(("original", "Original"), ("revised", "Revised"))),
        Field(
            "certified",
            "I certify that I am an officer of the above-named reporting entity, that I have examined the foregoing "
            "report, and that to the best of my knowledge all statements of fact in it are true.",
            "checkbox",
        ),
    ),
)
FORMS: Mapping[str, tuple[Page, ...]] = {
    "form_499a": (
        Page(
            "identification",
            "Block 1: Contributor identification",
            (
                Field("filer_id", "Filer 499 ID", required=False),
                Field("frn", "FCC Registration Number"),
                Field("legal_name", "Legal name of filer"),
                Field("comm_type", "Principal communications type", "select", options=_TYPES),
                Field("hq_street", "Headquarters: street"),
                Field("hq_city", "City"),
                Field("hq_state", "State"),
                Field("hq_zip", "ZIP code"),
                Field("hq_phone", "Customer inquiries: telephone"),
                Field("dc_agent", "Agent for service of process in the District of Columbia"),
            ),
        ),
        Page("contact", "Block 2: Contact information", _CONTACT),
        Page(
            "revenue",
            "Blocks 3 and 4: Revenue information",
            (
                Field("filing_year", "Year of this filing (revenues of the year before)"),
                Field("revenue_total", "Line 419: Gross billed revenues from all sources", "money"),
                Field("revenue_end_user", "Line 420: End-user telecommunications revenues", "money"),
                Field("revenue_interstate", "Of these, interstate", "money"),
                Field("revenue_international", "Of these, international", "money"),
            ),
        ),
        _CERTIFY,
    ),
    "form_499q": (
        Page(
            "identification",
            "Block 1: Contributor identification",
            (
                Field("filer_id", "Filer 499 ID", required=False),
                Field("frn", "FCC Registration Number"),
                Field("legal_name", "Legal name of filer"),
                Field("quarter", "Quarter reported (such as 2026Q4)"),
                *_CONTACT,
            ),
        ),
        Page(
            "revenue",
            "Block 3: Historical and projected revenue",
            (
                Field("revenue_total", "Line 116: Historical billed revenues", "money"),
                Field("revenue_projected", "Line 120: Projected collected interstate and international", "money"),
            ),
        ),
        _CERTIFY,
    ),
}
_EXTRA = Field("naics_code", "NAICS code of the reporting entity")


def pages(form: str, change: Change) -> tuple[Page, ...]:
    """A form's pages as they are today; none for a form there is not."""
    return tuple(_changed(page, change) for page in FORMS.get(form, ()))


def _changed(page: Page, change: Change) -> Page:
    if change == "extra_required" and page.name == "revenue":
        return replace(page, fields=(*page.fields, _EXTRA))
    if change == "renamed_field":
        fields = (
            replace(one, name="gross_revenue", label="Line 419: Gross revenue") if one.name == "revenue_total" else one
            for one in page.fields
        )
        return replace(page, fields=tuple(fields))
    return page


def errors(page: Page, given: Mapping[str, str], this_year: int) -> dict[str, str]:
    """What is wrong, by field."""
    found = {
        field.name: f"{field.label}: this entry is required."
        for field in page.fields
        if field.required and not given.get(field.name)
    }
    for field in page.fields:
        value = given.get(field.name, "")
        if value and field.name not in found and (wrong := _wrong(field, value, this_year)):
            found[field.name] = f"{field.label}: {wrong}"
    if page.name == "revenue" and not found and "revenue_end_user" in given:
        total = money(given.get("revenue_total") or given.get("gross_revenue") or "0")
        end_user = money(given["revenue_end_user"])
        if end_user > total:
            found["revenue_end_user"] = "End-user revenues (Line 420) can't exceed the revenues of Line 419."
        if money(given["revenue_interstate"]) + money(given["revenue_international"]) > end_user:
            found["revenue_interstate"] = "Interstate and international revenues can't exceed Line 420."
    return found


def _wrong(field: Field, value: str, this_year: int) -> str | None:
    if field.kind == "money":
        try:
            return None if money(value) >= 0 else "amounts can't be negative."
        except InvalidOperation:
            return f"{value} is not an amount in dollars."
    if field.options and value not in dict(field.options):
        return "choose one of the list."
    patterns = {
        "frn": (r"(?!0{10})\d{10}", "an FRN has ten digits."),
        "filer_id": (r"\d{6}", "a Filer 499 ID has six digits."),
        "quarter": (r"\d{4}Q[1-4]", "write the quarter as 2026Q4."),
        "filing_year": (r"\d{4}", "write the year with four digits."),
        "preparer_email": (r"\S+@\S+", "this is not an email address."),
        "officer_email": (r"\S+@\S+", "this is not an email address."),
    }
    pattern, words = patterns.get(field.name, ("(?s).*", ""))
    if not re.fullmatch(pattern, value):
        return words
    if field.name == "filing_year" and not this_year - 5 <= int(value) <= this_year:
        return f"forms of {this_year - 5} to {this_year} are taken."
    return None


def money(text: str) -> Decimal:
    """Dollars, with or without sign, commas and cents. Raises InvalidOperation for anything else."""
    amount = Decimal(text.replace("$", "").replace(",", "").strip())
    if not amount.is_finite():
        raise InvalidOperation(text)
    return amount
