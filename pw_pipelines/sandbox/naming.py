"""Invented names: companies, people, mail domains. None is meant to be anybody.

Company names look as the trade's do and are awkward where real ones are: capitals, commas, quotes, ampersands,
accents, leading `@`, 200 characters. Every address of mail is on a reserved top-level domain.
"""

from __future__ import annotations

import re
import unicodedata

from pw_pipelines.sandbox.geography import COUNTRIES, STATES, city
from pw_pipelines.sandbox.streams import Draw, Weighted, between, pick

LEGAL = Weighted(
    (
        (" LLC", 30),
        (", LLC", 22),
        (", Inc.", 20),
        (" Inc", 8),
        (" Corp.", 4),
        (" Corporation", 4),
        (", L.L.C.", 2),
        (" Co.", 2),
        (" Company", 2),
        (", LP", 1.5),
        (", Ltd.", 1.5),
        (" Incorporated", 1),
        ("", 4),
    )
)
_ONSETS = tuple("b br c cl cr d dr f fl g gl gr h j k kl l m n p pl pr qu r s sk sl sn sp st t tr v w x y z".split())
_VOWELS = tuple("a e i o u a e i o ai ea io ou y".split())
_CODAS = ("", "", "", "n", "r", "l", "x", "s", "m", "t", "v", "nd", "rk", "lt")
_COINED_TAILS = tuple(
    """tel com net voice link line wave talk fiber connect call comm sip cast path logic span reach tone dial band
    point bridge stream""".split()
)
ADJECTIVES = tuple(
    """Advanced Allied American Apex Atlantic Beacon Big Blue Bright Capital Cardinal Central Cloud Coastal Compass
    Crystal Delta Digital Direct Eastern Elite Emerald Empire Express First Frontline Gateway Global Golden Grand Great
    Gulf Heartland Heritage High Horizon Independent Inland Integrated Liberty Lightspeed Lone Metro Midland Modern
    Mountain National Next Noble Northern Nova One Open Pacific Paramount Pioneer Precision Premier Prime Pro Rapid
    Regional River Royal Simple Smart Solid Southern Standard Sterling Summit Sunrise Superior Tri Trusted Unified
    United Universal Upper Valley Vertex Vista Western""".split()
)
NOUNS = tuple(
    """Access Alliance Business Carrier City County Data Edge Enterprise Exchange Fiber Harbor Hills Island Lakes Light
    Loop Mesh Office Online Peak Plains Port Prairie Range Ridge River Rock Sky Source Star State Stone Tower Trail
    Trunk Valley Venture View Voice Wire""".split()
)
_TRADE = {
    "voip": ("Voice", "VoIP", "Communications", "Telecom", "Cloud Voice", "Technologies", "Networks", "Hosted PBX"),
    "ilec": ("Telephone", "Rural Telephone", "Mutual Telephone", "Telephone Cooperative", "Tel."),
    "cable": ("Cable", "Cablevision", "Broadband", "Cable TV", "Communications"),
    "wireless": ("Wireless", "Cellular", "PCS", "Mobile", "Paging"),
    "isp": ("Broadband", "Fiber", "Internet", "Wireless Internet", "Online", "Networks", "Connect"),
}
_FIRST = tuple(
    """Ada Alma Arlo Basil Bea Caleb Cora Dara Dell Edda Elio Enid Fern Finn Gail Gus Hale Ida Iris Jory Juno Kit Lars
    Lena Lior Mae Milo Nell Nico Odell Opal Orin Pia Quinn Rhea Roan Sela Silas Tess Tobin Una Vera Wade Wren Yara
    Zane""".split()
)
TITLES = tuple(
    """CEO|CEO|President|President|Owner|Owner|CTO|General Manager|Manager|Director|COO|Vice President|VP of Ops|
    Director, Compliance|Regulatory Manager|Chief Executive Officer|Network Eng & Ops|
    Senior Manager – Product Management|Compliance Officer|Controller""".replace("\n    ", "").split("|")
)
DEPARTMENTS = tuple(
    "Operations|IT|Executive|Management|Administration|Support|Engineering|Legal||Network Operations|Sales|NOC".split(
        "|"
    )
)
FREE_MAIL = ("mailbox.example", "mailbox.example", "mailbox.example", "freemail.example", "post.example")
CONSULTANTS = tuple(
    (name, re.sub(r"[^a-z]+", "", name.lower())[:18] + ".example")
    for name in (
        "Ridgeway Telecom Compliance, LLC",
        "Fjord & Fell Regulatory Services",
        "DocketWorks, Inc.",
        "Lanternfield Law Group PLLC",
        "Carrier Paperwork Partners",
        "Meridian Filings Co.",
        "Stonepath Regulatory Consulting, Inc.",
    )
)
AWKWARD = (
    "@Link Prairie Services, LLC",
    "Ñandú & Söhne Telecom, Inc.",
    "=Equal Access Telephone, Inc.",
    "-1 Degree Voice, LLC",
    '"The Phone Company" of Quarryville, LLC',
    "O'Fallmere & Sons' Telephone Co., Inc., d/b/a O'F Tel",
    "Angle <Bracket> & Ampersand Networks, LLC",
    "NULL ISLAND WIRELESS, LLC",
    "None Such Telephone Company",
    "N/A Networks, Inc.",
    "+1 Voice Corp.",
    "101Talk; Semi, Colon & Comma, LLC",
    "Tab\tand  Blanks Telecom ,Inc. ",
    "Łęczna Øresund Connections LLC",
    "The Very Very Long Consolidated Rural Telephone and Broadband Cooperative Association of the Upper and Lower "
    "Thistlecombe Valley and the Adjoining Townships of Foxborough, Wrenhollow and Starmere, Inc",
)


def syllables() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What invented words are made of: beginnings, middles, ends."""
    return _ONSETS, _VOWELS, _CODAS


def coined(draw: Draw, syllables: int) -> str:
    """An invented word."""
    word = "".join(pick(draw, _ONSETS) + pick(draw, _VOWELS) + pick(draw, _CODAS) for _ in range(syllables))
    return word.capitalize()


def company(draw: Draw, trade: str, state: str) -> str:
    """A company of `trade` (a key of _TRADE) in `state`."""
    chance = draw()
    ending = LEGAL.draw(draw)
    words = _TRADE[trade]
    if trade == "ilec":
        place = city(draw) if chance < 0.8 else f"{pick(draw, ADJECTIVES)} {STATES[state][0]}"
        tail = pick(draw, (" Company", " Co.", " Co., Inc.", ", Inc.", " Association", " COMPANY", ""))
        name = f"{place} {pick(draw, words)}{tail}"
    elif chance < 0.3:
        tail = pick(draw, _COINED_TAILS)
        joined = coined(draw, 1 + (draw() < 0.6)) + (tail if draw() < 0.7 else tail.capitalize())
        name = f"{joined}{f' {pick(draw, words)}' if draw() < 0.35 else ''}{ending}"
    elif chance < 0.55:
        name = f"{pick(draw, ADJECTIVES)} {pick(draw, NOUNS)} {pick(draw, words)}{ending}"
    elif chance < 0.72:
        name = f"{coined(draw, 2)} {pick(draw, words)}{ending}"
    elif chance < 0.84:
        name = f"{city(draw)} {pick(draw, words)}{ending}"
    elif chance < 0.9:
        initials = "".join(chr(65 + between(draw, 0, 25)) for _ in range(3))
        initials = f"{'.'.join(initials)}." if draw() < 0.2 else initials
        name = f"{initials} {pick(draw, words)}{ending}"
    elif chance < 0.95 and trade in ("isp", "cable"):
        where = city(draw)
        name = pick(draw, (f"City of {where}", f"{where} Municipal Utilities", f"{where} Public Utility District"))
    else:
        name = f"{between(draw, 1, 999)}{pick(draw, ('', '-', ' '))}{coined(draw, 1)} {pick(draw, words)}{ending}"
    return name.upper() if draw() < 0.16 else name


def group_stem(draw: Draw) -> str:
    """What the members of a group have in their names: one coined word, or two words."""
    return coined(draw, 2) if draw() < 0.5 else f"{pick(draw, ADJECTIVES)} {pick(draw, NOUNS)}"


def foreign_company(draw: Draw, country: str) -> str:
    """A company outside the United States."""
    ending = pick(draw, COUNTRIES[country][1])
    word = coined(draw, between(draw, 2, 3))
    if draw() < 0.12:
        word = word.replace("a", "á", 1).replace("o", "ö", 1).replace("u", "ü", 1)
    kind = pick(
        draw, ("Telecom", "Comunicaciones", "Communications", "Global Voice", "Carrier Services", "Networks", "Tel")
    )
    name = f"{word} {kind} {ending}"
    return name.upper() if draw() < 0.2 else name


def licensee(draw: Draw) -> str:
    """Someone with an FRN and no duty we check: a radio licensee, a school, a farm."""
    place = city(draw)
    return pick(
        draw,
        (
            f"{place} Volunteer Fire Department",
            f"County of {place}",
            f"{place} Unified School District",
            f"{place} Trucking, Inc.",
            f"{coined(draw, 2)} Farms",
            f"{place} Community Radio Foundation",
            f"{coined(draw, 2)} Marine Salvage LLC",
            f"{coined(draw, 2)} Consulting",
        ),
    )


def person(draw: Draw) -> str:
    """An invented person."""
    middle = f" {chr(65 + between(draw, 0, 25))}." if draw() < 0.12 else ""
    return f"{pick(draw, _FIRST)}{middle} {coined(draw, 2)}"


def domain(name: str) -> str:
    """The company's mail domain, on a reserved top-level domain."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = [
        word for word in re.split(r"[^a-z0-9]+", text) if word not in ("inc", "llc", "the", "co", "corp", "company", "")
    ]
    return ("-".join(words[:3])[:40].strip("-") or "carrier") + ".example"


def variant(draw: Draw, name: str) -> str:
    """`name` as another register writes the same firm: legal form, case, punctuation, an abbreviation or a slip."""
    chance = draw()
    if chance < 0.3:
        return re.sub(r",? (?:Inc\.?|LLC|Incorporated|L\.L\.C\.|Corp\.|Corporation)$", "", name)
    if chance < 0.5:
        return name.upper()
    if chance < 0.65:
        return name.replace("Communications", "Comm.").replace("Telephone", "Tel.").replace("Company", "Co.")
    if chance < 0.8:
        return name.replace(",", "").replace(" and ", " & ")
    if chance < 0.9 and len(name) > 6:
        slip = between(draw, 2, len(name) - 3)
        return name[:slip] + name[slip + 1 :]
    return re.sub(r",? LLC$", ", L.L.C.", re.sub(r",? Inc\.?$", " Incorporated", name))
