"""What ops are told of mails that came back and of campaigns that go out: each once, with nobody's address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from pw_pipelines.leads import stops
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.resources.objects import Objects
from pw_pipelines.sensors.bounces import work_mailbox
from tests.bounces import shapes
from tests.bounces.test_watch import House, house

__all__ = ["house"]


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    with Client(house.settings, sleep=lambda _seconds: None) as client:
        yield client


def tick(house: House, client: Client, **settings: Any) -> str:
    (house.folder / "new").mkdir(parents=True, exist_ok=True)
    resources = {
        "settings": house.settings.model_copy(update={"bounce_maildir": house.folder, **settings}), "db": house.db,
        "objects": Objects((house.folder / "objects").as_uri()), "listmonk": client,
    }  # fmt: skip
    with dg.build_sensor_context(resources=resources) as context:
        return str(work_mailbox(context).skip_message)


def alerts(house: House) -> dict[str, str]:
    return {row["key"]: row["text"] for row in house.rows("select key, text from pw.alerts where kind = 'mail'")}


def test_a_tick_works_the_mailbox_and_says_so(house: House, client: Client) -> None:
    house.bounce("ann@carrier.example", house.person("ann@carrier.example"))
    assert tick(house, client) == "Bounces: 1 mails worked, 1 told to Listmonk."
    assert house.suppressed() == {("ann@carrier.example", "bounced")}
    assert alerts(house) == {}


def test_a_complaint_is_told_once_with_the_command_that_lifts_its_stop(house: House, client: Client) -> None:
    with house.db.connect() as connection:
        connection.execute(
            "insert into pw.segments (segment, position, title, description) values ('critical', 1, 'Critical', 'x')"
        )
    uuid = house.person("ann@carrier.example")
    returned = f"X-Listmonk-Campaign: {shapes.CAMPAIGN}\nX-Listmonk-Subscriber: {uuid}\nX-PW-Segment: critical\n"
    house.arrives(shapes.arf(returned=returned))
    tick(house, client)
    tick(house, client)
    ((key, text),) = alerts(house).items()
    assert key.startswith("mail:stop:")
    assert "pw leads resume --segment critical --by" in text
    assert "@" not in text


def test_a_stop_of_all_sending_names_the_worst_snapshot(house: House, client: Client) -> None:
    evidence = {"snapshots": [{"snapshot_id": "rmd-bad", "bounced": 2, "written_to": 20}]}
    with house.db.connect() as connection:
        clock = house.settings.clock
        stops.stop(connection, segment=None, reason="Too many.", evidence=evidence, by="breaker", now=clock.now())
    tick(house, client)
    (text,) = alerts(house).values()
    assert text.startswith("All sending is stopped: Too many. Behind the bounced addresses: rmd-bad (2 of 20).")


def test_refusals_for_our_reputation_are_told_once_a_day_and_stop_nothing(house: House, client: Client) -> None:
    today = house.settings.clock.today()
    with house.db.connect() as connection:
        connection.execute("insert into pw.mail_days values (%s, 40, 0, now())", (today,))
    for number in range(3):
        email = f"p{number}@carrier.example"
        house.bounce(email, house.person(email), status="5.7.1")
    tick(house, client)
    tick(house, client)
    ((key, text),) = alerts(house).items()
    assert key == f"mail:policy:{today.isoformat()}"
    assert text.startswith(f"3 of 40 mails were refused on {today} for our reputation or content (7.5 %, limit 5 %).")
    with house.db.connect() as connection:
        assert stops.open_stops(connection) == []
    assert house.suppressed() == set()


def test_a_campaign_without_the_unsubscribe_link_is_told_once(house: House, client: Client) -> None:
    said = {"name": "November", "subject": "s", "lists": [9], "content_type": "html", "body": "<p>x"}
    number = house.listmonk.api.post("/api/campaigns", json=said).json()["data"]["id"]
    tick(house, client)
    assert alerts(house) == {}
    house.listmonk.api.put(f"/api/campaigns/{number}/status", json={"status": "running"})
    tick(house, client)
    tick(house, client)
    ((key, text),) = alerts(house).items()
    assert key.startswith("mail:campaign:")
    assert text.startswith("Campaign `November` is running in Listmonk and is set in `Default campaign template`")


def test_a_mailbox_that_cannot_be_worked_is_told_once_a_day(house: House, client: Client) -> None:
    settings = {
        "bounce_maildir": None, "bounce_imap_host": "127.0.0.1", "bounce_imap_port": 1, "bounce_imap_user": "u",
        "bounce_imap_password": SecretStr("p"), "bounce_imap_security": "none",
    }  # fmt: skip
    for _ in range(2):
        assert "can't be reached" in tick(house, client, **settings)
    ((key, text),) = alerts(house).items()
    assert key == f"mail:mailbox:{house.settings.clock.today().isoformat()}"
    assert text.startswith("The bounce mailbox could not be worked:")


def test_campaign_mails_since_the_last_count_are_counted_by_the_breaker(house: House, client: Client) -> None:
    """Two bounces are too many of 20 mails, and nothing of 400 that one campaign has sent meanwhile."""
    today = house.settings.clock.today()
    with house.db.connect() as connection:
        connection.execute("insert into pw.mail_days values (%s, 20, 0, now())", (today,))
    said = {"name": "n", "subject": "s", "lists": [9], "content_type": "html", "body": "<p>x"}
    number = house.listmonk.api.post("/api/campaigns", json=said).json()["data"]["id"]
    started = house.settings.clock.now().isoformat()
    house.listmonk.api.post(
        "/_sandbox/campaign", json={"id": number, "sent": 400, "status": "finished", "started_at": started}
    )
    for name in ("ann", "bob"):
        house.bounce(f"{name}@carrier.example", house.person(f"{name}@carrier.example"))
    tick(house, client)
    assert house.rows("select from pw.sending_stops") == []
    house.listmonk.api.delete(f"/api/campaigns/{number}")
    house.bounce("cat@carrier.example", house.person("cat@carrier.example"))
    tick(house, client)
    assert len(house.rows("select from pw.sending_stops")) == 1
