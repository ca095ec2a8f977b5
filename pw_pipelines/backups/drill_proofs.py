"""What a restored house must show: the business facts of the dump's moment, then, with the journal, those of now."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pw_pipelines.backups import facts
from pw_pipelines.backups.drill_model import Checks
from pw_pipelines.backups.drill_restore import MARIADB, ObjectsRestored
from pw_pipelines.backups.scratch_mariadb import ScratchMariadb
from pw_pipelines.commerce.ledger_agree import compare
from pw_pipelines.commerce.order_states import order_states
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings

SHOWN = 8  # of many, by name
MOST_CUSTODY = 200  # filed items whose evidence file is made anew, newest first
Connection = psycopg.Connection[dict[str, Any]]


def connect(url: str) -> Connection:
    """A connection to a restored database, rows as dictionaries."""
    return psycopg.connect(url, row_factory=dict_row, application_name="pw backup drill", options="-c timezone=UTC")


def the_dumps_moment(checks: Checks, restored: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """The restored database, before the journal, against the facts that were collected in the dump's own snapshot."""
    wrong = []
    for name, said in stored["tables"].items():
        found = restored["tables"].get(name)
        if found is None:
            wrong.append(f"{name} is not there.")
        elif found["rows"] != said["rows"]:
            wrong.append(f"{name} has {found['rows']:,} rows, {said['rows']:,} were dumped.")
        elif found != said:
            wrong.append(f"{name} has its {said['rows']:,} rows, but not with the same content.")
    rows = sum(one["rows"] for one in stored["tables"].values())
    digested = sum("digest" in one for one in stored["tables"].values())
    checks.add("rows and digests", _some(wrong),
               f"{len(stored['tables'])} tables, {rows:,} rows as dumped; {digested} of them by content.")  # fmt: skip
    _same(checks, "paid orders of the dump", "number", restored["paid_orders"], stored["paid_orders"])
    _same(checks, "filed items of the dump", "item", restored["filed_items"], stored["filed_items"])
    checks.add(
        "ledger of the dump",
        ""
        if restored["ledger"] == stored["ledger"]
        else f"It adds up to {restored['ledger']}, not {stored['ledger']}.",
        "The money ledger adds up to " + (_sums(stored["ledger"]) or "nothing: no money has moved") + ".",
    )
    same = restored["opt_outs"] == stored["opt_outs"]
    checks.add("opt-outs", "" if same else "Addresses that must not be written to are not the ones that were dumped.",
               f"{stored['opt_outs']['rows']} addresses that must never be written to.")  # fmt: skip


def _same(checks: Checks, name: str, key: str, found: list[dict[str, Any]], said: list[dict[str, Any]]) -> None:
    there, wanted = ({one[key]: one for one in rows} for rows in (found, said))
    wrong = [f"{one} is missing." for one in wanted if one not in there]
    wrong += [f"{one} is not as it was." for one in wanted if one in there and there[one] != wanted[one]]
    wrong += [f"{one} was not there." for one in there if one not in wanted]
    checks.add(name, _some(wrong), f"All {len(wanted)} are there, each as it was.")


def money(checks: Checks, connection: Connection, settings: Settings) -> None:
    """Ledger and orders agree on the restored database, read from the raw bytes of the providers' events."""
    agreement = compare(connection, ground_of(settings))
    checks.add("ledger is the events", _some(list(agreement.differences)),
               f"{agreement.events:,} events read again, {agreement.entries:,} entries agree to the cent.")  # fmt: skip
    states = order_states(connection)
    checks.add(
        "ledger and orders agree", [one.sentence for one in states if not one.is_whole],
        "; ".join(one.sentence for one in states) or "No order is paid yet.",
    )  # fmt: skip


# When each object of a filed item came to be, on the project's clock: newer ones can't be in an older set.
_SINCE = """
    select digest, min(since) as since from (
        select d.docx_digest as digest, d.made_at as since from pw.item_documents d
        union all select d.pdf_digest, d.made_at from pw.item_documents d
        union all select d.signed_digest, coalesce((select max(e.at) from pw.signature_events e
            where e.item_id = d.item_id and e.type = 'sealed'), d.made_at) from pw.item_documents d
        union all select e.digest, e.at from pw.evidence e
    ) each where digest is not null group by digest
"""


def documents(
    checks: Checks, connection: Connection, restored: ObjectsRestored, captured_at: datetime
) -> dict[str, Any]:
    """Every filed item's documents present by digest, and readable. captured_at: of the objects' set."""
    wanted = facts.objects_of_filed_items(connection)
    since = {str(row["digest"]): row["since"] for row in connection.execute(_SINCE.encode()).fetchall()}
    store = Objects(restored.url)
    wrong, newer = [], []
    for digest, items in wanted.items():
        if store.exists(digest):
            continue
        if digest not in restored.bad and since[digest] > captured_at:
            newer.append(digest)
        else:
            how = restored.damaged.get(digest, "missing")
            wrong.append(f"Object {digest[:16]}… of filed item {', '.join(map(str, items))} is {how}.")
    late = f" {len(newer)} made after that set are not off-site yet." if newer else ""
    checks.add(
        "documents of filed items", _some(wrong),
        f"{len(wanted) - len(newer)} objects of {len({one for items in wanted.values() for one in items})} filed items "
        f"are there by digest.{late}",
    )  # fmt: skip
    return {"objects_of_filed_items": len(wanted), "objects_not_off_site_yet": len(newer), "_newer": newer}


def objects(checks: Checks, restored: ObjectsRestored) -> None:
    """All objects of the set's index, and those that left since."""
    wrong = [f"Object {one} is missing." for one in restored.missing]
    wrong += [f"Object {one} is {how}." for one, how in restored.damaged.items()]
    newer = f" {restored.newer:,} of them left after that set was made." if restored.newer else ""
    checks.add(
        "objects", _some(wrong), f"{restored.objects:,} objects, {restored.bytes:,} bytes, each by its digest.{newer}"
    )


def custody(
    checks: Checks, url: str, restored: ObjectsRestored, *, newer: list[str], settings: Settings, scratch: Path
) -> None:
    """Signed = uploaded = confirmed = delivered, shown by the evidence files made from what was restored."""
    from pydantic import SecretStr

    from pw_pipelines.fulfillment.custody import evidence_file
    from pw_pipelines.fulfillment.ground import Ground

    seen = settings.model_copy(update={"database_url": SecretStr(url), "objects_url": restored.url})
    ground = Ground(seen, Database(url), Objects(restored.url))
    with connect(url) as connection:
        late = {item for digest, items in facts.objects_of_filed_items(connection).items() if digest in newer
                for item in items}  # fmt: skip
        filed = [int(one["item"]) for one in facts.filed_items(connection) if one["item"] not in late]
    wrong, whole = [], 0
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for item in filed[-MOST_CUSTODY:]:
            path = Path(folder) / f"{item}.zip"
            try:
                found = evidence_file(ground, item, path, by="restore drill", why="proof that a restore is whole")
            except PwError as error:
                wrong.append(f"Item {item}: {error}")
                continue
            failed = [f"Item {item}: {one.name}: {one.text}" for one in found if not one.ok]
            wrong += failed
            whole += not failed
            path.unlink(missing_ok=True)
    checks.add("custody", _some(wrong), f"{whole} evidence files made from the restored data hold.")


def dagster(checks: Checks, url: str) -> None:
    """Dagster's books restore and hold runs that can be read."""
    with connect(url) as connection:
        there = connection.execute("select to_regclass('runs') is not null as there").fetchone()
        if not there or not there["there"]:
            checks.add("Dagster's database", "", "Restored; Dagster has made no tables in it yet.")
            return
        row = connection.execute(
            "select (select count(*) from runs) as runs, (select count(*) from event_logs) as events"
        ).fetchone()
    assert row is not None
    checks.add("Dagster's database", "", f"{row['runs']:,} runs, {row['events']:,} events.")


def erpnext(checks: Checks, server: ScratchMariadb, warehouse: str, captured_at: datetime) -> None:
    """Every document our books say ERPNext made before its dump is in the restored MariaDB, by its name."""
    tables = server.run(
        f"select table_name from information_schema.tables where table_schema = '{MARIADB}' order by 1"
    ).split("\n")
    rows = 0
    names: dict[str, set[str]] = {}
    for table in filter(None, tables):
        found = server.run(f"select name from `{table}`", database=MARIADB).split("\n")
        names[table] = set(filter(None, found))
        rows += len(names[table])
    of = {"customer": "tabCustomer", "sales_order": "tabSales Order", "sales_invoice": "tabSales Invoice",
          "payment_entry": "tabPayment Entry"}  # fmt: skip
    with connect(warehouse) as connection:
        booked = connection.execute(
            "select kind, name from pw.book_entries where state = 'done' and done_at < %s order by entry_id",
            (captured_at,),
        ).fetchall()
    wrong = [f"{row['kind']} {row['name']} is in our books and not in the restored ERPNext."
             for row in booked if row["name"] not in names.get(of[row["kind"]], set())]  # fmt: skip
    checks.add("ERPNext's database", _some(wrong),
               f"{len(names)} tables, {rows:,} rows; all {len(booked)} documents of our books are there.")  # fmt: skip


def _some(wrong: list[str]) -> list[str]:
    return wrong if len(wrong) <= SHOWN else [*wrong[:SHOWN], f"And {len(wrong) - SHOWN} more."]


def _sums(ledger: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(f"{amount} {currency} of {kind}" for currency, of in ledger.items() for kind, amount in of.items())
