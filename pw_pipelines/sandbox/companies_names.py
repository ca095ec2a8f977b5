"""Names of invented companies of every trade, and how registers write them. None is meant to be anybody.

A name is drawn from one large number (`Bits`), so that any company can be had without making those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from typing import TypeVar

from pw_pipelines.sandbox.geography import places
from pw_pipelines.sandbox.naming import ADJECTIVES, NOUNS, syllables

T = TypeVar("T")

TRADES = tuple(
    """Holdings|Properties|Ventures|Group|Consulting|Transport|Trucking|Realty|Investments|Services|Solutions|
    Cleaning|Landscaping|Roofing|Plumbing|Electric|Construction|Builders|Painting|Flooring|Auto Repair|Towing|
    Logistics|Freight|Express|Farms|Nursery|Bakery|Cafe|Grill|Catering|Coffee|Pizza|Foods|Seafood|Brewing|Wellness|
    Dental|Medical|Pharmacy|Therapy|Home Care|Senior Living|Academy|Tutoring|Child Care|Fitness|Yoga|Studio|Media|
    Design|Photography|Marketing|Software|Technologies|Systems|Data|Analytics|Engineering|Environmental|Energy|Solar|
    Marine|Charters|Aviation|Travel|Tours|Events|Boutique|Jewelry|Salon|Barber Shop|Nails|Pet Care|Grooming|Storage|
    Rentals|Management|Capital|Lending|Tax Service|Title|Notary|Staffing|Security|Communications|Telecom|Imports|
    Trading|Supply|Equipment|Tools|Welding|Machine|Manufacturing|Packaging|Printing|Signs|Furniture|Cabinets|Pools|
    Lawn Care|Pest Control|Moving|Recycling|Hauling""".replace("\n    ", "").split("|")
)
_SURNAME_ENDS = ("er", "man", "son", "ley", "ton", "well", "field", "berg", "aro", "ez", "ski", "ova", "ard", "ick")
_SOCIETIES = ("Volunteer Fire Department", "Youth Soccer League", "Homeowners", "Community Church", "Garden Club",
              "Historical Society", "Booster Club", "Animal Rescue", "Little League")  # fmt: skip
_ENDINGS: dict[str, tuple[tuple[str, int], ...]] = {
    # of 100; what Florida's clerks take down in one day, quirks apart
    "llc": ((" LLC", 62), (", LLC", 28), (" L.L.C.", 4), (", L.L.C.", 2), (" Limited Liability Company", 2),
            (",LLC", 1), ("", 1)),
    "corporation": ((" Inc.", 30), (", Inc.", 24), (" Inc", 14), (" Corp.", 10), (" Corp", 8), (" Corporation", 5),
                    (" Incorporated", 2), (" Company", 3), (" Co.", 3), ("", 1)),
    "nonprofit": ((" Inc.", 40), (", Inc.", 25), (" Foundation, Inc.", 15), (" Association, Inc.", 14), ("", 6)),
    "partnership": ((" LP", 40), (", L.P.", 25), (" Limited Partnership", 15), (" LLLP", 10), (" LLP", 10)),
    "cooperative": ((" Cooperative", 60), (" Co-op", 40)),
    "trust": ((" Trust", 70), (" Business Trust", 30)),
    "name": (("", 100),),
}  # fmt: skip


class Bits:
    """A large number of chance, used up from one end: `Bits(seed, "CO", 17)` is the same on every machine."""

    __slots__ = ("_key", "_left", "_turn")

    def __init__(self, *key: object) -> None:
        self._key = "/".join(map(str, key))
        self._turn = 0
        self._left = self._more()

    def _more(self) -> int:
        text = self._key if not self._turn else f"{self._key}#{self._turn}"
        self._turn += 1
        # a leading 1 tells how much is left
        return int.from_bytes(blake2b(text.encode(), digest_size=40).digest(), "little") | (1 << 320)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        if self._left < (1 << 32):
            self._left = self._more()
        self._left, found = divmod(self._left, limit)
        return found

    def of(self, items: Sequence[T]) -> T:
        """One of `items`, each as likely."""
        return items[self.below(len(items))]


@lru_cache(maxsize=1)
def _cities() -> tuple[str, ...]:
    return tuple(places())


@lru_cache(maxsize=1)
def _syllables() -> tuple[str, ...]:
    onsets, vowels, codas = syllables()
    return tuple("".join(parts) for parts in product(onsets, vowels, codas))


@lru_cache(maxsize=8)
def _spread(form: str) -> tuple[str, ...]:
    return tuple(ending for ending, weight in _ENDINGS[form] for _ in range(weight))


def coined(bits: Bits, parts: int = 2) -> str:
    """An invented word."""
    return "".join(bits.of(_syllables()) for _ in range(parts)).capitalize()


def town(bits: Bits) -> str:
    """An invented town."""
    return bits.of(_cities())


def person(bits: Bits) -> tuple[str, str, str]:
    """Last name, first name, middle letter or nothing: of nobody."""
    return surname(bits), coined(bits, 1 + bits.below(2)), "ABCDEFGHJKLMNPRSTW"[bits.below(18)] if bits.below(3) else ""


def surname(bits: Bits) -> str:
    """An invented family name."""
    return coined(bits, 1) + bits.of(_SURNAME_ENDS)


def stem(bits: Bits, form: str) -> str:  # noqa: PLR0911  one pattern of names each
    """A company's name without its designator, in mixed case."""
    if form == "nonprofit":
        kind = bits.of(_SOCIETIES)
        return f"{town(bits)} {kind}" if bits.below(3) else f"{bits.of(ADJECTIVES)} {bits.of(NOUNS)} {kind}"
    chance, trade = bits.below(100), bits.of(TRADES)
    if chance < 22:
        return f"{bits.of(ADJECTIVES)} {bits.of(NOUNS)} {trade}"
    if chance < 34:
        return f"{town(bits)} {trade}"
    if chance < 58:
        return f"{coined(bits)} {trade}"
    if chance < 68:
        return f"{surname(bits)} {'&' if bits.below(2) else 'and'} {surname(bits)} {trade}"
    if chance < 74:
        return f"{surname(bits)}'s {trade}"
    if chance < 82:
        return coined(bits, 3)
    if chance < 88:
        initials = [chr(65 + bits.below(26)) for _ in range(2 + bits.below(2))]
        return f"{('.'.join(initials) + '.') if bits.below(4) == 0 else ''.join(initials)} {surname(bits)} {trade}"
    if chance < 93:
        return f"{1 + bits.below(9999)} {town(bits)} {bits.of(('Street', 'Avenue', 'Road', 'Drive'))}"
    if chance < 97:
        return f"The {bits.of(ADJECTIVES)} {coined(bits)} {trade}"
    return f"{bits.of(ADJECTIVES)} {trade} of {town(bits)}"


def company_name(bits: Bits, form: str) -> str:
    """A company's name with its designator, in mixed case."""
    return stem(bits, form) + bits.of(_spread(form))
