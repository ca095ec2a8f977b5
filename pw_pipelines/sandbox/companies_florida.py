"""Florida's files over the invented companies, byte for byte in the Division's layouts.

Corporate records (1,440), events (662) and fictitious names (2,098), lines ended by CRLF. Rates of quirks are those
counted in real daily files: file dates ahead or years back, designators glued or quoted, stray mail countries,
malformed ZIPs, four NUL bytes of filler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from pw_pipelines.sandbox.companies import Address, Companies, Company, address
from pw_pipelines.sandbox.companies_names import Bits, person, stem

STATE = "FL"
PARTS = 10  # the quarterly file, cut by the last digit of the document number
RECORD, EVENT, FICTITIOUS = 1440, 662, 2098
QUARTER_DAY = 9  # of January, April, July and October
KNOWN_GAP = (date(2026, 7, 2), date(2026, 7, 6))
_PARTIES = 6_000  # agents and officers there are
_GAP_OF = 400  # otherwise one day in so many has no file: none of 79 days was seen missing outside the known gap
_PREFIX = {"llc": "L", "corporation": "P", "nonprofit": "N", "partnership": "A", "trust": "D", "cooperative": "P"}
_FOREIGN_PREFIX = {"llc": "M", "partnership": "B"}
_TYPES = {"llc": "FLAL", "corporation": "DOMP", "nonprofit": "DOMNP", "partnership": "DOMLP", "trust": "TRUST",
          "cooperative": "DOMP"}  # fmt: skip
_FOREIGN_TYPES = {"llc": "FORL", "corporation": "FORP", "nonprofit": "FORNP", "partnership": "FORLP",
                  "trust": "TRUST", "cooperative": "FORP"}  # fmt: skip
_TITLES = (*(("MGR",) * 12), *(("AMBR",) * 7), *(("P",) * 4), "VP", "VP", "CEO", "AP", "AR", "MGRM", "MBR", "PD",
           "DPST", "P, D", "S", "T", "D")  # fmt: skip
_COUNTIES = ("MIAMI-DADE", "BROWARD", "PALM BEACH", "HILLSBOROUGH", "ORANGE", "PINELLAS", "DUVAL", "LEE", "POLK")
# (code, words) of what ended a company, as the events file tells it
_EVENTS = {
    "voluntary": ("VOLDISS", "VOLUNTARY DISSOLUTION"),
    "administrative": ("ADMDISS", "ADMIN DISSOLUTION FOR ANNUAL REPORT"),
    "delinquent": ("ADMDISS", "ADMIN DISSOLUTION FOR ANNUAL REPORT"),
    "merged": ("MERGER", "MERGER"),
    "withdrawn": ("WITHDRAW", "WITHDRAWAL"),
    "converted": ("CONVERT", "CONVERSION"),
    "revoked": ("REVOKE", "REVOKED FOR ANNUAL REPORT"),
    "expired": ("EXPIRE", "EXPIRED BY LIMITATION"),
}


def is_missing(seed: int, day: date) -> bool:
    """Whether the daily files of a day never came."""
    return KNOWN_GAP[0] <= day <= KNOWN_GAP[1] or Bits(seed, "gap", day.toordinal()).below(_GAP_OF) == 0


def daily_days(seed: int, first: date, last: date) -> list[date]:
    """Days from `first` to `last`, both included, whose daily file exists."""
    days = ((first + timedelta(n)) for n in range((last - first).days + 1))
    return [day for day in days if not is_missing(seed, day)]


def newest_quarter(on: date) -> date:
    """The day on which the quarterly set was last published. It tells of the day before."""
    for back in range(4):
        year, month = divmod(on.year * 12 + on.month - 1 - back, 12)
        published = date(year, month + 1, QUARTER_DAY)
        if month % 3 == 0 and published <= on:
            return published
    raise AssertionError("unreachable: there is a quarter in any four months")


@lru_cache(maxsize=40_000)
def _mdy(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%m%d%Y")


def document_number(company: Company) -> str:
    """Letter, year and nine digits; only digits for the oldest."""
    year = date.fromordinal(company.formed).year
    if year < 1980:
        return f"{company.index:06d}"
    letter = _FOREIGN_PREFIX.get(company.form, "F") if company.is_foreign else _PREFIX[company.form]
    return f"{letter}{year % 100:02d}{company.index:09d}"


def filed_name(name: str, bits: Bits) -> str:
    """As the clerk takes it down: upper case; `"LLC"` in quotes 7 times in 2,188, glued a little more often."""
    upper = name.upper()[:192]
    if upper.endswith(" LLC"):
        chance = bits.below(2_188)
        if chance < 10:
            return f'{upper[:-4].rstrip(",")} "LLC"'
        if chance < 30:
            return f"{upper[:-4].rstrip(',')},LLC"
    return upper


def record(company: Company, *, on: int, is_new: bool) -> bytes:
    """The 1,440 bytes of a company as of a day. `is_new`: as in a daily file, where every record is active."""
    bits = company.more(STATE)
    number = document_number(company)
    name = filed_name(company.name_on(on), bits)
    kind = (_FOREIGN_TYPES if company.is_foreign else _TYPES)[company.form]
    if bits.below(4_000) == 0:
        kind = "AGENT"
    where = address(bits, STATE)
    mail = where if bits.below(5) else address(bits, STATE)
    country = bits.of(("US",) * 14 + ("", "", "", "UN", "FL", "CA"))
    zip_code = where.zip if bits.below(400) else f"{where.zip}--{bits.below(900) + 100}"
    fei = f"{bits.below(90) + 10:02d}{bits.below(10_000_000):07d}" if bits.below(60) == 0 or not is_new else ""
    more_than_six = bits.of("N" * 24 + " ")
    last_change = _mdy(company.ended or company.formed) if not is_new else ""
    kind_of_agent, agent_name, agent_place = _party(company.seed, bits.below(_PARTIES))
    agent = agent_name + kind_of_agent + agent_place
    officers = "".join([_officer(company.seed, bits) for _ in range(1 + bits.below(3))])
    status = "A" if is_new or company.lives(on) else "I"
    of_state = "" if is_new else "FL"
    return (
        f"{number:<12}{name:<192}{status}{kind:<15}{_lines(where)}{where.city.upper():<28}{of_state:<2}{zip_code:<10}"
        f"{'' if is_new else 'US':<2}{_lines(mail)}{mail.city.upper():<28}{mail.state:<2}{mail.zip:<10}{country:<2}"
        f"{_mdy(_file_date(company, bits))}{fei:<14}{more_than_six}{last_change:<8}{company.home:<2}"
        f"{_reports(company, on, is_new):<39}{agent}{officers:<768}\0\0\0\0"
    ).encode("latin-1")


def _file_date(company: Company, bits: Bits) -> int:
    """174 of 3,293 lie ahead (a delayed effective date) or long back (a company that moved in keeps its own)."""
    chance = bits.below(3_293)
    if chance < 110:
        return company.formed + 1 + bits.below(84)
    if chance < 174:
        return max(company.formed - 31 - bits.below(4_200), date(1970, 1, 1).toordinal())
    return company.formed - bits.below(3)


def _reports(company: Company, on: int, is_new: bool) -> str:
    """Three annual reports: year, filler, day. Blank on new filings."""
    if is_new:
        return ""
    last = date.fromordinal(min(company.ended or on, on)).year
    first = date.fromordinal(company.formed).year + 1
    return "".join(f"{year} {_mdy(date(year, 1 + (company.index + year) % 4, 20).toordinal())}"
                   for year in range(max(first, last - 2), last))  # fmt: skip


def _lines(where: Address) -> str:
    return f"{where.street.upper()[:42]:<42}{where.unit:<42}"


@lru_cache(maxsize=_PARTIES)
def _party(seed: int, number: int) -> tuple[str, str, str]:
    """An agent or officer: type, name in fixed sub-columns (last, first, middle, suffix), address of 81 bytes."""
    bits = Bits(seed, "party", number)
    where = address(bits, STATE)
    if bits.below(9) == 0:
        kind, name = "C", stem(bits, "llc").upper()[:42]
    else:
        last, first, middle = person(bits)
        kind, name = "P", f"{last.upper()[:20]:<20}{first.upper()[:14]:<14}{middle:<1}"
    return kind, f"{name:<42}", f"{where.street.upper()[:42]:<42}{where.city.upper():<28}{where.state}{where.zip:<9}"


def _officer(seed: int, bits: Bits) -> str:
    kind, name, where = _party(seed, bits.below(_PARTIES))
    return f"{bits.of(_TITLES):<4}{kind}{name}{where}"


def daily(companies: Companies, day: date) -> Iterator[bytes]:
    """Lines of the daily file: what was filed on that day."""
    on = day.toordinal()
    for index in companies.new_on(STATE, on):
        yield record(companies.of(STATE, index), on=on, is_new=True) + b"\r\n"


def quarterly_part(companies: Companies, on: date, part: int) -> Iterator[bytes]:
    """Lines of `cordata<part>.txt` as of a day: document numbers that end in this digit."""
    day = on.toordinal()
    for index in range(part, companies.count(STATE, day), PARTS):
        yield record(companies.of(STATE, index), on=day, is_new=False) + b"\r\n"


def _event(
    company: Company, sequence: int, code: str, words: str, day: int, *, note: str = "", name: str = ""
) -> bytes:
    flag = "Y" if name else "N"
    return (
        f"{document_number(company):<12}{sequence:05d}{code:<20}{words:<40}{_mdy(day)}{_mdy(day)}{note[:35]:<35}{'':<70}"
        f"{'':<12}{name[:192]:<192}{1 if name else 0:05d}{0:05d}{flag}N{'':<124}{'':<124}"
    ).encode("latin-1") + b"\r\n"


def events_of(company: Company, first: int, last: int) -> Iterator[bytes]:
    """Lines of what happened to a company from day `first` to day `last`."""
    if company.renamed and first <= company.renamed <= last:
        former = company.former_name.upper()
        yield _event(
            company, 1, "NAMECHG", "NAME CHANGE AMENDMENT", company.renamed, note="OLD NAME WAS : ", name=former
        )
    if company.ended and first <= company.ended <= last:
        code, words = _EVENTS[company.ending]
        yield _event(company, 2 if company.renamed else 1, code, words, company.ended)


def daily_events(companies: Companies, day: date) -> Iterator[bytes]:
    """Lines of the daily events file."""
    on = day.toordinal()
    for company in companies.changed_on(STATE, on):
        yield from events_of(company, on, on)


def all_events(companies: Companies, on: date) -> Iterator[bytes]:
    """Lines of `corevt.txt` as of a day."""
    day = on.toordinal()
    for index in range(companies.count(STATE, day)):
        yield from events_of(companies.of(STATE, index), 0, day)


def _fictitious(companies: Companies, number: int, day: int) -> bytes:
    bits = Bits(companies.seed, "fictitious", number)
    where = address(bits, STATE)
    filed = date.fromordinal(day)
    expiry = date(filed.year + 5, 12, 31)
    owner = companies.of(STATE, bits.below(max(1, companies.count(STATE, day))))
    return (
        f"G{filed.year % 100:02d}{number:09d}{stem(bits, 'name').upper()[:192]:<192}{bits.of(_COUNTIES):<12}"
        f"{where.street.upper()[:40]:<40}{where.unit[:40]:<40}{where.city.upper():<28}FL{where.zip:<10}US{_mdy(day)}"
        f"{1:05d}A{'':<8}{_mdy(expiry.toordinal())}{1:05d}{'':<14}N{document_number(owner):<12}"
        f"{owner.name.upper()[:55]:<55}C{where.street.upper()[:40]:<40}{where.city.upper():<28}FL{where.zip:<10}"
        f"US{'':<9}{document_number(owner):<12}{'':<1539}"
    ).encode("latin-1") + b"\r\n"


def fictitious(companies: Companies, first: date, last: date) -> Iterator[bytes]:
    """Lines of fictitious names filed from `first` to `last`; one for about eight new companies."""
    for day in range(first.toordinal(), last.toordinal() + 1):
        numbers: Iterable[int] = companies.new_on(STATE, day)
        yield from (_fictitious(companies, number // 8, day) for number in numbers if number % 8 == 0)
