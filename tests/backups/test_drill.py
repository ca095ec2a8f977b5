"""Restore drills from the off-site copy alone: what a whole one proves, and every kind of damage found and named."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pyrage
import pytest

from pw_pipelines.backups import books, drill_live, journal, leaving, rounds
from pw_pipelines.backups import drill as drill_room
from pw_pipelines.backups.drill import run_drill
from pw_pipelines.backups.drill_model import Check, Drill
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.manifest import MANIFEST
from pw_pipelines.backups.model import pool_name
from pw_pipelines.db.connection import Database, migrate
from pw_pipelines.db.embedded import Server
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings
from tests.backups.house import BackupHouse, MariadbAt, OffsiteAt
from tests.backups.trade import filed, paid_order
from tests.conftest import TEMPLATE


@dataclass(frozen=True)
class Made:
    """A house whose two newest sets of PostgreSQL, its objects and its MariaDB lie off-site; made once, then copied."""

    house: BackupHouse
    journal: Path
    evidence: str
    older: str
    newest: str

    def copied(self, tmp_path: Path) -> Made:
        """The same with an off-site folder and a journal's store of its own, to be damaged; without MariaDB."""
        far = self.house.far.with_name(uuid.uuid4().hex)
        shutil.copytree(self.house.far, far)
        folder = tmp_path / "journal"
        shutil.copytree(self.journal, folder)
        house = BackupHouse(self.house.ground, far, [])
        shutil.rmtree(far / "mariadb")
        house.with_settings(offsite_path=far.name, journal_url=folder.as_uri(), mariadb_host=None)
        return replace(self, house=house, journal=folder)

    def drill(self, **settings: object) -> Drill:
        return run_drill(self.house.settings.model_copy(update=settings), live=self.house.ground.db)

    def file(self, name: str, *, set_id: str | None = None, subject: str = "postgres") -> Path:
        return self.house.far / subject / (set_id or self.newest) / name


def _ship(house: BackupHouse) -> None:
    store = JournalStore(str(house.settings.journal_url))
    assert journal.ship(house.ground.db, store, journal.Sealing.of(house.settings)).error is None


@pytest.fixture(scope="session")
def made(clone_database: Callable[[str], str], offsite_machine: OffsiteAt, mariadb: MariadbAt) -> Iterator[Made]:
    base = Path(tempfile.mkdtemp(prefix="pw-drilled-"))
    db = Database(clone_database(TEMPLATE))
    house = BackupHouse.of(Settings(home=base / "home"), db, offsite_machine)
    house.with_settings(**mariadb.settings(), journal_url=(base / "journal").as_uri())
    evidence = house.keep(b"<html>confirmation C-1</html>")
    _, item = paid_order(db)
    filed(db, item, evidence)
    paid_order(db)
    _ship(house)
    assert all(told.ok for told in rounds.run(house.ground, ["postgres", "objects", "mariadb"], house.said.append))
    paid_order(db)  # in the journal and in the newest set
    _ship(house)
    assert house.back_up("postgres").ok
    for _ in range(2):  # in the journal alone
        paid_order(db)
        _ship(house)
    newest, older = (one.set_id for one in house.sets("postgres"))
    yield Made(house, base / "journal", evidence, older, newest)
    shutil.rmtree(base)


@pytest.fixture
def copy(made: Made, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Drills of it restore into the tests' own server: making one takes longer than all the rest."""
    monkeypatch.setattr(drill_room, "Embedded", lambda *_, **__: SimpleNamespace(running=lambda: nullcontext(postgres)))
    return made.copied(tmp_path)


def check(drill: Drill, name: str) -> Check:
    [found] = [one for one in drill.checks if one.name == name]
    return found


def failed(drill: Drill) -> str:
    return "\n".join(f"{one.name}: {one.detail}" for one in drill.checks if not one.ok)


def test_a_whole_drill_proves_every_fact_and_measures_both_objectives(made: Made) -> None:
    drill = made.drill()

    assert failed(drill) == ""
    assert drill.ok
    assert drill.rpo_seconds == 0.0
    assert 0 < drill.rto_seconds < 60
    assert [one.name for one in drill.checks] == [
        "postgres set", "postgres age", "rows and digests", "paid orders of the dump", "filed items of the dump",
        "ledger of the dump", "opt-outs", "journal", "replay", "ledger is the events", "ledger and orders agree",
        "Dagster's database", "objects set", "objects age", "objects", "documents of filed items", "custody",
        "mariadb set", "mariadb age", "ERPNext's database", "recovery point", "paid orders of now",
        "documents of now",
    ]  # fmt: skip
    assert "All 3 are there" in check(drill, "paid orders of the dump").detail
    assert "All 5 paid orders" in check(drill, "paid orders of now").detail
    assert "1 objects of 1 filed items" in check(drill, "documents of filed items").detail
    assert "1 evidence files" in check(drill, "custody").detail
    assert "5 paid" in check(drill, "ledger and orders agree").detail
    assert json.loads(json.dumps(drill.as_json()))["ok"] is True


def test_without_the_live_house_all_is_proved_but_the_recovery_point_and_nothing_is_left_on_disk(
    made: Made, server_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(server_path))  # short: a server's socket stands below it
    drill = run_drill(made.house.settings, live=None)
    assert drill.ok, drill.as_json()
    assert drill.rpo_seconds is None
    assert list(server_path.iterdir()) == []


def test_a_silently_damaged_archive_is_named_and_the_older_set_restored_instead(copy: Made) -> None:
    file = copy.file("warehouse.dump.age")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    drill = copy.drill()

    said = check(drill, "postgres set").detail
    assert not drill.ok
    assert f"Damage in postgres/{copy.newest}: warehouse.dump.age is silently damaged" in said
    assert f"The older set postgres/{copy.older}" in said
    assert "is good and was restored instead" in said
    assert copy.older in drill.set_ids
    assert check(drill, "paid orders of now").ok  # the journal carries on from the older set too
    assert "All 2 are there" in check(drill, "paid orders of the dump").detail


def test_a_truncated_dump_is_named(copy: Made) -> None:
    file = copy.file("warehouse.dump.age")
    file.write_bytes(file.read_bytes()[:-1000])
    assert "warehouse.dump.age is cut short" in check(copy.drill(), "postgres set").detail


def test_a_dump_that_was_cut_before_it_was_sealed_is_found_by_restoring_it(
    copy: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed, whole as a file, and yet no dump: only pg_restore knows."""
    from pw_pipelines.backups import postgres

    house = copy.house
    dump = postgres._dump

    def cut(*given: object, **more: object) -> object:
        done = dump(*given, **more)  # type: ignore[arg-type]
        path = next(one for one in given if isinstance(one, Path) and one.suffix == ".dump")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        return done

    with monkeypatch.context() as patched:
        patched.setattr(postgres, "_dump", cut)
        told = house.back_up("postgres")
    bad = str(told.set_id)

    drill = copy.drill()

    assert f"postgres/{bad}: warehouse.dump does not restore" in check(drill, "postgres set").detail
    assert f"The older set postgres/{copy.newest}" in check(drill, "postgres set").detail
    books.damaged(house.ground.db, bad, "made for a test")


def test_the_wrong_key_is_named_and_nothing_is_restored(copy: Made, tmp_path: Path) -> None:
    other = tmp_path / "identity.txt"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")

    drill = copy.drill(backup_identity_file=other)

    assert not drill.ok
    assert "Wrong key in postgres/" in check(drill, "postgres set").detail
    assert "None of the 2 sets" in check(drill, "postgres set").detail
    assert drill.set_ids == ()
    assert drill.rpo_seconds is None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.unlink(), "has no manifest.json: it is no whole set"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b'"set_id"', b'"set_Id"')), "not what was signed"),
    ],
    ids=["missing", "changed"],
)
def test_a_manifest_that_is_missing_or_changed_is_named(
    copy: Made, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(copy.file(MANIFEST))

    said = check(copy.drill(), "postgres set").detail

    assert words in said
    assert f"The older set postgres/{copy.older}" in said


def test_an_archive_that_is_gone_is_named(copy: Made) -> None:
    copy.file("dagster.dump.age").unlink()
    assert "dagster.dump.age is missing" in check(copy.drill(), "postgres set").detail


def test_a_missing_object_is_named_with_the_filed_item_it_shows(copy: Made) -> None:
    (copy.house.far / pool_name(copy.evidence)).unlink()

    drill = copy.drill()

    assert f"Object {copy.evidence} is missing" in check(drill, "objects").detail
    assert f"Object {copy.evidence[:16]}… of filed item 1 is missing" in check(drill, "documents of filed items").detail
    assert not check(drill, "custody").ok
    assert check(drill, "paid orders of now").ok


def test_a_silently_damaged_object_is_named(copy: Made) -> None:
    file = copy.house.far / pool_name(copy.evidence)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert f"Object {copy.evidence} is silently damaged" in check(copy.drill(), "objects").detail


def test_a_missing_journal_shipment_is_named_and_the_lost_order_with_its_age(copy: Made) -> None:
    files = sorted(copy.journal.rglob("*.age"))
    files[-2].unlink()

    drill = copy.drill()

    assert "A journal shipment is missing between" in check(drill, "journal").detail
    assert "is missing; it was paid" in check(drill, "paid orders of now").detail
    assert drill.rpo_seconds is not None
    assert drill.rpo_seconds > 0
    assert drill.figures["paid_orders_missing"] == 1


def test_what_was_not_shipped_is_the_measured_recovery_point(copy: Made) -> None:
    for file in sorted(copy.journal.rglob("*.age"))[-2:]:  # as if they had never left
        file.unlink()

    drill = copy.drill()

    assert check(drill, "journal").ok  # a chain that ends early is whole: only the live house knows of more
    assert drill.figures["paid_orders_missing"] == 2
    assert drill.rpo_seconds is not None
    assert drill.rpo_seconds > 0


def test_sets_older_than_promised_are_named(copy: Made) -> None:
    clock = copy.house.settings.clock
    clock.set_offset(timedelta(hours=50))
    try:
        drill = copy.drill()
    finally:
        clock.set_offset(timedelta(0))

    assert "promised are 8 at most" in check(drill, "postgres age").detail
    assert "promised are 30 at most" in check(drill, "objects age").detail
    assert {one.name for one in drill.checks if not one.ok} == {"postgres age", "objects age"}


def test_a_set_dated_ahead_is_no_young_one(copy: Made) -> None:
    clock = copy.house.settings.clock
    clock.set_offset(-timedelta(hours=50))
    try:
        drill = copy.drill()
    finally:
        clock.set_offset(timedelta(0))

    assert "a clock was wrong" in check(drill, "postgres age").detail
    assert not drill.ok


def test_a_live_house_restored_since_the_newest_dump_has_no_recovery_point_of_zero(
    copy: Made, clone_database: Callable[[str], str]
) -> None:
    drill = run_drill(copy.house.settings, live=Database(clone_database(TEMPLATE)))

    assert "was restored since the newest dump" in check(drill, "recovery point").detail
    assert drill.rpo_seconds is not None
    assert drill.rpo_seconds > 0
    assert not drill.ok


def test_an_empty_off_site_copy_is_said_in_words(copy: Made) -> None:
    shutil.rmtree(copy.house.far)
    copy.house.far.mkdir()
    drill = copy.drill()
    assert "There is no set of postgres off-site at all" in failed(drill)
    assert not drill.ok


def test_without_an_identity_or_an_off_site_machine_a_drill_says_which_setting_is_missing(made: Made) -> None:
    with pytest.raises(ConfigError, match="PW_OFFSITE_HOST is not set"):
        made.drill(offsite_host=None)
    with pytest.raises(ConfigError, match="PW_BACKUP_IDENTITY_FILE"):
        made.drill(backup_recipients=str(pyrage.x25519.Identity.generate().to_public()))


def test_a_restored_house_is_migrated_and_goes_on(made: Made, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a person does after the disaster: the same restore into a server that stays."""
    keep = Path(tempfile.mkdtemp(prefix="pw-kept-")) / "restored"
    try:
        drill = run_drill(made.house.settings, live=None, keep=keep)
        from pw_pipelines.db.embedded import Embedded

        with Embedded(keep, durable=False).running() as server:
            migrate(server.url("warehouse"))
            number, _ = paid_order(Database(server.url("warehouse")))
        assert drill.ok
        assert int(number[-6:]) > 1000
    finally:
        shutil.rmtree(keep.parent)


# The last two: what they change in the live house would be lost in every drill after them.
def _shown_by(house: BackupHouse, content: bytes) -> str:
    """One more piece of evidence of the filed item, named by the journal."""
    digest = house.keep(content)
    with house.ground.db.connect() as connection:
        connection.execute(
            """insert into pw.evidence (item_id, stage, kind, title, media_type, digest, at)
               values (1, 'file', 'confirmation', 'Later', 'text/html', %s, now() + interval '1 hour')""",
            (digest,),
        )
    _ship(house)
    return digest


def test_a_document_that_left_after_the_objects_set_is_restored_and_proved(copy: Made) -> None:
    house = copy.house
    _shown_by(house, b"<html>confirmation C-2</html>")
    assert leaving.send_documents(house.ground, house.offsite()).sent == 1

    drill = copy.drill()

    assert failed(drill) == ""
    assert "1 of them left after that set was made" in check(drill, "objects").detail
    assert "2 objects of 1 filed items are there by digest" in check(drill, "documents of filed items").detail
    assert "1 evidence files" in check(drill, "custody").detail
    assert "All 2 documents" in check(drill, "documents of now").detail
    assert drill.figures["objects_newer_than_their_set"] == 1
    assert drill.figures["documents_lost"] == 0


def test_a_document_that_has_not_left_is_in_the_recovery_point_with_its_age(
    copy: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shown_by(copy.house, b"<html>confirmation C-3</html>")

    drill = copy.drill()

    assert check(drill, "documents of filed items").ok  # it can't be in an older set
    assert "made after that set are not off-site yet" in check(drill, "documents of filed items").detail
    assert check(drill, "documents of now").ok  # its turn comes once a minute
    assert drill.figures["documents_lost"] >= 1
    assert drill.rpo_seconds is not None
    assert drill.rpo_seconds > 0
    monkeypatch.setattr(drill_live, "DOCUMENTS_GOAL_SECONDS", 0.0)
    assert "documents that would be lost is" in check(copy.drill(), "documents of now").detail
