"""A database put back to an older state in its own place: recognised, said, nothing overwritten, and a way out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import sql

from pw_pipelines.backups import facts, put_back, shipping
from pw_pipelines.backups.drill_live import compare_with_live
from pw_pipelines.backups.drill_model import Checks
from pw_pipelines.backups.journal_reading import Read, read_after
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import identities_of, verify_keys_of
from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.sensors import journal as sensors
from pw_pipelines.settings import Settings
from tests.backups.test_leaving import Phone
from tests.backups.trade import paid_order

TABLES = ("orders", "order_items", "order_events", "journal", "journal_shipments", "payments", "payment_events",
          "money_ledger", "customers", "item_work", "compliance_orders", "order_lines", "journal_lines")  # fmt: skip


class House:
    """A warehouse that can be put back as a person would do it by hand, and its journal's store."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.folder = db, folder
        self.settings = settings.model_copy(update={"journal_url": folder.as_uri()})
        self._then: dict[str, list[Any]] = {}

    def ship(self) -> Any:
        return shipping.ship_journal(self.settings, self.db)

    def note(self) -> dict[str, Any]:
        """Remembers this state; where the journal stands in it, as a dump of it would say."""
        with self.db.connect() as connection:
            for table in TABLES:
                self._then[table] = connection.execute(
                    sql.SQL("select to_jsonb(t)::text as row from pw.{} t").format(sql.Identifier(table))
                ).fetchall()
            return facts.journal_position(connection)

    def put_back(self) -> None:
        """In its own place, to the state remembered."""
        with self.db.connect() as connection:
            connection.execute("set local session_replication_role = replica")
            for table, rows in self._then.items():
                name = sql.Identifier("pw", table)
                connection.execute(sql.SQL("delete from {}").format(name))
                for row in rows:
                    connection.execute(
                        sql.SQL("insert into {0} overriding system value"
                                " select * from jsonb_populate_record(null::{0}, %s::jsonb)").format(name),
                        (row["row"],),
                    )  # fmt: skip
            connection.execute(
                """select setval(pg_get_serial_sequence('pw.journal_shipments', 'shipment_id'),
                          greatest((select max(shipment_id) from pw.journal_shipments), 1)),
                          setval(pg_get_serial_sequence('pw.journal', 'seq'), (select max(seq) from pw.journal))"""
            )

    def position(self) -> dict[str, Any]:
        with self.db.connect() as connection:
            return facts.journal_position(connection)

    def read(self, position: dict[str, Any]) -> Read:
        identities = identities_of(self.settings)
        assert identities is not None
        return read_after(JournalStore(self.folder.as_uri()), position, identities, verify_keys_of(self.settings))

    def files(self) -> dict[str, bytes]:
        return {one.relative_to(self.folder).as_posix(): one.read_bytes() for one in self.folder.rglob("*.age")}


@pytest.fixture
def house(db: Database, settings: Settings, tmp_path: Path) -> Iterator[House]:
    """One shipment is known to the state put back to; two more were made after it."""
    made = House(db, settings, tmp_path / "journal")
    paid_order(db)
    assert made.ship().error is None
    made.note()
    for _ in range(2):
        paid_order(db)
        assert made.ship().error is None
    made.put_back()
    yield made


def test_the_shipper_says_which_shipments_are_ahead_and_overwrites_nothing(house: House) -> None:
    before = house.files()
    paid_order(house.db)

    done = house.ship()

    assert (done.shipments, done.rows) == (0, 0)
    assert done.waiting > 0
    assert "shipments 2 to 3 of line" in str(done.error)
    assert "this database knows none after 1" in str(done.error)
    assert "put back to an older state in its own place" in str(done.error)
    assert "“The journal is ahead”" in str(done.error)
    assert house.files() == before
    assert house.ship().error == done.error  # until somebody decides


def test_ops_are_told_once_even_while_nothing_waits(house: House) -> None:
    phone = Phone()
    resources = {"settings": house.settings, "db": house.db, "telegram": phone}
    with dg.build_sensor_context(resources=resources) as context:
        sensors.watch(context)
        sensors.watch(context)
        paid_order(house.db)
        assert "changes wait: The journal's store is ahead" in str(sensors.ship(context).skip_message)
    [message] = phone.sent
    assert "shipments 2 to 3" in message


def test_a_shipment_that_was_bound_before_anybody_noticed_changes_nothing_of_that(house: House) -> None:
    from pw_pipelines.backups import journal

    paid_order(house.db)
    with pytest.raises(journal.JournalError, match="holds another shipment"):
        journal.ship(house.db, JournalStore(house.folder.as_uri()), journal.Sealing.of(house.settings))

    assert "shipments 2 to 3" in str(house.ship().error)


def test_a_house_that_was_not_put_back_is_never_called_so(db: Database, settings: Settings, tmp_path: Path) -> None:
    made = House(db, settings, tmp_path / "journal")
    for _ in range(2):
        paid_order(db)
        assert made.ship().error is None
    with db.connect() as connection:  # written, and its shipper killed before it could confirm
        connection.execute("update pw.journal_shipments set confirmed_at = null where shipment_id = 2")
        assert shipping.journal_ahead(made.settings, connection) is None
    paid_order(db)

    assert made.ship().error is None
    with pytest.raises(UsageError, match="not ahead"):
        shipping.begin_line(made.settings, db, by="ops", reason="by mistake")


def test_a_new_line_goes_on_and_says_who_began_it_and_the_old_one_stays_as_it_was(house: House) -> None:
    before, old = house.files(), house.position()["line"]
    number, _ = paid_order(house.db)

    begun = shipping.begin_line(house.settings, house.db, by="ada", reason="the load of that day was wrong")
    position = house.position()
    done = house.ship()

    assert begun.line == position["line"] != old
    assert begun.left_behind is not None
    assert (begun.left_behind.first, begun.left_behind.last) == (2, 3)
    assert (done.error, done.waiting) == (None, 0)
    assert done.rows > 0
    assert {name: content for name, content in house.files().items() if name in before} == before
    read = house.read({**position, "snapshot": "1:1:"})
    assert read.damage == ()
    assert number in {json.loads(row["row"])["number"] for row in read.changes if row["table"] == "orders"}
    with house.db.connect() as connection:
        assert shipping.journal_ahead(house.settings, connection) is None
        [row] = connection.execute("select begun_by, reason, known_shipment, ahead_shipment from pw.journal_lines")
    assert row == {
        "begun_by": "ada", "reason": "the load of that day was wrong", "known_shipment": 1, "ahead_shipment": 3,
    }  # fmt: skip


def test_put_back_once_more_to_before_the_new_line_is_recognised_again(house: House) -> None:
    shipping.begin_line(house.settings, house.db, by="ada", reason="wrong")
    paid_order(house.db)
    assert house.ship().error is None

    house.put_back()

    paid_order(house.db)
    assert "shipments 2 to 3" in str(house.ship().error)


def test_a_dump_of_it_is_not_mixed_with_the_history_it_was_put_back_behind(house: House) -> None:
    """By their transactions' numbers the lost changes are in such a dump, and they are not."""
    paid_order(house.db)
    position = house.position()
    read = house.read(position)

    with house.db.connect() as restored:
        said = put_back.of_dump(read, position, restored, machine_now())

    assert said is not None
    assert "They were not played on" in said
    assert "shipments after 1" in said


def test_a_restore_to_a_moment_that_took_the_numbers_back_too_is_known_by_the_times(house: House) -> None:
    position = {**house.position(), "snapshot": "1:1:"}  # as if every transaction were newer than the dump
    with house.db.connect() as restored:
        read = house.read(position)
        assert put_back.of_dump(read, position, restored, machine_now()) is None  # made just now: they may follow it
        late = machine_now() + 2 * put_back.CLOCKS_DIFFER
        assert put_back.of_dump(read, position, restored, late) is not None


def test_a_drill_says_that_the_live_house_was_put_back(house: House) -> None:
    position, checks = house.position(), Checks()
    with house.db.connect() as restored:
        compare_with_live(
            checks, restored, house.db, position, house.read(position), began=machine_now(), captured_at=machine_now(),
            ahead=lambda connection: shipping.journal_ahead(house.settings, connection),
        )  # fmt: skip

    [point] = [one for one in checks.done if one.name == "recovery point"]
    assert not point.ok
    assert "shipments 2 to 3" in point.detail


def test_changes_that_follow_a_dump_are_played_on(db: Database, settings: Settings, tmp_path: Path) -> None:
    made = House(db, settings, tmp_path / "journal")
    paid_order(db)  # in the dump, and shipped after it
    position = made.position()
    made.ship()
    paid_order(db)
    made.ship()
    with db.connect() as restored:
        assert put_back.of_dump(made.read(position), position, restored, machine_now()) is None
