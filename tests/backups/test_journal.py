"""The journal: every change of money and effects leaves in order, once, however the shipper dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest

from pw_pipelines.backups import facts, journal
from pw_pipelines.backups.journal import JournalError, Sealing
from pw_pipelines.backups.journal_reading import Read, in_snapshot, read_after
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import identities_of, verify_keys_of
from pw_pipelines.backups.replay import replay
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.backups.trade import filed, paid_order
from tests.conftest import TEMPLATE


@dataclass
class Post:
    """A warehouse, its journal's store, and the keys."""

    db: Database
    settings: Settings
    store: JournalStore
    folder: Path
    sealing: Sealing = field(init=False)

    def __post_init__(self) -> None:
        self.sealing = Sealing.of(self.settings)

    def ship(self, **more: Any) -> journal.Shipped:
        return journal.ship(self.db, self.store, self.sealing, **more)

    def facts(self) -> dict[str, Any]:
        with self.db.connect() as connection:
            return facts.collect(connection)

    def read(self, position: dict[str, Any]) -> Read:
        identities = identities_of(self.settings)
        assert identities is not None
        return read_after(self.store, position, identities, verify_keys_of(self.settings))

    def lag(self) -> journal.Lag:
        with self.db.connect() as connection:
            return journal.lag(connection)

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.age"))


@pytest.fixture
def post(db: Database, settings: Settings, tmp_path: Path) -> Post:
    folder = tmp_path / "journal"
    return Post(db, settings, JournalStore(folder.as_uri()), folder)


def test_a_paid_order_has_left_after_one_round_and_the_next_round_has_nothing_to_do(post: Post) -> None:
    number, _ = paid_order(post.db)
    waiting = post.lag()

    done = post.ship()

    assert waiting.rows > 0
    assert waiting.seconds > 0
    assert (done.shipments, done.rows, done.waiting, done.error) == (1, waiting.rows, 0, None)
    assert post.lag() == journal.Lag(0, None, 0.0)
    assert post.ship().shipments == 0
    beginning = {
        "line": post.facts()["journal"]["line"],
        "snapshot": "1:1:",
        "last_shipment": 0,
        "last_digest": "0" * 64,
    }
    orders = [json.loads(row["row"]) for row in post.read(beginning).changes if row["table"] == "orders"]
    assert {order["number"] for order in orders} == {number}
    assert orders[-1]["paid_at"]


def test_what_is_in_the_store_opens_with_plain_age_and_is_not_readable_without(post: Post) -> None:
    number, _ = paid_order(post.db)
    post.ship()
    [file] = post.files()

    header, _, sealed = file.read_bytes().partition(b"\n")
    identities = identities_of(post.settings)
    assert identities is not None
    opened = pyrage.decrypt(sealed, list(identities.keys))

    assert json.loads(header)["digest"]
    assert number.encode() in opened
    assert number.encode() not in file.read_bytes()
    assert b"example.com" not in file.read_bytes()


def test_a_transaction_that_commits_late_is_in_a_later_shipment_and_not_skipped(post: Post) -> None:
    with post.db.connect() as late:
        late.execute("insert into pw.customers (email, name, created_at) values ('late@example.com', 'L', now())")
        paid_order(post.db)  # begins later, commits first
        assert post.ship().shipments == 1
        assert post.ship().shipments == 0  # what is not committed does not wait either
    assert post.ship().rows == 1


def test_the_last_word_on_a_row_wins_though_its_shipments_went_in_another_order(
    post: Post, clone_database: Callable[[str], str]
) -> None:
    position = post.facts()["journal"]
    with post.db.connect() as connection:
        connection.execute("insert into pw.customers (email, name, created_at) values ('a@example.com', '1', now())")
    with post.db.connect() as early:
        early.execute("select pg_current_xact_id()")  # the lower number
        with post.db.connect() as connection:
            connection.execute("update pw.customers set name = '2'")
        early.execute("update pw.customers set name = '3'")
    post.ship(most_rows=1)

    restored = Database(clone_database(TEMPLATE))
    with restored.connect() as connection:
        replay(connection, list(reversed(post.read(position).changes)))
        [row] = connection.execute("select name from pw.customers").fetchall()

    assert row["name"] == "3"


def test_a_replay_gives_the_same_rows_as_live_to_the_last_digit_and_may_be_played_twice(
    post: Post, clone_database: Callable[[str], str]
) -> None:
    restored = Database(clone_database(TEMPLATE))  # a dump of the beginning
    position = post.facts()["journal"]
    for _ in range(3):
        number, item = paid_order(post.db)
        filed(post.db, item, "b" * 64)
    with post.db.connect() as connection:
        connection.execute(
            "insert into pw.item_answers values (%s, 'revenue', '1', 'customer', now(), 'customer')", (item,)
        )
        connection.execute("delete from pw.item_answers")
    post.ship()
    changes = post.read(position).changes

    with restored.connect() as connection:
        first = replay(connection, changes)
        again = replay(connection, changes)
        then = facts.collect(connection)

    now = post.facts()
    journaled = {name: now["tables"][f"pw.{name}"] for name in ("orders", "payments", "effects", "money_ledger",
                 "order_events", "customers", "payment_events", "evidence", "item_answers")}  # fmt: skip
    assert {name: then["tables"][f"pw.{name}"] for name in journaled} == journaled
    assert journaled["orders"]["rows"] == 3
    assert then["paid_orders"] == now["paid_orders"]
    assert then["filed_items"] == now["filed_items"]
    assert first.orphans == again.orphans == ()
    assert number in {one["number"] for one in then["paid_orders"]}
    following, _ = paid_order(restored)  # whoever goes on with it is given numbers that nobody can have been given
    assert int(following[-6:]) > int(number[-6:]) + 900


def test_what_a_dump_brought_along_unshipped_is_never_played_over_what_came_after(post: Post) -> None:
    """A house restored from a dump ships what had not left when it was made; those rows name transactions of the lost
    server, and a second restore must not take them for newer than its own dump."""
    with post.db.connect() as connection:
        connection.execute("insert into pw.customers (email, name, created_at) values ('a@example.com', '1', now())")
        connection.execute("set local session_replication_role = replica")
        connection.execute("update pw.journal set xact = xact + 1000000000")  # the other server was older
    with post.db.connect() as connection:
        replay(connection, [])
    with post.db.connect() as connection:
        connection.execute("update pw.customers set name = '2'")
    dump = post.facts()["journal"]
    post.ship()

    read = post.read(dump)
    assert read.changes == []
    with post.db.connect() as connection:
        live = {(row["seq"], row["at"]) for row in connection.execute("select seq, at from pw.journal")}
    assert read.seen == live


@pytest.mark.parametrize("point", ["backups.journal.bound", "backups.journal.written"])
def test_a_killed_shipper_leaves_no_gap_and_no_second_content_under_one_name(post: Post, point: str) -> None:
    position = post.facts()["journal"]
    paid_order(post.db)
    _ship_and_die(post, point)
    before = {file: file.read_bytes() for file in post.files()}
    paid_order(post.db)  # must not slip into the shipment that is bound already

    post.ship()

    read = post.read(position)
    with post.db.connect() as connection:
        seqs = {row["seq"] for row in connection.execute("select seq from pw.journal").fetchall()}
    assert {seq for seq, _ in read.seen} == seqs
    assert read.damage == ()
    assert len(post.files()) == 2
    assert all(file.read_bytes() == content for file, content in before.items())
    assert post.lag().rows == 0


def test_a_store_that_is_away_delays_and_loses_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    paid_order(post.db)

    def away(*_: Any) -> None:
        raise OutsideUnavailable("The journal's store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(JournalStore, "create", away)
        refused = post.ship()
    assert refused.error == "The journal's store does not answer."
    assert refused.shipments == 0
    assert post.lag().rows == refused.waiting > 0
    assert post.ship().error is None
    assert post.lag().rows == 0


def test_another_shipment_under_the_next_name_stops_the_shipper_and_is_not_overwritten(post: Post) -> None:
    paid_order(post.db)
    post.ship()
    [file] = post.files()
    taken = file.with_name(f"{2:012d}.age")
    taken.write_bytes(file.read_bytes())
    paid_order(post.db)

    with pytest.raises(JournalError, match="holds another shipment"):
        post.ship()

    assert taken.read_bytes() == file.read_bytes()
    with post.db.connect() as connection:
        [row] = connection.execute("select last_error from pw.journal_shipments where confirmed_at is null").fetchall()
    assert "holds another shipment" in str(row["last_error"])  # what the alert of a stuck journal quotes


def _three_shipments(post: Post) -> dict[str, Any]:
    position: dict[str, Any] = post.facts()["journal"]
    for _ in range(3):
        paid_order(post.db)
        post.ship()
    return position


def test_a_missing_shipment_is_named_by_the_chain(post: Post) -> None:
    position = _three_shipments(post)
    post.files()[1].unlink()

    [said] = post.read(position).damage

    assert "A journal shipment is missing between 1 and 3" in said


def test_a_missing_first_shipment_after_the_dump_is_named_too(post: Post) -> None:
    position = _three_shipments(post)
    post.files()[0].unlink()
    assert "missing between 0 and 2" in post.read(position).damage[0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "is damaged: its sealed bytes"),
        (lambda content: content[: len(content) // 2], "is damaged: its sealed bytes"),
        (lambda content: content.replace(b'"rows":', b'"Rows":'), "header is not signed by us"),
        (lambda content: b"", "its first line is not the header"),
    ],
    ids=["a bit", "cut short", "changed header", "empty"],
)
def test_a_damaged_shipment_is_named_and_the_others_are_read(
    post: Post, spoil: Callable[[bytes], bytes], words: str
) -> None:
    position = _three_shipments(post)
    file = post.files()[1]
    file.write_bytes(spoil(file.read_bytes()))

    read = post.read(position)

    assert words in read.damage[0]
    assert file.name in read.damage[0]
    assert {json.loads(row["row"])["order_id"] for row in read.changes if row["table"] == "orders"} == {1, 3}


def test_the_wrong_identity_is_named(post: Post, tmp_path: Path) -> None:
    position = _three_shipments(post)
    other = tmp_path / "other.txt"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    post.settings = post.settings.model_copy(update={"backup_identity_file": other})

    assert all("Wrong key?" in said for said in post.read(position).damage)


def test_rows_are_pruned_only_when_a_dump_has_them(post: Post) -> None:
    paid_order(post.db)
    post.ship()
    covered = post.facts()["journal"]["snapshot"]
    paid_order(post.db)
    post.ship()
    with post.db.connect() as connection:
        total = connection.execute("select count(*)::int as n from pw.journal").fetchall()[0]["n"]
        assert journal.prune(connection, days=0, covered=None) == 0
        assert journal.prune(connection, days=1, covered=covered) == 0
        pruned = journal.prune(connection, days=0, covered=covered)
    assert 0 < pruned < total


def test_what_a_snapshot_saw() -> None:
    is_in = in_snapshot("10:15:11,13")
    assert [number for number in range(9, 17) if is_in(number)] == [9, 10, 12, 14]


def _ship_and_die(post: Post, point: str) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pw_pipelines.settings import Settings\n"
        "from pw_pipelines.backups import journal\n"
        "from pw_pipelines.backups.journal_store import JournalStore\n"
        "from pw_pipelines.db.connection import Database\n"
        "settings = Settings(home=Path(sys.argv[1]))\n"
        "journal.ship(Database(sys.argv[2]), JournalStore(sys.argv[3]), journal.Sealing.of(settings))\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, str(post.settings.home), post.db.url, post.store.url],
        env={"PW_FAULT": f"{point}:kill", "PATH": "/usr/bin"}, check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr.decode()
