"""Invented companies in the registers of eight states: a pure function of (seed, scale, state, index, day).

Index order is filing order. Any company can be had without those before it, so a register of millions needs no
memory; which companies changed on a day is found without looking at all of them, because a company's end and its
renaming fall on days of one residue of its index.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate

from pw_pipelines.sandbox.companies_names import Bits, company_name, stem, town
from pw_pipelines.sandbox.geography import STATES, streets

EPOCH = date(2026, 1, 1).toordinal()  # filings before it are spread over history, those after it counted by day
_LAST_DAY = date(2032, 1, 1).toordinal()
_HISTORY_DAYS = 26_000
_RESIDUES = 89
_RENAMED_OF_100 = 3
_FOREIGN_OF_100 = 9


@dataclass(frozen=True)
class Register:
    """Size and habits of one state's register at scale 1.

    at_epoch: companies ever filed by the first day of 2026; a_day: new ones on a working day;
    ending_of_100: how many end sooner or later
    """

    at_epoch: int
    a_day: int
    ending_of_100: int
    seats: int  # its place among the registers, for firms that file in several states


REGISTERS = {
    "FL": Register(98_000, 200, 62, 0),
    "CO": Register(48_000, 48, 64, 1),
    "NY": Register(68_000, 36, 20, 2),
    "OR": Register(44_000, 24, 14, 3),
    "PA": Register(44_000, 24, 14, 4),
    "CT": Register(17_500, 10, 60, 5),
    "IA": Register(17_000, 8, 14, 6),
    "IL": Register(14_000, 8, 40, 7),
}
_FORMS = (
    *(("llc",) * 62), *(("corporation",) * 25), *(("nonprofit",) * 8), *(("partnership",) * 3), "cooperative", "trust",
)  # fmt: skip
_ENDINGS = ("voluntary", "voluntary", "administrative", "administrative", "administrative", "delinquent", "delinquent",
            "merged", "withdrawn", "converted", "revoked", "expired")  # fmt: skip


@dataclass(slots=True)
class Company:
    """One company in one register. Days are ordinals; `ended` and `renamed` are 0 when they never come.

    name is the newest name it will have; `former_name` what it was called before `renamed`.
    """

    state: str
    index: int
    form: str
    name: str
    former_name: str
    home: str
    formed: int
    ended: int
    ending: str
    renamed: int
    seed: int

    @property
    def is_foreign(self) -> bool:
        return self.home != self.state

    def lives(self, on: int) -> bool:
        """Whether it stands on the register as live on a day."""
        return not self.ended or self.ended > on

    def name_on(self, on: int) -> str:
        """What it is called on a day."""
        return self.former_name if self.renamed > on else self.name

    def more(self, subject: str) -> Bits:
        """Chance for what else a register says of it."""
        return Bits(self.seed, self.state, self.index, subject)


@dataclass(frozen=True, slots=True)
class Address:
    """A place in the United States."""

    street: str
    unit: str
    city: str
    state: str
    zip: str


_STREETS = tuple(streets())


def address(bits: Bits, state: str) -> Address:
    """An invented address in a real state."""
    unit = f"{bits.of(('SUITE ', 'STE ', 'UNIT ', 'APT ', '#'))}{1 + bits.below(900)}" if bits.below(4) == 0 else ""
    if bits.below(14) == 0:
        street = f"P.O. BOX {10 + bits.below(9_800)}"
    else:
        street = f"{1 + bits.below(19_000)} {bits.of(('', '', '', 'N ', 'S ', 'E ', 'W ', 'NW '))}{bits.of(_STREETS)}"
    return Address(street, unit, town(bits), state, f"{STATES[state][1]}{bits.below(100):02d}")


class Companies:
    """All registers of one world. `scale` multiplies their sizes. Safe to ask from several threads."""

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self.seed = seed
        self.scale = scale

    @cached_property
    def _sums(self) -> dict[str, list[int]]:
        """State -> companies ever filed by the end of each day from EPOCH on."""
        found = {}
        for state, register in REGISTERS.items():
            days = [self._new_on(state, day) for day in range(EPOCH, _LAST_DAY)]
            days[0] += int(register.at_epoch * self.scale)
            found[state] = list(accumulate(days))
        return found

    def _new_on(self, state: str, day: int) -> int:
        usual = REGISTERS[state].a_day * self.scale * (0.3 if date.fromordinal(day).weekday() > 4 else 1.0)
        return int(usual * (80 + Bits(self.seed, state, "day", day).below(41)) / 100)

    def count(self, state: str, on: int) -> int:
        """Companies filed by the end of a day (ordinal); they are the indices below it."""
        if on >= EPOCH:
            return self._sums[state][min(on, _LAST_DAY - 1) - EPOCH]
        base = int(REGISTERS[state].at_epoch * self.scale)
        return bisect_right(range(base), on, key=lambda index: _historic(index, base))

    def formed(self, state: str, index: int) -> int:
        """Day of filing."""
        base = int(REGISTERS[state].at_epoch * self.scale)
        return _historic(index, base) if index < base else EPOCH + bisect_right(self._sums[state], index)

    def new_on(self, state: str, day: int) -> range:
        """Indices of the companies filed on a day."""
        return range(self.count(state, day - 1), self.count(state, day))

    def changed_on(self, state: str, day: int) -> Iterator[Company]:
        """Companies that ended or were renamed on a day."""
        for index in range(day % _RESIDUES, self.count(state, day - 1), _RESIDUES):
            if day in self._life(state, index)[1:3]:
                yield self.of(state, index)

    def of(self, state: str, index: int) -> Company:
        """One company."""
        shared = (index // 10) % 10 == 7  # files in several states: the same firm, whatever the register
        firm: tuple[object, ...] = ("firm", index // 100 * 10 + index % 10) if shared else (state, index)
        bits = Bits(self.seed, *firm)
        form = bits.of(_FORMS)
        home = bits.of(_HOMES) if shared else state
        name = self._name(bits, form, firm)
        formed, ended, renamed, bits = self._life(state, index)
        if not shared and bits.below(100) < _FOREIGN_OF_100:
            home = bits.of(_HOMES)
        former = company_name(Bits(self.seed, *firm, "former"), form) if renamed else ""
        return Company(state, index, form, name, former, home, formed, ended, bits.of(_ENDINGS), renamed, self.seed)

    def _life(self, state: str, index: int) -> tuple[int, int, int, Bits]:
        """(filed, ended, renamed) as ordinals, 0 for never; and the chance that is left."""
        bits = Bits(self.seed, state, index, "life")
        formed = self.formed(state, index)
        ended = renamed = 0
        if bits.below(100) < REGISTERS[state].ending_of_100:
            ended = _on_residue(formed + 150 + bits.below(4_000) * bits.below(4_000) // 2_000, index)
        if bits.below(100) < _RENAMED_OF_100:
            renamed = _on_residue(formed + 20 + bits.below(3_000), index)
            if ended and renamed >= ended:
                renamed = 0
        return formed, ended, renamed, bits

    def _name(self, bits: Bits, form: str, firm: tuple[object, ...]) -> str:
        """One in fifty is named like the one filed before it, all but a trifle."""
        if bits.below(50) == 0 and isinstance(firm[1], int) and firm[1] > 0:
            before = Bits(self.seed, firm[0], firm[1] - 1)
            kind = before.of(_FORMS)
            if kind == form and before.below(50):
                return _like(bits, stem(before, form)) + (" LLC" if form == "llc" else ", Inc.")
        return company_name(bits, form)


_HOMES = tuple(code for code, row in STATES.items() for _ in range(int(row[3]) // 4 + (30 if code == "DE" else 1)))


def _like(bits: Bits, name: str) -> str:
    """A name that differs by a plural, a slip of the pen, an article, the order of words or `and`."""
    words = name.split()
    turn = bits.below(5)
    if turn == 0:
        words[-1] += "s"
    elif turn == 1 and len(words[0]) > 4:
        words[0] = words[0][:2] + words[0][3:]
    elif turn == 2:
        words.insert(0, "The")
    elif turn == 3:
        words = [*words[1:], words[0]]
    return " ".join(words)


def _historic(index: int, base: int) -> int:
    """Filing day of a company older than EPOCH: more of them the nearer to it."""
    age = 1.0 - (index + 1) / (base + 1)
    return EPOCH - 1 - int(age * age * _HISTORY_DAYS)


def _on_residue(day: int, index: int) -> int:
    return day + (index - day) % _RESIDUES
