"""Places of the invented world: real states and countries, invented cities and streets.

ZIP codes start with digits of the state; area codes stand beside it; every phone number is 555-01xx, which is
reserved for fiction.
"""

from __future__ import annotations

from pw_pipelines.sandbox.streams import Draw, Weighted, between, pick

# state code -> (name as RMD and CORES write it, ZIP prefix, area code, weight by number of carriers)
STATES: dict[str, tuple[str, str, str, float]] = {
    "AL": ("Alabama", "350", "205", 12),
    "AK": ("Alaska", "995", "907", 8),
    "AZ": ("Arizona", "850", "602", 18),
    "AR": ("Arkansas", "720", "501", 14),
    "CA": ("California", "900", "213", 95),
    "CO": ("Colorado", "802", "303", 30),
    "CT": ("Connecticut", "061", "203", 9),
    "DE": ("Delaware", "198", "302", 22),
    "DC": ("District of Columbia", "200", "202", 7),
    "FL": ("Florida", "331", "305", 95),
    "GA": ("Georgia", "303", "404", 38),
    "HI": ("Hawaii", "968", "808", 5),
    "ID": ("Idaho", "837", "208", 14),
    "IL": ("Illinois", "606", "312", 45),
    "IN": ("Indiana", "462", "317", 28),
    "IA": ("Iowa", "503", "515", 58),
    "KS": ("Kansas", "666", "785", 24),
    "KY": ("Kentucky", "402", "502", 18),
    "LA": ("Louisiana", "701", "504", 12),
    "ME": ("Maine", "041", "207", 10),
    "MD": ("Maryland", "212", "410", 16),
    "MA": ("Massachusetts", "021", "617", 18),
    "MI": ("Michigan", "482", "313", 34),
    "MN": ("Minnesota", "554", "612", 46),
    "MS": ("Mississippi", "392", "601", 11),
    "MO": ("Missouri", "641", "816", 30),
    "MT": ("Montana", "596", "406", 14),
    "NE": ("Nebraska", "681", "402", 22),
    "NV": ("Nevada", "891", "702", 22),
    "NH": ("New Hampshire", "031", "603", 6),
    "NJ": ("New Jersey", "071", "201", 34),
    "NM": ("New Mexico", "871", "505", 12),
    "NY": ("New York", "100", "212", 72),
    "NC": ("North Carolina", "276", "919", 26),
    "ND": ("North Dakota", "581", "701", 12),
    "OH": ("Ohio", "441", "216", 36),
    "OK": ("Oklahoma", "731", "405", 24),
    "OR": ("Oregon", "972", "503", 24),
    "PA": ("Pennsylvania", "191", "215", 34),
    "RI": ("Rhode Island", "029", "401", 3),
    "SC": ("South Carolina", "292", "803", 16),
    "SD": ("South Dakota", "571", "605", 18),
    "TN": ("Tennessee", "372", "615", 26),
    "TX": ("Texas", "752", "214", 110),
    "UT": ("Utah", "841", "801", 24),
    "VT": ("Vermont", "056", "802", 6),
    "VA": ("Virginia", "232", "804", 30),
    "WA": ("Washington", "981", "206", 30),
    "WV": ("West Virginia", "253", "304", 9),
    "WI": ("Wisconsin", "532", "414", 40),
    "WY": ("Wyoming", "820", "307", 9),
    "PR": ("Puerto Rico", "009", "787", 6),
    "GU": ("Guam", "969", "671", 2),
    "VI": ("U.S. Virgin Islands", "008", "340", 1),
}
STATE_DRAW = Weighted([(code, row[3]) for code, row in STATES.items()])

# country -> (dialling code, endings of company names, weight)
COUNTRIES: dict[str, tuple[str, tuple[str, ...], float]] = {
    "Canada": ("1", ("Inc.", "Ltd.", "Corp.", "ULC"), 20),
    "United Kingdom": ("44", ("Ltd", "Limited", "PLC", "LLP"), 17),
    "India": ("91", ("Pvt. Ltd.", "Private Limited", "Limited"), 9),
    "Hong Kong": ("852", ("Limited", "(HK) Limited", "Co., Limited"), 9),
    "Singapore": ("65", ("Pte. Ltd.", "PTE LTD"), 7),
    "Mexico": ("52", ("S.A. de C.V.", "S. de R.L. de C.V.", "SAPI de CV"), 8),
    "Germany": ("49", ("GmbH", "AG", "GmbH & Co. KG"), 5),
    "France": ("33", ("SAS", "S.A.", "SARL"), 4),
    "Spain": ("34", ("S.L.", "S.A."), 4),
    "Italy": ("39", ("S.p.A.", "S.r.l."), 3),
    "Estonia": ("372", ("OÜ",), 3),
    "United Arab Emirates": ("971", ("FZE", "DMCC", "FZ-LLC"), 5),
    "Philippines": ("63", ("Inc.", "Corporation"), 3),
    "Colombia": ("57", ("S.A.S.", "S.A. E.S.P."), 4),
    "Costa Rica": ("506", ("S.A.", "S.R.L."), 2),
    "Dominican Republic": ("1809", ("S.A.", "SRL"), 3),
    "Brazil": ("55", ("Ltda.", "S.A."), 4),
    "Australia": ("61", ("Pty Ltd", "PTY LIMITED"), 4),
    "Turkey": ("90", ("A.Ş.", "Ltd. Şti."), 2),
    "Israel": ("972", ("Ltd.",), 3),
    "Bulgaria": ("359", ("EOOD", "AD"), 2),
    "Seychelles": ("248", ("Ltd", "Inc."), 2),
    "Belize": ("501", ("Ltd.", "Limited"), 2),
    "Pakistan": ("92", ("(Pvt) Ltd", "(SMC-Private) Limited"), 3),
    "South Africa": ("27", ("(Pty) Ltd",), 2),
}
COUNTRY_DRAW = Weighted([(name, row[2]) for name, row in COUNTRIES.items()])
USA = "United States of America"

_CITY_HEADS = tuple(
    """Alder Amber Arrow Ash Aspen Badger Bear Bell Birch Bison Bright Brindle Brook Calder Cedar Chalk Clear Clover
    Copper Cotton Crane Cypress Dell Dove Eagle Elder Elk Elm Ember Fair Falcon Fern Flint Fox Frost Garnet Glen Gold
    Granite Gray Green Hark Hart Hawk Hazel Heron High Holly Iron Ivy Juniper Kestrel Lake Larch Lark Laurel Lind Long
    Lynx Maple Marsh Mead Mill Moss New North Oak Ochre Olive Opal Orchard Otter Painted Pearl Pine Plum Prairie Quail
    Quarry Raven Red Reed Ridge Rock Rose Rowan Sage Salt Sand Shell Silver Slate Snow Spring Spruce Stag Star Stone
    Sumac Summer Swan Sycamore Teal Thistle Thorn Timber Vale Walnut West White Wild Willow Winter Wolf Wren
    Yarrow""".split()
)
_CITY_TAILS = tuple(
    """ville ton field burg dale wood brook port ford haven mont crest view bury stead gate moor worth well bridge
    combe hurst shore bluff hollow mere point wick borough grove""".split()
)
_STREET_HEADS = (*_CITY_HEADS, "1st", "2nd", "3rd", "5th", "11th", "Main", "Main", "Main", "Market", "Commerce")
_STREET_TAILS = tuple(
    "Street St St. Avenue Ave Ave. Road Rd Drive Dr Lane Ln Boulevard Blvd Way Parkway Court Highway".split()
)
_FOREIGN_CITIES = tuple(
    """Albor Brenna Caldera Dorsa Estria Fontal Galvia Hestor Islandia Jorvic Kalmer Lunara Mirenz Novara-Sul
    Ostrava-Nord Pelago Quintas Rovenna Sarbruck Tolmez Ubrique Valmora Westhaven Xalapan Ystadt Zenobia Sankt-Ärlen
    Montañera Söderby Łęczna-Nowa""".split()
)


def city(draw: Draw) -> str:
    """An invented town."""
    return pick(draw, _CITY_HEADS) + pick(draw, _CITY_TAILS)


def places() -> list[str]:
    """Every invented town."""
    return [head + tail for head in _CITY_HEADS for tail in _CITY_TAILS]


def streets() -> list[str]:
    """Every invented street, without its number."""
    return [f"{head} {tail}" for head in _STREET_HEADS for tail in _STREET_TAILS]


def street_lines(draw: Draw) -> list[str]:
    """One, two or three lines."""
    if draw() < 0.12:
        lines = [pick(draw, ("P.O. Box ", "PO Box ", "P O BOX ")) + str(between(draw, 11, 9_899))]
    else:
        compass = pick(draw, ("", "", "", "N ", "S. ", "East ", "W "))
        number, head, tail = between(draw, 1, 19_999), pick(draw, _STREET_HEADS), pick(draw, _STREET_TAILS)
        lines = [f"{number} {compass}{head} {tail}"]
    if draw() < 0.3:
        lines.append(pick(draw, ("Suite ", "Ste ", "STE. ", "Floor ", "Unit ", "#")) + str(between(draw, 1, 999)))
    if draw() < 0.03:
        lines.insert(0, pick(draw, ("Attn: Regulatory Affairs", "c/o Registered Office", "Building 4, Dock C")))
    return lines


def zip_code(draw: Draw, state: str) -> str:
    """Five digits that begin as the state's do."""
    return f"{STATES[state][1]}{between(draw, 0, 99):02d}"


def foreign_city(draw: Draw) -> str:
    """An invented town abroad, sometimes with letters outside ASCII."""
    return pick(draw, _FOREIGN_CITIES)


def phone_digits(draw: Draw, state: str | None) -> str:
    """Ten digits, `aaa55501xx`: the range reserved for fiction. No state: a toll-free number."""
    area = STATES[state][2] if state and draw() < 0.8 else pick(draw, ("800", "888", "877", "866", "855"))
    return f"{area}55501{between(draw, 0, 99):02d}"
