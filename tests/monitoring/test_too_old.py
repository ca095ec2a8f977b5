"""Gates and effects that wait too long are told once each; so is an Umami that takes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from pw_pipelines.db.connection import Database
from pw_pipelines.monitoring.too_old import Limits, limits
from pw_pipelines.sensors.monitoring import send_events, tell_what_waits
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW, ordered


class Telegram:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def send(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest.fixture
def sense(settings: Settings, db: Database, telegram: Telegram) -> Callable[..., Any]:
    """`sense(sensor, hours=…, **settings)`: one tick, so many hours after NOW."""

    def tick(sensor: Callable[[Any], Any], *, hours: float = 0, **changed: object) -> Any:
        from pw_pipelines.clock import machine_now

        settings.clock.set_offset(NOW + timedelta(hours=hours) - machine_now())
        resources = {"settings": settings.model_copy(update=changed), "db": db, "telegram": telegram}
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance, resources=resources) as context,
        ):
            return sensor(context)

    return tick


def waiting(db: Database, gate: str) -> int:
    """An item that came to a gate at NOW; its id."""
    with db.connect() as connection:
        placed = ordered(connection)
        row = connection.execute(
            """insert into pw.item_work (item_id, order_id, service, state, gate, gate_why, gate_since, not_before,
                   created_at, changed_at)
               select item_id, order_id, service, 'waiting', %s, 'Ada Lovelace must look', %s, %s, %s, %s
                 from pw.order_items where order_id = %s returning item_id""",
            (gate, NOW, NOW, NOW, NOW, placed.order_id),
        ).fetchone()
    assert row is not None
    return int(str(row["item_id"]))


def again(db: Database, item: int, generation: int) -> None:
    with db.connect() as connection:
        connection.execute("update pw.item_work set generation = %s where item_id = %s", (generation, item))


def test_a_gate_is_told_when_its_limit_is_over_and_once(
    db: Database, sense: Callable[..., Any], telegram: Telegram
) -> None:
    item = waiting(db, "review")

    sense(tell_what_waits, hours=23)
    assert telegram.messages == []
    sense(tell_what_waits, hours=25)
    sense(tell_what_waits, hours=250)

    (message,) = telegram.messages
    assert "cpni_certification: has waited 25 hours at the gate review for a reviewer" in message
    assert message.endswith(f"/desk/items/{item}")
    assert "Ada" not in message


def test_a_gate_that_was_opened_and_reached_again_is_told_again(
    db: Database, sense: Callable[..., Any], telegram: Telegram
) -> None:
    item = waiting(db, "review")
    sense(tell_what_waits, hours=25)
    again(db, item, 2)
    sense(tell_what_waits, hours=26)

    assert len(telegram.messages) == 2


def test_each_gate_has_its_own_limit(db: Database, sense: Callable[..., Any], telegram: Telegram) -> None:
    waiting(db, "signature")
    sense(tell_what_waits, hours=200)
    assert telegram.messages == []
    sense(tell_what_waits, hours=300)

    assert "at the gate signature for the customer" in telegram.messages[0]


def test_an_effect_nobody_settled_is_told_once(db: Database, sense: Callable[..., Any], telegram: Telegram) -> None:
    item = waiting(db, "hours")
    with db.connect() as connection:
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at)
               values ('filing:x', %s, 'filing', %s, 'unknown', %s, %s)""",
            (item, "a" * 64, NOW, NOW),
        )
    sense(tell_what_waits, hours=0.5)
    sense(tell_what_waits, hours=1.5)
    sense(tell_what_waits, hours=5)

    (message,) = telegram.messages
    assert "a filing has been unknown for 2 hours; it waits for somebody who looks it up" in message


def test_limits_name_every_gate() -> None:
    told = limits().model_dump()
    del told["gates"]["review"]

    with pytest.raises(ValidationError, match="odd: review"):
        Limits.model_validate(told)


def test_without_umami_nothing_is_sent(sense: Callable[..., Any]) -> None:
    assert sense(send_events).skip_message == "PW_UMAMI_URL is not set: no events are sent."


def test_umami_that_takes_nothing_is_told_once(
    db: Database, sense: Callable[..., Any], telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pw_pipelines.resources.umami import Umami, UmamiRefused

    def refuse(_umami: Umami, _event: object) -> str:
        raise UmamiRefused("Umami refused an event with 400: Website not found.")

    monkeypatch.setattr(Umami, "send", refuse)
    with db.connect() as connection:
        connection.execute(
            "insert into pw.analytics_events (name, subject, visitor, url, happened_at) "
            "values ('order-placed', 'x', %s, '/', %s)",
            ("1" * 32, NOW),
        )
    umami = {"umami_url": "http://127.0.0.1:9", "umami_website_id": "x"}

    sense(send_events, **umami)
    sense(send_events, hours=2, **umami)

    assert telegram.messages == ["Umami refused an event with 400: Website not found. 1 events wait."]
