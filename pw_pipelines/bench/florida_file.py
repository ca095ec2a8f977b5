"""A Florida corporate file of any size with invented companies, written quickly; and names that stand in it.

Names are made like the real ones' average: one to four words, a third of them common words of business, the rest
from tens of thousands of rare ones, with the designators of the real daily file in their shares.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

RECORD_BYTES = 1_440
AT_ONCE = 5_000
_COMMON = (
    "FLORIDA SUNSHINE COASTAL GULF OCEAN PALM FIRST NATIONAL AMERICAN GLOBAL PREMIER ELITE ROYAL GOLDEN BLUE GREEN "
    "SILVER HOME HOMES REALTY PROPERTIES PROPERTY INVESTMENTS INVESTMENT HOLDINGS GROUP SERVICES SERVICE SOLUTIONS "
    "CONSULTING MANAGEMENT ENTERPRISES CONSTRUCTION CLEANING TRANSPORT TRUCKING LOGISTICS MEDICAL HEALTH CARE DENTAL "
    "PLUMBING ELECTRIC ROOFING LANDSCAPING PAINTING AUTO MOTORS MARINE TRAVEL FOODS KITCHEN CAFE STUDIO DESIGN DESIGNS "
    "MEDIA DIGITAL TECH SYSTEMS NETWORK CAPITAL VENTURES PARTNERS ASSOCIATES INTERNATIONAL TRADING IMPORTS ART THE OF "
    "AND & SONS BROTHERS FAMILY BEAUTY SALON FITNESS ACADEMY LEARNING CENTER NORTH SOUTH EAST WEST BAY LAKE RIVER 1 2"
).split()
_DESIGNATORS = [", LLC"] * 30 + [" LLC"] * 48 + [" INC."] * 8 + [" INC"] * 6 + [" CORP"] * 6 + [",LLC", " P.A.", " CO."]
_TYPES = {"L": b"FLAL", "P": b"DOMP"}


def _rare(rng: random.Random, count: int) -> list[str]:
    heads = [
        a + b for a in "B BR C CH D DR F FL G GR H J K KR L M N P PR R S SH ST T TR V W Z".split() for b in "AEIOU"
    ]
    tails = ["N", "R", "S", "L", "M", "T", "ND", "RT", "LL", "SS", "CK", "NT", "X", "", "", "Z"]
    return [
        "".join(rng.choice(heads) for _ in range(rng.choice((1, 2, 2, 2, 3)))) + rng.choice(tails) for _ in range(count)
    ]


class Companies:
    """`count` invented companies, the same for the same seed."""

    def __init__(self, count: int, *, seed: int = 1) -> None:
        self.count = count
        self._seed = seed
        rng = random.Random(seed)  # noqa: S311
        self._rare = _rare(rng, 60_000)

    def names(self, start: int, stop: int) -> list[str]:
        """Names of the companies from `start` to before `stop`; both are multiples of AT_ONCE, or the end."""
        rng = random.Random(self._seed * 1_000_003 + start)  # noqa: S311
        pick, rare, common = rng.random, self._rare, _COMMON
        rares, commons, ends = len(rare), len(common), len(_DESIGNATORS)
        made = []
        for _ in range(stop - start):
            words = [rare[int(pick() * pick() * rares)]]  # some rare words are less rare
            for _ in range(int(pick() * 3.4)):
                words.append(common[int(pick() * commons)] if pick() < 0.55 else rare[int(pick() * rares)])
            made.append(" ".join(words) + _DESIGNATORS[int(pick() * ends)])
        return made

    def blocks(self, *, edition: int = 0) -> Iterator[bytes]:
        """The file's bytes. Another `edition` has another hundredth of the records inactive."""
        rng = random.Random(self._seed + edition)  # noqa: S311
        tails = [_tail(rng) for _ in range(500)]
        for start in range(0, self.count, AT_ONCE):
            stop = min(start + AT_ONCE, self.count)
            lines = []
            for number, name in enumerate(self.names(start, stop), start=start):
                kind = b"P" if name[-1] != "C" else b"L"
                status = b"I" if (number * 7 + edition) % 100 == 0 else b"A"
                head = b"%b%011d%b%b%-15b" % (kind, number, name.encode().ljust(192), status, _TYPES[kind.decode()])
                lines.append(head + tails[number % 500])
            yield b"".join(lines)

    def write(self, path: Path, *, edition: int = 0) -> Path:
        """The whole file at `path`."""
        with path.open("wb", buffering=0) as sink:
            for block in self.blocks(edition=edition):
                sink.write(block)
        return path


def _tail(rng: random.Random) -> bytes:
    """Everything after the type: addresses, dates, an agent and an officer, and the line end."""
    cells = bytearray(b" " * (RECORD_BYTES - 220))
    street = f"{rng.randint(1, 9999)} {rng.choice(_COMMON)} AVENUE"
    for start, text in (
        (221, street), (305, rng.choice(("TAMPA", "MIAMI", "ORLANDO", "NAPLES", "OCALA"))), (333, "FL"),
        (335, f"{rng.randint(32000, 34999)}"), (347, street), (431, "TAMPA"), (459, "FL"), (461, "33601"), (471, "US"),
        (473, f"{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(1990, 2026)}"), (495, "N"),
        (496, f"{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(2010, 2026)}"), (504, "FL"),
        (545, "INVENTED AGENT"), (669, "MGR PINVENTED OFFICER"),
    ):  # fmt: skip
        cells[start - 221 : start - 221 + len(text)] = text.encode()
    return bytes(cells) + b"\r\n"
