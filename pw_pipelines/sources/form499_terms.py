"""The closed vocabularies of Form 499: communications types (Line 105) and the notes about a filer's end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from pw_pipelines import names
from pw_pipelines.sources import cells

# code -> texts. Codes: the filer database's `comm_type` parameter. Texts: Line 105 of the form, the database's
# own help, and both exports; compared by `names.plain`.
COMM_TYPES: dict[str, tuple[str, ...]] = {
    "ABS": ("Audio Bridge Service", "Audio Bridge (teleconferencing) Provider", "Audio Bridging Provider"),
    "ALLD": ("All Distance",),
    "COAX": (
        "Coaxial Cable",
        "Cable TV provider of local exchange",
        "Cable TV Provider of Local Exchange Service",
        "Cable local",
    ),
    "VOIP": ("Interconnected VoIP", "Interconnected VoIP Provider"),
    "CAP": ("CAP/CLEC", "CAP/LEC", "CAP / Competitive LEC"),
    "CEL": ("Cellular/PCS/SMR", "Cellular/PCS/SMR (wireless telephony incl. by resale)"),
    "DAT": ("Wireless Data",),
    "IXC": ("Interexchange Carrier", "Interexchange Carrier (IXC)"),
    "LEC": ("Incumbent LEC", "Incumbent Local Exchange Carrier", "ILEC"),
    "LRES": ("Local Reseller",),
    "OSP": ("Operator Service Provider", "Operator Service Provider (OSP)"),
    "OTHL": ("Other Local",),
    "OTHM": ("Other Mobile",),
    "OTHT": ("Other Toll",),
    "PAG": ("Paging & Messaging", "Paging"),
    "PAY": ("Payphone Service Provider", "Payphone"),
    "PRE": ("Prepaid Card", "Pre-paid Card", "Prepaid Calling Card", "Prepaid Calling Card Provider"),
    "PRIV": ("Private Service Provider",),
    "SAT": ("Satellite", "Satellite Service Provider"),
    "SMR": ("SMR (dispatch)", "SMR Dispatch"),
    "TEN": (
        "Shared Tenant Service Provider",
        "Shared-Tenant Service Provider / Building LEC",
        "Shared Tenant Service Provider or Building LEC",
    ),
    "TRES": ("Toll Reseller",),
}
_BY_TEXT = {names.plain(text): code for code, texts in COMM_TYPES.items() for text in (code, *texts)}


def comm_type(text: str | None) -> str | None:
    """The code of a communications type as written in an export; None for a blank or unknown text."""
    return _BY_TEXT.get(names.plain(text)) if text else None


_ENDED_ON = re.compile(r"no longer active as of (\S+?)\.?", re.IGNORECASE)
_REPLACED_BY = re.compile(r"\breplaced by filer(?: id)?:? (\d{6})\b\.?", re.IGNORECASE)
_CONSOLIDATED = re.compile(
    r"this legal entity acc?ou?n?t has been closed because their form 499 filing is now submitted on a consolidated "
    r"basis\.?",
    re.IGNORECASE,
)
_ENDINGS = (
    re.compile(
        r"this company still exists, however,? it is no longer providing telecommunications services\.?", re.IGNORECASE
    ),
    re.compile(
        r"this company has gone out of business in its entirety \(no sale of assets involved\)\.?", re.IGNORECASE
    ),
    re.compile(r"all assets of this company have been sold to another party\.?", re.IGNORECASE),
    _CONSOLIDATED,
    re.compile(r"this company has been absorbed by another filing entity\.?", re.IGNORECASE),
)
_BANKRUPTCY = re.compile(r"this company has filed for chapter \d+ bankruptcy protection\.?", re.IGNORECASE)


@dataclass
class Status:
    """What a filer's notes say. `is_ended`: one of them says that filing under this ID has stopped.

    A bankruptcy filing ends nothing by itself. `unknown`: notes that match none of the eight templates.
    """

    ended_on: date | None = None
    end_reason: str | None = None
    replaced_by: str | None = None
    is_consolidated: bool = False
    is_ended: bool = False
    notes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read_notes(notes: Iterable[str]) -> Status:
    """The eight templates of the status log (measured on the vintage of 7 Dec 2025).

    Raises ValueError when a note gives an end date that is no date.
    """
    status = Status()
    for note in notes:
        text = " ".join(note.split())
        if cells.text(text) is None:
            continue
        status.notes.append(text)
        if found := _ENDED_ON.fullmatch(text):
            status.ended_on, status.is_ended = cells.us_date(found[1], "note"), True
        elif found := _REPLACED_BY.fullmatch(text):
            status.replaced_by, status.is_ended = found[1], True
        elif any(template.fullmatch(text) for template in _ENDINGS):
            status.end_reason, status.is_ended = status.end_reason or text, True
            status.is_consolidated |= _CONSOLIDATED.fullmatch(text) is not None
        elif not _BANKRUPTCY.fullmatch(text):
            status.unknown.append(text)
    return status


def replaced_by(text: str | None) -> str | None:
    """The successor's filer ID where a sentence such as an end reason names it."""
    found = _REPLACED_BY.search(text) if text else None
    return found[1] if found else None


def is_consolidation(text: str | None) -> bool:
    """Whether an end reason says that the filing is now made by a parent."""
    return text is not None and "consolidated basis" in text.lower()


def has_consolidated_suffix(legal_name: str | None) -> bool:
    """`… Inc. CONSOLIDATED`: the parent that files for its subsidiaries."""
    return legal_name is not None and legal_name.upper().rstrip(" .)").endswith(" CONSOLIDATED")
