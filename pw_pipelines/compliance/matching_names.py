"""What is matched by name, read from the copies in force: carriers' names, filings, filers without an FRN.

The choice of copies is the one of dbt_models/models/staging/stg_snapshots.sql.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from psycopg import Connection

from pw_pipelines import names
from pw_pipelines.compliance.calendar import due_in

# Words of the trade: alone they name nobody.
TRADE_WORDS = frozenset(
    """communications communication telephone telecom telecommunications wireless network networks services service
    broadband internet cable cablevision digital data systems solutions technologies technology cellular mobile
    voip voice fiber tel comm comms telco telephony net online connect group holdings enterprises company corp
    inc llc cooperative association certification certificate compliance statement annual cpni report filing
    attachment letter signed final exhibit carrier""".split()
)
DISTINCTIVE_LETTERS = 6

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
    """All names of all carriers. `active`: FRNs with an active Form 499 registration."""

    by_key: dict[str, list[CarrierName]] = field(default_factory=lambda: defaultdict(list))
    own: list[CarrierName] = field(default_factory=list)
    frns: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)

    def add(self, name: CarrierName) -> None:
        """Takes one name; one without letters or digits is none."""
        self.frns.add(name.frn)
        if name.key:
            self.by_key[name.key].append(name)
            if name.kind == "own":
                self.own.append(name)


@dataclass(frozen=True)
class Filing:
    """One record without an FRN: names in it, and what its documents are called."""

    id_submission: str
    names: tuple[str, ...]
    documents: tuple[str, ...]
    snapshot_id: str


def is_distinctive(word: str) -> bool:
    """Whether one word alone can be looked for in a file name."""
    return len(word) >= DISTINCTIVE_LETTERS and word not in TRADE_WORDS and not word.isdigit()


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
            select distinct on (f.id_submission) f.id_submission, f.filer_names, f.document_names, f.snapshot_id
            from core.fcc_cpni_filings f join usable u using (snapshot_id)
            where f.received_on_et >= %(since)s
            order by f.id_submission, u.as_of desc, u.fetched_at desc""",
        {"on": on, "since": since},
    )
    return [_filing(row, "id_submission", "filer_names", "document_names") for row in rows]


def read_filers_without_frn(connection: Connection[dict[str, object]], on: date) -> list[Filing]:
    """Active Form 499 filers that state no FRN, with their own names."""
    rows = connection.execute(
        f"""with {_USABLE}
            select distinct on (f.filer_id) f.filer_id,
                   array_remove(array[f.legal_name, f.doing_business_as] || f.other_names, null) as names,
                   '{{}}'::text[] as documents, f.snapshot_id
            from core.fcc_form499_filers f join in_force u using (snapshot_id)
            where f.frn is null and f.is_active
            order by f.filer_id, u.as_of desc, u.fetched_at desc""",
        {"on": on},
    )
    return [_filing(row, "filer_id", "names", "documents") for row in rows]


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
            where is_found and name_key <> ''""",
        {"on": on},
    )
    carriers = CarrierNames()
    for row in rows:
        values: dict[str, Any] = row
        text = values["text"] or ""
        key = values["key"] if values["key"] is not None else names.key(text)
        carriers.add(CarrierName(values["frn"], text, key, values["kind"], values["source"], values["snapshot_id"]))
        if values["active"]:
            carriers.active.add(values["frn"])
    return carriers


def _filing(row: dict[str, Any], identity: str, named: str, documents: str) -> Filing:
    return Filing(row[identity], tuple(row[named]), tuple(row[documents]), row["snapshot_id"])
