"""The bounce mailbox worked: each mail once, tied to our mail or not acted on, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.bounces.watch import Round, work_round
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.leads import stops
from pw_pipelines.leads.governor import read_quota
from pw_pipelines.resources.bounce_mailbox import Maildir
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings
from tests.bounces import shapes
from tests.fixtures_listmonk import Listmonk

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
TODAY = date(2026, 11, 22)
LIST = 9
Work = Callable[[], Round]


class House:
    """A warehouse, a Listmonk, a bounce Maildir, and one person on the lead list per given address."""

    def __init__(self, db: Database, listmonk: Listmonk, settings: Settings, folder: Path) -> None:
        self.db, self.listmonk, self.folder = db, listmonk, folder
        self.settings = listmonk.settings(settings)
        self._number = 0

    def person(self, email: str) -> str:
        made = self.listmonk.api.post("/api/subscribers", json={"email": email, "name": "A", "lists": [LIST]})
        return str(made.json()["data"]["uuid"])

    def arrives(self, content: bytes) -> None:
        (self.folder / "new").mkdir(parents=True, exist_ok=True)
        self._number += 1
        (self.folder / "new" / f"{self._number:04}.eml").write_bytes(content)

    def bounce(self, email: str, uuid: str, *, campaign: str = shapes.CAMPAIGN, **more: str) -> None:
        returned = f"To: {email}\nX-Listmonk-Campaign: {campaign}\nX-Listmonk-Subscriber: {uuid}\n"
        self.arrives(shapes.dsn([shapes.block(email, **more)], returned=returned))

    def work(self) -> Round:
        with Client(self.settings) as client:
            return work_round(
                self.db, Objects((self.folder / "objects").as_uri()), client, Maildir(self.folder),
                settings=self.settings, now=NOW, today=TODAY,
            )  # fmt: skip

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.db.connect() as connection:
            return [dict(row) for row in connection.execute(query)]

    def suppressed(self) -> set[tuple[str, str]]:
        return {(row["email"], row["reason"]) for row in self.rows("select email, reason from pw.suppressions")}


@pytest.fixture
def house(db: Database, listmonk_server: Listmonk, settings: Settings, tmp_path: Path) -> House:
    return House(db, listmonk_server, settings, tmp_path / "bounces")


def test_a_hard_bounce_of_a_campaign_suppresses_at_once_here_and_in_listmonk(house: House) -> None:
    house.bounce("ann@carrier.example", house.person("ann@carrier.example"))
    done = house.work()
    assert (done.read, done.told, done.error) == (1, 1, None)
    assert house.suppressed() == {("ann@carrier.example", "bounced")}
    stored = house.listmonk.stored("ann@carrier.example")
    assert stored is not None and stored["status"] == "blocklisted"
    assert [path.name for path in (house.folder / ".Processed" / "cur").iterdir()] == ["0001.eml:2,S"]


def test_a_full_mailbox_is_suppressed_by_the_second_mail_that_fails_not_by_a_second_report_of_one(
    house: House,
) -> None:
    uuid = house.person("ann@carrier.example")
    house.bounce("ann@carrier.example", uuid, status="5.2.2")
    house.bounce("ann@carrier.example", uuid, status="5.2.2", diagnostic="smtp; 552 said again")
    house.work()
    assert house.suppressed() == set()
    house.bounce("ann@carrier.example", uuid, status="5.2.2", campaign="99999999-2222-4333-8444-555555555555")
    house.work()
    assert house.suppressed() == {("ann@carrier.example", "bounced")}


def test_our_own_reputation_never_suppresses_a_person(house: House) -> None:
    uuid = house.person("ann@carrier.example")
    for number in range(5):
        campaign = f"{number}1111111-2222-4333-8444-555555555555"
        house.bounce("ann@carrier.example", uuid, status="5.7.1", campaign=campaign)
    assert house.work().told == 0
    assert house.suppressed() == set()


def test_a_forged_report_is_kept_and_not_acted_on(house: House) -> None:
    victim, forger = house.person("ann@carrier.example"), house.person("eve@carrier.example")
    house.arrives(shapes.dsn([shapes.block()], returned="To: ann@carrier.example\nSubject: hi\n"))
    house.bounce("ann@carrier.example", "12345678-bbbb-4ccc-8ddd-eeeeeeeeeeee")
    assert victim != forger
    assert house.work().deeds == {"kept; ties to no mail of ours": 2}
    assert house.suppressed() == set()


def test_a_forger_with_his_own_mail_harms_himself_alone(house: House) -> None:
    house.person("ann@carrier.example")
    house.bounce("ann@carrier.example", house.person("eve@carrier.example"))
    house.work()
    assert house.suppressed() == {("eve@carrier.example", "bounced")}


def test_the_same_mail_again_is_moved_away_and_changes_nothing(house: House) -> None:
    uuid = house.person("ann@carrier.example")
    for _ in range(2):
        house.bounce("ann@carrier.example", uuid, status="5.2.2")
        done = house.work()
    assert (done.read, done.known) == (1, 1)
    assert len(house.rows("select from pw.bounce_results")) == 1


def test_while_listmonk_is_away_nothing_is_lost(house: House) -> None:
    house.bounce("ann@carrier.example", house.person("ann@carrier.example"))
    there = house.settings
    house.settings = there.model_copy(update={"listmonk_url": "http://127.0.0.1:9"})
    assert house.work().failed == 1
    house.settings = there
    assert house.work().read == 1
    assert house.suppressed() == {("ann@carrier.example", "bounced")}


def test_a_complaint_suppresses_and_stops_its_segment_until_a_person_lifts_it(house: House) -> None:
    with house.db.connect() as connection:
        connection.execute(
            "insert into pw.segments (segment, position, title, description) values ('critical', 1, 'Critical', 'x')"
        )
    uuid = house.person("ann@carrier.example")
    returned = f"X-Listmonk-Campaign: {shapes.CAMPAIGN}\nX-Listmonk-Subscriber: {uuid}\nX-PW-Segment: critical\n"
    house.arrives(shapes.arf(returned=returned))
    assert house.work().error is None
    assert house.suppressed() == {("ann@carrier.example", "complained")}
    with house.db.connect() as connection:
        assert [each.segment for each in stops.open_stops(connection)] == ["critical"]
    with pytest.raises(UsageError, match="Stopped: critical"):
        stops.resume(house.db, segment=None, by="Kim", reason="looked", now=NOW)
    assert stops.resume(house.db, segment="critical", by="Kim", reason="looked", now=NOW).segment == "critical"


def test_whoever_complains_of_one_segment_after_another_stops_but_one(house: House) -> None:
    with house.db.connect() as connection:
        connection.execute(
            "insert into pw.segments (segment, position, title, description) values "
            "('critical', 1, 'Critical', 'x'), ('overdue', 2, 'Overdue', 'x'), ('new_rules', 3, 'New rules', 'x')"
        )
    uuid = house.person("eve@carrier.example")
    for segment in ("critical", "overdue", "new_rules"):
        returned = f"X-Listmonk-Campaign: {shapes.CAMPAIGN}\nX-Listmonk-Subscriber: {uuid}\nX-PW-Segment: {segment}\n"
        house.arrives(shapes.arf(to="eve@carrier.example", returned=returned))
    house.work()
    with house.db.connect() as connection:
        assert [each.segment for each in stops.open_stops(connection)] == ["critical"]


def test_too_many_hard_bounces_stop_all_sending_and_name_the_snapshot_behind_them(house: House) -> None:
    emails = [f"p{number}@carrier.example" for number in range(20)]
    with house.db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.warmup_admissions (email, day, provider, admitted_at) values (%s, %s, 'other', %s)",
            [(email, TODAY, NOW) for email in emails],
        )
        cursor.executemany(
            """insert into pw.subscribers (email, frn, provider, state, listmonk_id, codes, snapshot_ids, queued_at,
                 admitted_on) values (%s, '0000000001', 'other', 'synced', 1, '{}', '{rmd-bad}', %s, %s)""",
            [(email, NOW, TODAY) for email in emails],
        )
    for email in emails[:2]:
        house.bounce(email, house.person(email))
    assert house.work().stopped is not None
    with house.db.connect() as connection:
        quota = read_quota(connection, settings=house.settings, now=NOW, today=TODAY)
        (stopped,) = stops.open_stops(connection)
    assert quota.is_stopped
    assert stopped.reason == "2 of 20 mails bounced for good on 2026-11-22 (10.0 %, limit 5 %)."
    (behind,) = stopped.evidence["snapshots"]
    assert (behind["snapshot_id"], behind["bounced"], behind["written_to"]) == ("rmd-bad", 2, 20)
    stops.resume(house.db, segment=None, by="Kim", reason="snapshot recalled", now=NOW)
    assert house.work().stopped is None
