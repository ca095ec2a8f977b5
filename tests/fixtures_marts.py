"""Fixtures of warehouses with rows in them: rows written by hand, and a small world of carriers judged once.

`given_*` write what the road of a snapshot would have written, without raw bytes. `judged` is a warehouse with
every carrier of tests/dbt/scenarios.py, built once per run; `judged_copy` is a copy of it a test may change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from pw_pipelines import names
from pw_pipelines.db.connection import Database, create_databases, migrate
from pw_pipelines.db.embedded import Server

if TYPE_CHECKING:
    from pw_pipelines.compliance.dbt_run import NodeResult

JUDGED = "template_judged"
NOON = time(16, tzinfo=UTC)  # noon in New York, summer


def given_snapshot(
    db: Database,
    source: str,
    as_of: date,
    *,
    vintage: str | None = None,
    layout: str | None = None,
    grade: str = "complete",
    proves_absence: bool = True,
    digest_of: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """One loaded copy in pw.snapshots; returns its id. `digest_of`: text whose SHA-256 stands for the bytes."""
    digest = hashlib.sha256((digest_of or f"{source} {as_of} {vintage}").encode()).hexdigest()
    snapshot_id = f"{source}-{as_of:%Y%m%d}-{vintage or ''}{digest[:8]}"
    moment = datetime.combine(as_of, NOON)
    with db.connect() as connection:
        connection.execute(
            """insert into pw.snapshots
                 (snapshot_id, source, as_of, vintage, fetched_at, origin, raw_digest, size_bytes, media_type, layout,
                  rows, grade, proves_absence, facts, graded_at, loaded_at)
               values (%s, %s, %s, %s, %s, 'fetched', %s, 1, 'text/plain', %s, 0, %s, %s, %s, %s, %s)""",
            (
                snapshot_id, source, as_of, vintage, moment, digest, layout, grade, proves_absence,
                Jsonb(dict(facts or {})), moment, None if grade == "rejected" else moment,
            ),
        )  # fmt: skip
    return snapshot_id


def given_rows(db: Database, table: str, snapshot_id: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of `core.<table>` under one snapshot, and of core.fcc_rmd_presence where it is the RMD's."""
    with db.connect() as connection, connection.cursor() as cursor:
        for row in rows:
            columns = ["snapshot_id", *row]
            cursor.execute(
                f"insert into core.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
                [snapshot_id, *row.values()],
            )
            if table == "fcc_rmd_filings":
                cursor.execute(
                    """insert into core.fcc_rmd_presence (snapshot_id, number, frn, business_name, name_key)
                       values (%s, %s, %s, %s, %s)""",
                    (snapshot_id, row["number"], row["frn"], row["business_name"], row["name_key"]),
                )


def rmd_filing(number: str, frn: str | None, name: str | None, **changes: Any) -> dict[str, Any]:
    """A filing recertified in time, with nothing to find fault with, unless `changes` say otherwise."""
    row: dict[str, Any] = {
        "number": number,
        "frn": frn,
        "business_name": name,
        "name_key": names.key(name),
        "business_address": "1 Example St\nSpringfield IL 62701",
        "is_foreign": False,
        "country": "United States of America",
        "other_frns": [],
        "other_frns_text": None,
        "other_names": [],
        "contact_name": "Pat Example",
        "contact_title": None,
        "contact_address": "1 Example St\nSpringfield IL 62701",
        "contact_phone": "2025550100",
        "implementation": "complete",
        "implementation_text": "Complete STIR/SHAKEN Implementation",
        "is_voice": True,
        "is_gateway": False,
        "is_intermediate": False,
        "last_updated_on": date(2026, 2, 17),
        "last_recertified_on": date(2026, 2, 17),
        "filing_url": "https://rmd.example/filing",
    } | changes
    row["other_name_keys"] = [names.key(other) for other in row["other_names"]]
    return row


def form499_filer(filer_id: str, frn: str | None, name: str, **changes: Any) -> dict[str, Any]:
    """An active filer, current as of 1 April 2026, with an agent in the District, unless `changes` say otherwise."""
    row: dict[str, Any] = {
        "filer_id": filer_id,
        "frn": frn,
        "legal_name": name,
        "name_key": names.key(name),
        "other_names": [],
        "holding_company": None,
        "comm_type": "VOIP",
        "registration_current_as_of": date(2026, 4, 1),
        "started_on": date(2015, 6, 1),
        "ended_on": None,
        "end_reason": None,
        "is_active": True,
        "is_usf_contributor": True,
        "replaced_by_filer_id": None,
        "is_consolidated": False,
        "hq_state": "IL",
        "dc_agent": "Example Agents",
        "dc_agent_email": f"agent-{filer_id}@agents.example",
        "dc_agent_city": "Washington",
        "dc_agent_state": "DC",
        "alternate_agent_email": None,
        "jurisdictions": ["illinois"],
        "notes": [],
    } | changes
    row["other_name_keys"] = [names.key(other) for other in row["other_names"]]
    row["holding_company_key"] = names.key(row["holding_company"])
    return row


def cpni_filing(id_submission: str, filers: Iterable[str], received_on: date, **changes: Any) -> dict[str, Any]:
    """A filing of docket 06-36 received on an Eastern day."""
    named = list(filers)
    return {
        "id_submission": id_submission,
        "received_at": datetime.combine(received_on, NOON),
        "received_on_et": received_on,
        "filer_names": named,
        "filer_keys": [names.key(name) for name in named],
        "document_names": ["CPNI Certification.pdf"],
    } | changes


def bdc_provider(frn: str, provider_id: str, holding: str) -> dict[str, Any]:
    """An FRN in one edition of the broadband data."""
    return {
        "frn": frn,
        "provider_id": provider_id,
        "holding_company": holding,
        "holding_company_key": names.key(holding),
    }


def cores_page(frn: str, name: str | None, **changes: Any) -> dict[str, Any]:
    """A look-up of one FRN; no name: the page was empty."""
    return {
        "frn": frn,
        "is_found": name is not None,
        "entity_name": name,
        "name_key": names.key(name),
        "contact_name": "Pat Example" if name else None,
        "contact_email": f"Contact-{frn}@carriers.example" if name else None,
    } | changes


@dataclass(frozen=True)
class Judged:
    """A warehouse whose marts are built."""

    db: Database

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of one query."""
        with self.db.connect() as connection:
            return [dict(row) for row in connection.execute(query, values)]

    def findings(self, frn: str) -> dict[str, dict[str, Any]]:
        """code -> finding of one carrier."""
        return {row["code"]: row for row in self.rows("select * from marts.findings where frn = %s", frn)}

    def codes(self, frn: str) -> set[str]:
        """Codes of one carrier's findings."""
        return set(self.findings(frn))

    def held(self, frn: str) -> dict[str, str]:
        """code -> why nothing was said."""
        return {row["code"]: row["why"] for row in self.rows("select * from marts.held where frn = %s", frn)}

    def questions(self, frn: str) -> dict[str, str]:
        """code -> text."""
        return {row["code"]: row["text"] for row in self.rows("select * from marts.questions where frn = %s", frn)}


@pytest.fixture(scope="session")
def dbt_folder(shared_folder: Path) -> Path:
    """Where dbt keeps its files in this run; parsed once, used by every build."""
    return shared_folder / "dbt"


UNTESTED = ("--exclude-resource-type", "test")


@pytest.fixture
def without_dbt_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds without dbt's own tests, a third of their time: the scenarios' build and the whole world's run them."""
    monkeypatch.setattr("pw_pipelines.compliance.dbt_run.TESTED", UNTESTED)


@pytest.fixture(scope="session")
def judged_template(postgres: Server, shared_folder: Path, dbt_folder: Path) -> str:
    """Name of a database with every scenario, built once for all workers."""
    from pw_pipelines.compliance.marts import build
    from tests.conftest import exclusively
    from tests.dbt import scenarios

    scenarios.cast()
    with exclusively(shared_folder / "judged.lock"):
        ready = shared_folder / "judged.ready"
        if not ready.exists():
            create_databases(postgres.url("postgres"), (JUDGED,))
            migrate(postgres.url(JUDGED))
            db = Database(postgres.url(JUDGED))
            scenarios.write(db)
            heard: list[NodeResult] = []
            build(db, as_of=scenarios.TODAY, now=scenarios.NOW, work_folder=dbt_folder, on_node=heard.append)
            ready.write_text(json.dumps([asdict(node) for node in heard]))
    return JUDGED


@pytest.fixture(scope="session")
def judged_nodes(judged_template: str, shared_folder: Path) -> list[NodeResult]:
    """What was heard of each model and test while the scenarios were judged."""
    from pw_pipelines.compliance.dbt_run import NodeResult

    return [NodeResult(**node) for node in json.loads((shared_folder / "judged.ready").read_text())]


@pytest.fixture(scope="session")
def judged(judged_template: str, clone_database: Callable[[str], str]) -> Judged:
    """The scenarios, judged. To be read only."""
    return Judged(Database(clone_database(judged_template)))


@pytest.fixture
def judged_copy(judged_template: str, clone_database: Callable[[str], str]) -> Judged:
    """A copy of the judged scenarios that a test may change."""
    return Judged(Database(clone_database(judged_template)))
