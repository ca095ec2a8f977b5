"""The forms of the Robocall Mitigation Database's portal as data: sections, fields, and what is wrong with answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pw_pipelines.sandbox.filing_portals.common import Change

IMPLEMENTATIONS = {
    "Complete S/S Implementation": "Complete STIR/SHAKEN Implementation",
    "Partial S/S Implementation": "Partial STIR/SHAKEN Implementation - Performing Robocall Mitigation",
    "No S/S Implementation": "No STIR/SHAKEN Implementation - Performing Robocall Mitigation",
}
ROLES = ("role_voice", "role_gateway", "role_intermediate")
_NOT_COMPLETE = tuple(name for name in IMPLEMENTATIONS if not name.startswith("Complete"))


@dataclass(frozen=True)
class Field:
    """One field. `when`: the answers of another field for which it is there."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    options: tuple[tuple[str, str], ...] = ()
    when_field: str = ""
    when_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class RmdForm:
    """A form as the script is told to draw it. submit_place: bottom or top."""

    kind: str
    sections: tuple[Section, ...]
    submit_id: str = "submit-filing"
    submit_label: str = "Submit"
    submit_place: str = "bottom"


_FRN = Field("frn", "FCC Registration Number (FRN)")
_IMPLEMENTATION = Field(
    "implementation", "STIR/SHAKEN implementation", "select", options=tuple(IMPLEMENTATIONS.items())
)
_EXEMPTION = Field(
    "exemption", "Rule that excuses what is not implemented", required=False,
    when_field="implementation", when_values=_NOT_COMPLETE,
)  # fmt: skip
_OCN = Field("ocn", "Operating Company Number(s), if any", required=False)
_DECLARATION = Section(
    "Declaration",
    (
        Field("officer_name", "Name of the officer who signs"),
        Field("officer_title", "Title of the officer"),
        Field(
            "declaration",
            "I declare under penalty of perjury under 47 CFR 1.16 that the foregoing is true and correct.",
            "checkbox",
        ),
    ),
)
_FORMS = {
    "filing": (
        Section(
            "Filer",
            (
                _FRN,
                Field("business_name", "Business name"),
                Field("business_address", "Business address (street, city, state ZIP)"),
                Field("dba_names", "Other names the business uses", "textarea", required=False),
                Field("previous_names", "Previous business names", "textarea", required=False),
                Field(
                    "foreign_provider",
                    "Foreign voice service provider",
                    "select",
                    options=(("No", "No"), ("Yes", "Yes")),
                ),
            ),
        ),
        Section(
            "Role in the call path",
            (
                Field("role_voice", "Voice service provider", "checkbox", required=False),
                Field("role_gateway", "Gateway provider", "checkbox", required=False),
                Field("role_intermediate", "Non-gateway intermediate provider", "checkbox", required=False),
            ),
        ),
        Section("Implementation", (_IMPLEMENTATION, _EXEMPTION, _OCN)),
        Section(
            "Robocall mitigation contact",
            (
                Field("contact_name", "Name"),
                Field("contact_title", "Title"),
                Field("contact_phone", "Telephone number"),
                Field("contact_email", "Email address"),
            ),
        ),
        Section(
            "History",
            (
                Field("affiliates", "Principals, affiliates, subsidiaries, parent companies", "textarea"),
                Field("investigations", "Formal actions and investigations of the last two years", "textarea"),
            ),
        ),
        Section(
            "Documents",
            (
                Field("certification", "Certification (PDF)", "file"),
                Field("plan", "Robocall mitigation plan (PDF)", "file"),
            ),
        ),
        _DECLARATION,
    ),
    "recertification": (
        Section("Filer", (_FRN,)),
        Section(
            "Recertification",
            (
                Field("still_accurate", "The information in the Database is true, accurate and complete.", "checkbox"),
                Field("certification", "Certification (PDF)", "file"),
            ),
        ),
        _DECLARATION,
    ),
    "update": (
        Section("Filer", (_FRN,)),
        Section(
            "Implementation",
            (
                _IMPLEMENTATION,
                _EXEMPTION,
                Field(
                    "own_certificate",
                    "Calls are signed with a certificate of our own (own SPC token)",
                    "checkbox",
                    required=False,
                ),
                _OCN,
                Field("plan", "Plan (PDF)", "file"),
            ),
        ),
        _DECLARATION,
    ),
}  # fmt: skip
_EXTRA = Section("Traceback", (Field("traceback_contact", "24-hour traceback contact (email)"),))


def form(kind: str, change: Change) -> RmdForm:
    """A form as it is today. An unknown kind has no sections, so nothing can be filed by it."""
    sections = _FORMS.get(kind, ())
    if change == "renamed_field":
        sections = tuple(
            replace(section, fields=tuple(_renamed(one) for one in section.fields)) for section in sections
        )
    if change == "extra_required":
        sections = (*sections[:-1], _EXTRA, *sections[-1:])
    if change == "moved_submit":
        return RmdForm(kind, sections, "certify-and-send", "Certify and send", "top")
    return RmdForm(kind, sections)


def _renamed(field: Field) -> Field:
    if field.name == "officer_name":
        return replace(field, name="certifying_official", label="Certifying official")
    return field


def errors(form: RmdForm, values: Mapping[str, str], uploaded: set[str]) -> list[dict[str, str]]:
    """What is wrong with the answers: [{field, message}]; empty when they are taken. Checkboxes say "true"."""
    fields = [field for section in form.sections for field in section.fields]
    found = [
        {"field": field.name, "message": f"{field.label}: this field is required."}
        for field in fields
        if field.required and _is_missing(field, values, uploaded)
    ]
    if not fields:
        found.append({"field": "", "message": "There is no such form."})
    known = {field.name for field in fields}
    frn = values.get("frn", "")
    if frn and (not re.fullmatch(r"\d{10}", frn) or int(frn) == 0):
        found.append({"field": "frn", "message": f"FRN {frn} is not a valid FCC Registration Number."})
    if "role_voice" in known and not any(values.get(role) == "true" for role in ROLES):
        found.append({"field": "role_voice", "message": "Choose at least one role in the call path."})
    if values.get("contact_email") and "@" not in values["contact_email"]:
        found.append({"field": "contact_email", "message": "Email address: this is not an email address."})
    if (chosen := values.get("implementation")) and chosen not in IMPLEMENTATIONS:
        found.append({"field": "implementation", "message": "STIR/SHAKEN implementation: choose one of the list."})
    return found


def _is_missing(field: Field, values: Mapping[str, str], uploaded: set[str]) -> bool:
    if field.when_field and values.get(field.when_field) not in field.when_values:
        return False
    if field.kind == "file":
        return field.name not in uploaded
    if field.kind == "checkbox":
        return values.get(field.name) != "true"
    return not values.get(field.name, "").strip()
