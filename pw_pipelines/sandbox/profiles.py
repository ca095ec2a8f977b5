"""What belongs to a carrier whoever shows it: address, contact, trade names. Made on demand from its own stream."""

from __future__ import annotations

from dataclasses import dataclass

from pw_pipelines.sandbox import geography, naming
from pw_pipelines.sandbox.carriers import Carrier, Group
from pw_pipelines.sandbox.streams import Draw, Subject, pick, stream

_ROLE_BOXES = ("regulatory", "compliance", "legal", "fcc", "info", "noc", "robocall.mitigation", "admin")


@dataclass(frozen=True, slots=True)
class Profile:
    """`phone` is bare digits (ten, or with a country's code and `+` abroad); `email` is None for one in ten."""

    street: tuple[str, ...]
    city: str
    zip_code: str
    contact: str
    title: str
    department: str
    phone: str
    email: str | None
    consultant: str | None
    dbas: tuple[str, ...]


def profile(seed: int, carrier: Carrier, groups: list[Group]) -> Profile:
    """The same for the same seed and carrier, always."""
    draw = stream(seed, Subject.PERSON, carrier.index)
    street = tuple(geography.street_lines(draw))
    if carrier.is_foreign:
        city, zip_code = geography.foreign_city(draw), ""
        phone = f"+{geography.COUNTRIES[carrier.country][0]}{geography.phone_digits(draw, None)}"
    else:
        city, zip_code = geography.city(draw), geography.zip_code(draw, carrier.state)
        phone = geography.phone_digits(draw, carrier.state)
    contact, title, department = naming.person(draw), pick(draw, naming.TITLES), pick(draw, naming.DEPARTMENTS)
    consultant, email = _mail(draw, carrier, contact)
    dbas = tuple(_dba(draw, carrier) for _ in range(_dba_count(draw())))
    if carrier.group >= 0 and draw() < 0.55:
        contact, title, department, phone, email = _group_contact(seed, groups[carrier.group])
    return Profile(street, city, zip_code, contact, title, department, phone, email, consultant, dbas)


def _mail(draw: Draw, carrier: Carrier, contact: str) -> tuple[str | None, str | None]:
    """(consultant's firm or None, address or None)."""
    chance = draw()
    first, *_, last = contact.lower().split()
    host = naming.domain(carrier.name)
    if chance < 0.09:
        return None, None
    if chance < 0.16:
        firm, firm_host = pick(draw, naming.CONSULTANTS)
        return firm, f"{pick(draw, ('filings', 'fcc', 'clients'))}@{firm_host}"
    if chance < 0.46:
        return None, f"{pick(draw, _ROLE_BOXES)}@{host}"
    if chance < 0.6:
        return None, f"{first}.{last}{carrier.index % 97}@{pick(draw, naming.FREE_MAIL)}"
    box = pick(draw, (f"{first}.{last}", f"{first[0]}{last}", first))
    return None, f"{box}@{host}".upper() if draw() < 0.05 else f"{box}@{host}"


def _group_contact(seed: int, group: Group) -> tuple[str, str, str, str, str | None]:
    """The holding company's regulatory contact, shared by its members."""
    draw = stream(seed, Subject.GROUP, group.index)
    contact = naming.person(draw)
    phone = geography.phone_digits(draw, group.state)
    box = pick(draw, _ROLE_BOXES) if draw() < 0.5 else contact.lower().replace(" ", ".").replace("..", ".")
    return contact, pick(draw, naming.TITLES), "Regulatory", phone, f"{box}@{naming.domain(group.name)}"


def _dba_count(chance: float) -> int:
    return 0 if chance < 0.72 else 1 if chance < 0.9 else 2 if chance < 0.97 else 3


def _dba(draw: Draw, carrier: Carrier) -> str:
    if draw() < 0.4:
        return carrier.name.split(",")[0].rsplit(" ", 1)[0].strip() or carrier.name
    return naming.coined(draw, 2) + pick(draw, (" Communications", "Tel", " Voice", "Net", " Business Phone"))
