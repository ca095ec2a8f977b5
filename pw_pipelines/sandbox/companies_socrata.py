"""Rows of the Socrata registers over the invented companies, each state's habits included.

Colorado writes the status into the name; New York lists active ones alone, the old ones in capitals with states
spelled out; Oregon has a row per associated name; Pennsylvania a row per party, title case, numbers with leading
zeros and 1753 for no date; Connecticut tells its status. A missing value is left out of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from pw_pipelines.sandbox.companies import Companies, Company, address
from pw_pipelines.sandbox.companies_names import Bits, person, stem
from pw_pipelines.sandbox.geography import STATES

Row = dict[str, str]


@dataclass(frozen=True)
class Dataset:
    """One dataset: its columns (name, SODA type) in order, and its rows on a day in the order of `:id`."""

    state: str
    domain: str
    id: str
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: Callable[[Companies, date], Iterator[Row]]
    name_column: str


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (item.partition(":") for item in text.split())
    return tuple((name, kind or "text") for name, _, kind in pairs)


def _stamp(ordinal: int) -> str:
    return f"{date.fromordinal(ordinal)}T00:00:00.000"


def _filled(row: Row) -> Row:
    return {name: value for name, value in row.items() if value}


def _all(companies: Companies, state: str, on: date, *, live_only: bool) -> Iterator[Company]:
    day = on.toordinal()
    for index in range(companies.count(state, day)):
        company = companies.of(state, index)
        if not live_only or company.lives(day):
            yield company


def _prefixed(prefix: str, where: tuple[str, ...], names: str) -> Row:
    return {f"{prefix}{name}": value for name, value in zip(names.split(), where, strict=True)}


def _where(bits: Bits, state: str) -> tuple[str, str, str, str, str]:
    found = address(bits, state)
    return found.street.title(), found.unit.title(), found.city, found.state, found.zip


# -- Colorado -----------------------------------------------------------------------------------------------------

_CO_TYPES = {"llc": "LLC", "corporation": "PC", "nonprofit": "NC", "partnership": "LP", "cooperative": "COOP"}
# how it ended -> (status, word of the tail in the name)
_CO_ENDED = {
    "voluntary": ("Voluntarily Dissolved", "Dissolved"),
    "administrative": ("Administratively Dissolved", "Dissolved"),
    "delinquent": ("Delinquent", "Delinquent"),
    "merged": ("Merged", "Merged"),
    "withdrawn": ("Withdrawn", "Withdrawn"),
    "converted": ("Converted", "Converted"),
    "revoked": ("Revoked", "Revoked"),
    "expired": ("Dissolved (Term Expired)", "Dissolved"),
}
_CO_RARE = ("Noncompliant", "Judicially Dissolved", "Registered Agent Resigned")
_CO_PLACE = "address1 address2 city state zipcode"


def colorado(companies: Companies, on: date) -> Iterator[Row]:
    """4ykn-tg5h: every entity there ever was, its status told twice."""
    day = on.toordinal()
    for company in _all(companies, "CO", on, live_only=False):
        bits = company.more("CO")
        name, status = _colorado_standing(company, bits, day)
        kind = ("F" if company.is_foreign else "D") + _CO_TYPES.get(company.form, "PC")
        where = _where(bits, "CO")
        row = {
            "entityid": f"{date.fromordinal(company.formed).year}{company.index:07d}",
            "entityname": name,
            **_prefixed("principal", where, _CO_PLACE),
            "principalcountry": "US",
            "entitystatus": status,
            "jurisdictonofformation": company.home,
            "entitytype": {"DCOOP": "DLCA"}.get(kind, kind),
            "entityformdate": _stamp(company.formed),
        }
        if bits.below(3):
            last, first, middle = person(bits)
            row |= {"agentfirstname": first, "agentmiddlename": middle, "agentlastname": last}
        else:
            row["agentorganizationname"] = stem(bits, "llc")
        row |= _prefixed("agentprincipal", _where(bits, "CO"), _CO_PLACE)
        yield _filled(row)


def _colorado_standing(company: Company, bits: Bits, day: int) -> tuple[str, str]:
    name = company.name_on(day)
    if company.lives(day):
        return name, "Exists" if company.form in ("partnership", "trust") or bits.below(40) == 0 else "Good Standing"
    status, word = _CO_ENDED[company.ending]
    if bits.below(40) == 0:
        status = word = bits.of(_CO_RARE)
    if bits.below(20) == 0:
        return name, status
    ended = date.fromordinal(company.ended)
    return f"{name}, {word} {ended:%B} {ended.day}, {ended.year}", status


# -- New York -----------------------------------------------------------------------------------------------------

_NY_TYPES = {
    "llc": "LIMITED LIABILITY COMPANY",
    "corporation": "BUSINESS CORPORATION",
    "nonprofit": "NOT-FOR-PROFIT CORPORATION",
    "partnership": "LIMITED PARTNERSHIP",
    "cooperative": "COOPERATIVE CORPORATION",
    "trust": "BUSINESS CORPORATION",
}
_NY_COUNTIES = ("NEW YORK", "KINGS", "QUEENS", "NASSAU", "SUFFOLK", "ERIE", "MONROE", "ALBANY", "ONONDAGA", "BRONX")
_NY_OLD = date(2008, 1, 1).toordinal()
_NY_PLACE = "address_1 address_2 city state zip"


def new_york(companies: Companies, on: date) -> Iterator[Row]:
    """n9v6-gdp6: active entities only."""
    day = on.toordinal()
    for company in _all(companies, "NY", on, live_only=True):
        bits = company.more("NY")
        is_old = company.formed < _NY_OLD
        name = company.name_on(day)
        where = _where(bits, "NY")
        home = STATES[company.home][0]
        if is_old:
            name, home = name.upper(), home.upper()
            where = tuple(map(str.upper, (*where[:3], "NEW YORK", where[4])))  # type: ignore[assignment]
        row = {
            "dos_id": str(1_000_000 + company.index),
            "current_entity_name": name,
            "initial_dos_filing_date": _stamp(company.formed),
            "county": bits.of(_NY_COUNTIES).upper() if is_old else bits.of(_NY_COUNTIES).title(),
            "jurisdiction": home,
            "entity_type": f"{'FOREIGN' if company.is_foreign else 'DOMESTIC'} {_NY_TYPES[company.form]}",
            "dos_process_name": name,
            **_prefixed("dos_process_", where, _NY_PLACE),
        }
        if company.form == "corporation" and bits.below(2):
            last, first, _ = person(bits)
            row |= {"chairman_name": f"{first} {last}", **_prefixed("chairman_", _where(bits, "NY"), _NY_PLACE)}
        yield _filled(row)


# -- Oregon -------------------------------------------------------------------------------------------------------

_OR_TYPES = {
    "llc": "LIMITED LIABILITY COMPANY",
    "corporation": "BUSINESS CORPORATION",
    "nonprofit": "NONPROFIT CORPORATION",
    "partnership": "LIMITED PARTNERSHIP",
    "cooperative": "COOPERATIVE",
    "trust": "BUSINESS TRUST",
}
_OR_ASSUMED = "ASSUMED BUSINESS NAME"
_OR_PLACE = "address address_continued city state zip"


def oregon(companies: Companies, on: date) -> Iterator[Row]:
    """tckn-sxa6: active ones, a row for each associated name; a business in seven is an assumed name."""
    day = on.toordinal()
    for company in _all(companies, "OR", on, live_only=True):
        bits = company.more("OR")
        is_assumed = company.index % 7 == 3
        kind = f"{'FOREIGN' if company.is_foreign else 'DOMESTIC'} {_OR_TYPES[company.form]}"
        business = {
            "registry_number": str(100_000 + company.index * 3),
            "business_name": stem(bits, "name").upper() if is_assumed else company.name_on(day).upper(),
            "entity_type": _OR_ASSUMED if is_assumed else kind,
            "registry_date": _stamp(company.formed),
            "jurisdiction": "" if is_assumed else STATES[company.home][0].upper(),
        }
        for role in _oregon_roles(bits):
            row = business | {"associated_name_type": role} | _prefixed("", _where(bits, "OR"), _OR_PLACE)
            if role not in ("PRINCIPAL PLACE OF BUSINESS", "MAILING ADDRESS"):
                last, first, middle = person(bits)
                row |= {"first_name": first.upper(), "middle_name": middle, "last_name": last.upper()}
            yield _filled(row)


def _oregon_roles(bits: Bits) -> list[str]:
    roles = ["MAILING ADDRESS"] if bits.below(10) < 8 else []
    roles.append("PRINCIPAL PLACE OF BUSINESS")
    if bits.below(10) < 8:
        roles += ["REGISTERED AGENT"] * (2 if bits.below(200) == 0 else 1)
    if bits.below(10) < 2:
        roles.append("AUTHORIZED REPRESENTATIVE")
    return roles


# -- Pennsylvania -------------------------------------------------------------------------------------------------

_PA_TYPES = {"llc": "Limited Liability Company", "corporation": "Business Corporation", "nonprofit":
             "Nonprofit Corporation", "partnership": "Limited Partnership", "cooperative": "Cooperative Corporation",
             "trust": "Business Trust"}  # fmt: skip
_PA_COUNTIES = ("Allegheny", "Philadelphia", "Montgomery", "Bucks", "Lancaster", "Chester", "York", "Berks", "Erie")
_PA_PLACE = "address_line1 address_line2 city state zip"


def _pennsylvania(companies: Companies, on: date) -> Iterator[tuple[Row, Bits]]:
    day = on.toordinal()
    for company in _all(companies, "PA", on, live_only=True):
        bits = company.more("PA")
        county = bits.below(len(_PA_COUNTIES))
        yield {
            "business_name": company.name_on(day).title(),
            "filing_number": f"{6_000_000 + company.index:010d}",
            **_prefixed("", _where(bits, "PA"), _PA_PLACE),
            "typeofbusinessregistration": f"{'Foreign' if company.is_foreign else 'Domestic'} "
                                          f"{_PA_TYPES[company.form]}",
            "creationdate": "1753-01-01T00:00:00.000" if bits.below(120) == 0 else _stamp(company.formed),
            "county_code": f"{county + 1:02d}",
            "county_name": _PA_COUNTIES[county],
        }, bits  # fmt: skip


def pennsylvania_distinct(companies: Companies, on: date) -> Iterator[Row]:
    """3urc-uaba: a row for each business."""
    for row, _ in _pennsylvania(companies, on):
        yield _filled(row)


def pennsylvania_parties(companies: Companies, on: date) -> Iterator[Row]:
    """xvd7-5r2c: a row for each party of a business."""
    for row, bits in _pennsylvania(companies, on):
        for _ in range(1 + bits.below(3) % 2 + (bits.below(20) == 0)):
            last, first, middle = person(bits)
            party = {"party_type": bits.of(("Organizer", "Governor", "Governor", "Incorporator"))}
            yield _filled(row | party | {"last_name": last, "first_name": first, "middle_name": middle})


# -- Connecticut --------------------------------------------------------------------------------------------------

_CT_TYPES = {"llc": "LLC", "corporation": "Stock", "nonprofit": "Non-Stock", "partnership": "LP",
             "cooperative": "Cooperative", "trust": "Statutory Trust"}  # fmt: skip
_CT_ENDED = {
    "voluntary": "Dissolved", "administrative": "Forfeited", "delinquent": "Forfeited", "merged": "Merged",
    "withdrawn": "Withdrawn", "converted": "Cancelled", "revoked": "Revoked", "expired": "Expired Reservation",
}  # fmt: skip


def connecticut(companies: Companies, on: date) -> Iterator[Row]:
    """n7gp-d28j: every entity, with its status."""
    day = on.toordinal()
    for company in _all(companies, "CT", on, live_only=False):
        bits = company.more("CT")
        where = _where(bits, "CT")
        yield _filled({
            "accountnumber": f"{company.index:07d}",
            "name": company.name_on(day).upper() if bits.below(2) else company.name_on(day),
            "status": "Active" if company.lives(day) else _CT_ENDED[company.ending],
            "date_registration": _stamp(company.formed),
            "business_type": _CT_TYPES[company.form],
            "citizenship": "Foreign" if company.is_foreign else "Domestic",
            "formation_place": STATES[company.home][0],
            "billing_city": where[2],
        })  # fmt: skip


_CO_COLUMNS = """entityid entityname principaladdress1 principaladdress2 principalcity principalstate principalzipcode
    principalcountry mailingaddress1 mailingaddress2 mailingcity mailingstate mailingzipcode mailingcountry entitystatus
    jurisdictonofformation entitytype agentfirstname agentmiddlename agentlastname agentsuffix agentorganizationname
    agentprincipaladdress1 agentprincipaladdress2 agentprincipalcity agentprincipalstate agentprincipalzipcode
    agentprincipalcountry agentmailingaddress1 agentmailingaddress2 agentmailingcity agentmailingstate
    agentmailingzipcode agentmailingcountry entityformdate:calendar_date"""
_NY_ROLES = "dos_process chairman registered_agent location"
_NY_COLUMNS = "dos_id current_entity_name initial_dos_filing_date:calendar_date county jurisdiction entity_type " + (
    " ".join(f"{role}_name " + " ".join(f"{role}_{part}" for part in _NY_PLACE.split()) for role in _NY_ROLES.split())
)
_OR_COLUMNS = """registry_number business_name entity_type registry_date:calendar_date associated_name_type first_name
    middle_name last_name suffix not_of_record_entity entity_of_record_reg_number entity_of_record_name address
    address_continued city state zip jurisdiction business_details:url"""
_PA_COLUMNS = """business_name filing_number address_line1 address_line2 city state zip typeofbusinessregistration
    creationdate:calendar_date party_type last_name first_name middle_name shortcountyname county_code county_name"""
_CT_COLUMNS = """accountnumber name business_type status date_registration:calendar_date citizenship
    formation_place billing_city"""

DATASETS: dict[str, Dataset] = {
    dataset.id: dataset
    for dataset in (
        Dataset("CO", "data.colorado.gov", "4ykn-tg5h", "Business Entities in Colorado", _columns(_CO_COLUMNS),
                colorado, "entityname"),
        Dataset("NY", "data.ny.gov", "n9v6-gdp6", "Active Corporations: Beginning 1800", _columns(_NY_COLUMNS),
                new_york, "current_entity_name"),
        Dataset("OR", "data.oregon.gov", "tckn-sxa6", "Active Businesses - ALL", _columns(_OR_COLUMNS), oregon,
                "business_name"),
        Dataset("PA", "data.pa.gov", "xvd7-5r2c", "Registered Businesses in PA Current (Monthly) by County",
                _columns(_PA_COLUMNS), pennsylvania_parties, "business_name"),
        Dataset("PA", "data.pa.gov", "3urc-uaba", "Registered businesses, distinct view",
                _columns(_PA_COLUMNS), pennsylvania_distinct, "business_name"),
        Dataset("CT", "data.ct.gov", "n7gp-d28j", "Connecticut Business Registry - Business Master",
                _columns(_CT_COLUMNS), connecticut, "name"),
    )
}  # fmt: skip
