"""What is matched by name, read from the copies in force: carriers' names, filings, filers without an FRN.

The choice of copies is the one of dbt_models/models/staging/stg_snapshots.sql.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, cast

from psycopg import Connection

from pw_pipelines import names
from pw_pipelines.compliance.calendar import due_in

# Words of the trade: alone they name nobody.
TRADE_WORDS = frozenset(
    """communications communication telephone telecom telecommunications wireless network networks services service
    broadband internet cable cablevision digital data systems solutions technologies technology cellular mobile
    voip voice fiber tel comm comms telco telephony net online connect group holding holdings enterprises company
    corp corporation incorporated limited co inc llc ltd lp cooperative coop association certification certificate
    compliance statement annual cpni report filing attachment letter signed final exhibit carrier pcs paging hosted pbx
    cloud lec clec ilec
    tv rural mutual international usa us of the and""".split()
)
# Words that say what a document is, not whose.
DOCUMENT_WORDS = frozenset(
    """cpni certification certificate certifications compliance statement annual report filing attachment letter signed
    final exhibit erratum errata corrected amended supplement redacted public version copy docket eb calendar year for
    fcc form officer accompanying""".split()
)
DISTINCTIVE_LETTERS = 6
# Abbreviations one register writes out and another does not.
_SPELLED = {
    "tel": "telephone", "telco": "telephone", "telecom": "telecommunications", "comm": "communications",
    "comms": "communications", "communication": "communications", "svc": "services", "svcs": "services",
    "service": "services", "tech": "technologies", "technology": "technologies", "sys": "systems", "system": "systems",
    "network": "networks", "coop": "cooperative", "assn": "association", "intl": "international", "natl": "national",
    "mgmt": "management", "co": "company", "corp": "corporation", "grp": "group", "st": "saint", "mt": "mount",
    "cnty": "county", "ft": "fort",
}  # fmt: skip
_NO_HOLDING = frozenset(("none", "n a", "na", "same", "self", "not applicable", "unknown", "same as above"))
_ENDING = re.compile(r"\.[A-Za-z]{3,4}$")  # of a file name; "Acme Co. Inc" has none
_YEAR = re.compile(r"(?:cy|fy)\d\d(?:\d\d)?")
_SLIPPABLE = 6  # letters of a word of the trade that is known again with one slip in it

_USABLE = """
    usable as (
        select snapshot_id, source, as_of, fetched_at, grade
        from pw.snapshots
        where grade in ('complete', 'partial') and recalled_at is null and loaded_at is not null and as_of <= %(on)s
    ),
    in_force as (
        select u.* from usable u
        where not exists (select from usable w where w.source = u.source and w.grade = 'complete'
                          and (w.as_of, w.fetched_at, w.snapshot_id) > (u.as_of, u.fetched_at, u.snapshot_id))
    )"""


@dataclass(frozen=True)
class CarrierName:
    """One name of one carrier. kind: `own` (legal, trade, former) or `holding` (its holding company's)."""

    frn: str
    text: str
    key: str
    kind: str
    source: str
    snapshot_id: str


@dataclass
class CarrierNames:
    """All names of all carriers. `active`: FRNs with an active Form 499 registration.

    by_letters: by key without blanks (`T_D_E_Cable`, T.D.E. Cable). groups: FRN -> what it shares with its affiliates,
    a holding company's key or an RMD filing that names them.
    """

    by_key: dict[str, list[CarrierName]] = field(default_factory=lambda: defaultdict(list))
    by_letters: dict[str, list[CarrierName]] = field(default_factory=lambda: defaultdict(list))
    all: list[CarrierName] = field(default_factory=list)
    own: list[CarrierName] = field(default_factory=list)
    frns: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    groups: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, name: CarrierName) -> None:
        """Takes one name, and those around a `d/b/a` in it; one without letters or digits is none."""
        self.frns.add(name.frn)
        for text in names.aliases(name.text):
            alias = name if text == name.text else replace(name, text=text, key=names.key(text))
            if alias.key and (alias is name or names_somebody(alias.key)):
                self._add(alias)
        if name.kind == "holding" and names_somebody(name.key) and name.key not in _NO_HOLDING:
            self.groups[name.frn].add(name.key)

    def _add(self, name: CarrierName) -> None:
        self.by_key[name.key].append(name)
        self.by_letters[name.key.replace(" ", "")].append(name)
        self.all.append(name)
        if name.kind == "own":
            self.own.append(name)


@dataclass(frozen=True)
class Filing:
    """One record without an FRN: names in it, and what its documents are called. received_on: Eastern."""

    id_submission: str
    names: tuple[str, ...]
    documents: tuple[str, ...]
    snapshot_id: str
    received_on: date | None = None


def is_distinctive(word: str) -> bool:
    """Whether one word alone can be looked for in a file name."""
    return len(word) >= DISTINCTIVE_LETTERS and word not in TRADE_WORDS and not word.isdigit()


@lru_cache(maxsize=100_000)
def is_trade(word: str) -> bool:
    """Whether a word is one of the trade: itself, two of them run together, or one with a slip of the pen."""
    if word in TRADE_WORDS:
        return True
    if any(word[:cut] in TRADE_WORDS and word[cut:] in TRADE_WORDS for cut in range(2, len(word) - 1)):
        return True
    if len(word) < _SLIPPABLE - 1:
        return False
    from rapidfuzz.distance import OSA

    return any(
        len(known) >= _SLIPPABLE and OSA.distance(word, known, score_cutoff=1) <= 1
        for known in TRADE_WORDS
        if abs(len(known) - len(word)) <= 1
    )


def names_somebody(key: str) -> bool:
    """Whether some word of a key is not of the trade."""
    return not all(word in TRADE_WORDS for word in key.split())


def spelled(key: str) -> str:
    """A key with the usual abbreviations written out."""
    return " ".join(_SPELLED.get(word, word) for word in key.split())


def document_name(document: str) -> str:
    """The name in a document's file name: without its ending, years, and the words that say what it is."""
    words = names.plain(_stem(document)).split()
    return " ".join(
        word for word in words if word not in DOCUMENT_WORDS and not word.isdigit() and not _YEAR.fullmatch(word)
    )


def document_words(document: str) -> list[str]:
    """The words of a document's file name."""
    return names.plain(_stem(document)).split()


def _stem(document: str) -> str:
    return _ENDING.sub("", document)


def in_force(connection: Connection[dict[str, object]], on: date) -> list[str]:
    """Snapshots whose rows are matched on day `on`, sorted."""
    rows = connection.execute(
        f"""with {_USABLE}
            select snapshot_id from in_force where source in ('fcc_rmd', 'fcc_form499', 'fcc_cpni') order by 1""",
        {"on": on},
    )
    return [str(row["snapshot_id"]) for row in rows]


def filings_since(connection: Connection[dict[str, object]], on: date) -> date | None:
    """1 January of the year whose certification can be judged on day `on`; None while there is no docket copy."""
    row = connection.execute(
        f"with {_USABLE} select max(as_of) as as_of from in_force where source = 'fcc_cpni'", {"on": on}
    ).fetchone()
    newest = cast(date | None, row and row["as_of"])
    if newest is None:
        return None
    for year in (newest.year, newest.year - 1):
        if due_in("cpni", year)[-1].late_after < newest:
            return date(year, 1, 1)
    raise AssertionError("the due date of last year is past")  # it falls in March


def read_filings(connection: Connection[dict[str, object]], on: date, since: date) -> list[Filing]:
    """Filings of the docket received from `since` on, as any usable copy shows them: once received, always received."""
    rows = connection.execute(
        f"""with {_USABLE}
            select distinct on (f.id_submission) f.id_submission, f.filer_names, f.document_names, f.snapshot_id,
                   f.received_on_et
            from core.fcc_cpni_filings f join usable u using (snapshot_id)
            where f.received_on_et >= %(since)s
            order by f.id_submission, u.as_of desc, u.fetched_at desc""",
        {"on": on, "since": since},
    )
    return [_filing(row, "id_submission", "filer_names", "document_names") for row in rows]


def read_filers(connection: Connection[dict[str, object]], on: date) -> tuple[list[Filing], list[Filing]]:
    """Active Form 499 filers with their own names: those that state no FRN, and those that do."""
    rows = connection.execute(
        f"""with {_USABLE}
            select distinct on (f.filer_id) f.filer_id, f.frn,
                   array_remove(array[f.legal_name, f.doing_business_as] || f.other_names, null) as names,
                   '{{}}'::text[] as documents, f.snapshot_id
            from core.fcc_form499_filers f join in_force u using (snapshot_id)
            where f.is_active
            order by f.filer_id, u.as_of desc, u.fetched_at desc""",
        {"on": on},
    ).fetchall()
    without = [_filing(row, "filer_id", "names", "documents") for row in rows if row["frn"] is None]
    return without, [_filing(row, "filer_id", "names", "documents") for row in rows if row["frn"] is not None]


def read_carriers(connection: Connection[dict[str, object]], on: date) -> CarrierNames:
    """Every name of every carrier in the RMD, Form 499, the broadband data and CORES."""
    rows = connection.execute(
        f"""with {_USABLE},
            edition as (  -- the broadband data's latest edition: the copy with the latest vintage
                select s.snapshot_id from pw.snapshots s join usable using (snapshot_id)
                where s.source = 'fcc_bdc' and s.vintage ~ '^[JD]\\d\\d'
                order by substr(s.vintage, 2, 2) desc, left(s.vintage, 1), s.as_of desc limit 1
            ),
            rmd as (select f.* from core.fcc_rmd_filings f join in_force using (snapshot_id) where f.frn is not null),
            filers as (
                select f.* from core.fcc_form499_filers f join in_force using (snapshot_id) where f.frn is not null
            ),
            earlier as (  -- a filing of March carries the name of March: one whole copy a month of the last two years
                select distinct on (source, date_trunc('month', as_of)) source, snapshot_id from usable
                where source in ('fcc_rmd', 'fcc_form499') and grade = 'complete'
                  and as_of > %(on)s - interval '2 years'
                order by source, date_trunc('month', as_of), as_of, fetched_at
            ),
            former as (
                select f.frn, f.business_name as text, f.name_key as key, e.source, e.snapshot_id
                from core.fcc_rmd_filings f join earlier e using (snapshot_id)
                union all
                select f.frn, f.legal_name, f.name_key, e.source, e.snapshot_id
                from core.fcc_form499_filers f join earlier e using (snapshot_id)
                union all
                select f.frn, f.doing_business_as, null, e.source, e.snapshot_id
                from core.fcc_form499_filers f join earlier e using (snapshot_id)
            ),
            cores as (
                select distinct on (r.frn) r.* from core.fcc_cores_registrations r join usable u using (snapshot_id)
                order by r.frn, u.as_of desc, u.fetched_at desc
            )
            select frn, business_name as text, name_key as key, 'own' as kind, 'fcc_rmd' as source, snapshot_id,
                   false as active from rmd
            union all
            select frn, unnest(other_names), null, 'own', 'fcc_rmd', snapshot_id, false from rmd
            union all
            select frn, legal_name, name_key, 'own', 'fcc_form499', snapshot_id, is_active from filers
            union all
            select frn, doing_business_as, null, 'own', 'fcc_form499', snapshot_id, false from filers
            where doing_business_as is not null
            union all
            select frn, unnest(other_names), null, 'own', 'fcc_form499', snapshot_id, false from filers
            union all
            select frn, holding_company, holding_company_key, 'holding', 'fcc_form499', snapshot_id, false from filers
            where holding_company_key <> ''
            union all
            select frn, holding_company, holding_company_key, 'holding', 'fcc_bdc', snapshot_id, false
            from core.fcc_bdc_providers join edition using (snapshot_id) where holding_company_key <> ''
            union all
            select frn, entity_name, name_key, 'own', 'fcc_cores', snapshot_id, false from cores
            where is_found and name_key <> ''
            union all
            (select distinct on (frn, text) frn, text, key, 'own', source, snapshot_id, false from former
             where frn is not null and text is not null order by frn, text, snapshot_id desc)""",
        {"on": on},
    )
    carriers = CarrierNames()
    seen: set[tuple[str, str, str, bool]] = set()
    for row in rows:
        values: dict[str, Any] = row
        text = values["text"] or ""
        key = values["key"] if values["key"] is not None else names.key(text)
        same = values["frn"], text, values["kind"], values["source"] == "fcc_form499"
        if same not in seen:
            seen.add(same)
            carriers.add(CarrierName(values["frn"], text, key, values["kind"], values["source"], values["snapshot_id"]))
        if values["active"]:
            carriers.active.add(values["frn"])
    for frn, filing in _rmd_affiliates(connection, on):
        carriers.groups[frn].add(filing)
    return carriers


def _rmd_affiliates(connection: Connection[dict[str, object]], on: date) -> Iterator[tuple[str, str]]:
    """(FRN, RMD filing) of everybody in a filing that names affiliates, the filer included."""
    rows = connection.execute(
        f"""with {_USABLE}
            select f.number, f.frn, f.other_frns from core.fcc_rmd_filings f join in_force using (snapshot_id)
            where f.frn is not null and f.other_frns <> '{{}}'""",
        {"on": on},
    )
    for row in rows:
        values: dict[str, Any] = row
        for frn in (values["frn"], *values["other_frns"]):
            yield frn, f"RMD {values['number']}"


def _filing(row: dict[str, Any], identity: str, named: str, documents: str) -> Filing:
    return Filing(
        row[identity], tuple(row[named]), tuple(row[documents]), row["snapshot_id"], row.get("received_on_et")
    )
