"""Documents leave between two sets: within a turn, bounded, once, however the turn dies, and a drill finds them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.backups import books, documents, leaving, object_pool, verifying
from pw_pipelines.backups.keys import identities_of
from pw_pipelines.backups.leaving import Left
from pw_pipelines.backups.model import pool_name
from pw_pipelines.backups.sealing import unseal
from pw_pipelines.db.connection import Database
from pw_pipelines.sensors import journal as sensors
from tests.backups.house import BackupHouse
from tests.backups.trade import filed, paid_order
from tests.commerce.making import NOW


def shown(house: BackupHouse, *contents: bytes) -> list[str]:
    """A filed item that is shown by these; their digests."""
    _, item = paid_order(house.ground.db)
    digests = [house.keep(content) for content in contents]
    filed(house.ground.db, item, *digests)
    return digests


def turn(house: BackupHouse, **limits: Any) -> Left:
    return leaving.send_documents(house.ground, house.offsite(), **limits)


def waiting(house: BackupHouse) -> list[str]:
    with house.ground.db.connect() as connection:
        return documents.waiting(connection)


def test_a_confirmation_is_off_site_after_one_turn_and_opens_there_to_itself(
    house: BackupHouse, tmp_path: Path
) -> None:
    [digest] = shown(house, b"<html>confirmation C-1</html>")
    with house.ground.db.connect() as connection:
        before = documents.behind(connection)

    done = turn(house)

    assert (before.documents, before.seconds > 0) == (1, True)
    assert done == Left(1, 0)
    assert done.sentence == "1 documents left."
    there = house.far / pool_name(digest)
    identities = identities_of(house.settings)
    assert identities is not None
    unseal(there, identities, tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == b"<html>confirmation C-1</html>"
    assert b"confirmation" not in there.read_bytes()
    with house.ground.db.connect() as connection:
        assert documents.behind(connection) == documents.Behind(0, None, 0.0)
    assert not house.ground.places.pooled(digest).exists()  # what is off-site takes no room here


def test_the_next_turn_has_nothing_to_do_and_asks_nobody(house: BackupHouse) -> None:
    shown(house, b"once")
    turn(house)
    house.with_settings(offsite_port=9)

    assert turn(house) == Left(0, 0)


def test_drafts_final_and_signed_documents_leave_and_so_does_the_one_signed_later(house: BackupHouse) -> None:
    _, item = paid_order(house.ground.db)
    docx, pdf = house.keep(b"docx"), house.keep(b"pdf")
    with house.ground.db.connect() as connection:
        connection.execute(
            """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                 docx_digest, pdf_digest, is_signed_by_customer, pages, converted_by, made_at)
               values (%s, 't', 'T', 1, repeat('a', 64), repeat('b', 64), %s, %s, true, 1, 'libreoffice', %s)""",
            (item, docx, pdf, NOW),
        )
    assert turn(house).sent == 2
    signed = house.keep(b"signed")
    with house.ground.db.connect() as connection:
        connection.execute("update pw.item_documents set signed_digest = %s", (signed,))

    assert turn(house).sent == 1

    assert {pool_name(one) for one in (docx, pdf, signed)} <= set(house.files_far())


def test_one_turn_takes_no_more_than_it_may_and_the_rest_goes_with_the_next(house: BackupHouse) -> None:
    shown(house, *(f"{number}".encode() for number in range(5)))

    assert turn(house, most=2) == Left(2, 3)
    assert turn(house, most_bytes=1) == Left(1, 2)  # one at least, however large
    assert turn(house) == Left(2, 0)


def test_an_off_site_machine_that_is_away_delays_and_loses_nothing(house: BackupHouse) -> None:
    [digest] = shown(house, b"precious")
    right = house.settings.offsite_port
    house.with_settings(offsite_port=9)

    done = turn(house)

    assert (done.sent, done.waiting) == (0, 1)
    assert "could not be reached" in str(done.error)
    assert "could not be reached" in done.sentence
    house.with_settings(offsite_port=right)
    assert turn(house) == Left(1, 0)
    assert pool_name(digest) in house.files_far()


def test_a_document_that_is_gone_or_altered_here_is_counted_and_keeps_no_other_waiting(house: BackupHouse) -> None:
    gone, altered, whole = shown(house, b"gone", b"altered", b"whole")
    objects = house.settings.home / "objects" / "sha256"
    (objects / gone[:2] / gone).unlink()
    (objects / altered[:2] / altered).chmod(0o644)
    (objects / altered[:2] / altered).write_bytes(b"other bytes")

    done = turn(house)

    assert (done.sent, done.waiting, set(done.lacking)) == (1, 2, {gone, altered})
    assert "2 of them gone from the object store or altered there" in done.sentence
    assert [pool_name(whole)] == house.files_far()


@pytest.mark.parametrize(
    "point",
    ["backups.objects.pooled", "backups.documents.sealed", "backups.offsite.pool_copied",
     "backups.offsite.pool_confirmed"],
)  # fmt: skip
def test_a_turn_killed_anywhere_is_made_up_for_by_the_next_and_leaves_nothing_behind(
    house: BackupHouse, point: str
) -> None:
    [digest] = shown(house, b"precious")
    _die_at(house, point)

    assert turn(house).waiting == 0

    assert house.files_far() == [pool_name(digest)]
    assert list((house.root / "making").iterdir()) == []
    [verdict] = _verified(house)
    assert verdict.ok, verdict


def _verified(house: BackupHouse) -> list[verifying.Verdict]:
    assert house.back_up("objects").ok
    assert not list(house.root.glob("pool/*/*.age"))
    return verifying.verify(house.ground, house.offsite(), house.sets("objects"))


def test_the_daily_set_takes_what_left_before_it_and_seals_nothing_twice(house: BackupHouse) -> None:
    [digest] = shown(house, b"left before")
    turn(house)
    there = (house.far / pool_name(digest)).read_bytes()

    told = house.back_up("objects")

    assert told.ok
    assert house.sets("objects")[0].detail["notes"]["objects"] == 1
    assert (house.far / pool_name(digest)).read_bytes() == there


def test_while_the_pool_is_worked_by_another_a_turn_says_so_and_leaves_it_to_the_next(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "_WAIT_SECONDS", 0.0)
    shown(house, b"precious")
    with books.pool_turn(house.ground.db, seconds=0):
        done = turn(house)

    assert (done.sent, done.waiting) == (0, 1)
    assert "another process" in str(done.error)
    assert turn(house).sent == 1


def test_a_sealed_document_that_was_lost_off_site_is_sealed_and_sent_anew(house: BackupHouse) -> None:
    [digest] = shown(house, b"precious")
    turn(house)
    (house.far / pool_name(digest)).unlink()
    object_pool.not_confirmed(house.ground, [digest])  # as `pw backup verify` finds it

    assert turn(house) == Left(1, 0)
    assert pool_name(digest) in house.files_far()


def test_what_is_public_waits_for_the_daily_set(house: BackupHouse) -> None:
    house.keep(b"a copy of a public register")
    assert turn(house) == Left(0, 0)
    assert waiting(house) == []


class Phone:
    """A Telegram that keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)


def test_the_sensor_sends_and_documents_that_do_not_leave_are_told_once(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone()
    resources = {"settings": house.settings, "db": house.ground.db, "objects": house.ground.objects, "telegram": phone}
    shown(house, b"precious")
    with dg.build_sensor_context(resources=resources) as context:
        sensors.watch(context)
        assert phone.sent == []  # not for a minute's wait
        monkeypatch.setattr(sensors, "DOCUMENTS_STUCK_SECONDS", 0.0)
        sensors.watch(context)
        sensors.watch(context)
        assert str(sensors.leave(context).skip_message) == "1 documents left."
        sensors.watch(context)

    [message] = phone.sent
    assert "1 documents (signed PDFs, evidence) have not left this machine" in message


def test_without_an_off_site_machine_the_sensor_says_so(house: BackupHouse) -> None:
    resources = SimpleNamespace(
        settings=house.settings.model_copy(update={"offsite_host": None}), db=house.ground.db,
        objects=house.ground.objects,
    )  # fmt: skip
    assert "PW_OFFSITE_HOST is not set" in str(sensors.leave(SimpleNamespace(resources=resources)).skip_message)  # type: ignore[arg-type]


def test_the_metric_says_how_many_wait_and_for_how_long(house: BackupHouse) -> None:
    from pw_pipelines.monitoring.records import groups

    [group] = [one for one in groups() if one.name == "documents"]
    shown(house, b"one", b"two")

    def asked(db: Database) -> Any:
        with db.connect() as connection:
            return connection.execute(group.sql.encode(), {"now": NOW + timedelta(minutes=7)}).fetchone()

    row = asked(house.ground.db)
    assert (row["waiting"], int(row["exposed"])) == (2, 420)
    turn(house)
    row = asked(house.ground.db)
    assert (row["waiting"], int(row["exposed"])) == (0, 0)


def _die_at(house: BackupHouse, point: str) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pw_pipelines.settings import Settings\n"
        "from pw_pipelines.backups import shipping\n"
        "from pw_pipelines.db.connection import Database\n"
        "from pw_pipelines.resources.objects import Objects\n"
        "settings = Settings.model_validate_json(sys.argv[1])\n"
        "shipping.documents_leave(settings, Database(sys.argv[2]), Objects(sys.argv[3]))\n"
    )
    offsite = {name: value for name, value in house.settings.model_dump(mode="json").items() if "offsite" in name}
    given = {"home": str(house.settings.home), **offsite}
    died = subprocess.run(
        [sys.executable, "-c", code, json.dumps(given), house.ground.db.url, house.ground.objects.url],
        env={"PW_FAULT": f"{point}:kill", "PATH": "/usr/bin:/bin:/usr/sbin"}, check=False, capture_output=True,
        timeout=60,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr.decode()
