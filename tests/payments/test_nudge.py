"""After a payment is acknowledged its items are begun at once; everything that goes wrong is left to the sensor."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pw_pipelines.clock import machine_now
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.errors import OutsideRefused
from pw_pipelines.fulfillment import items, starting
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.portal import nudge
from pw_pipelines.sandbox.payments import messages
from pw_pipelines.settings import Settings
from tests.launcher.house import eventually
from tests.payments.conftest import TOTAL, Till


class FakeDagster:
    """Answers launches, and remembers them; `refuses` makes it say no."""

    def __init__(self) -> None:
        self.launched: list[dict[str, Any]] = []
        self.refuses = False
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["variables"]["params"]
                outer.launched.append(params)
                no = {"__typename": "PipelineNotFoundError", "message": "no such job"}
                yes = {"__typename": "LaunchRunSuccess", "run": {"runId": str(len(outer.launched))}}
                body = json.dumps({"data": {"launchRun": no if outer.refuses else yes}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def items(self) -> list[str]:
        return [tag["value"] for one in self.launched for tag in one["executionMetadata"]["tags"] if tag["key"] == "pw/item"]  # fmt: skip  # noqa: E501


@pytest.fixture
def dagster() -> Iterator[FakeDagster]:
    made = FakeDagster()
    yield made
    made.stop()


@pytest.fixture
def house(open_till: Callable[..., Till], dagster: FakeDagster) -> Till:
    """A web app whose house has a running Dagster."""
    return open_till(dagster_url=dagster.url)


@pytest.fixture
def quiet(till: Till, dagster: FakeDagster) -> tuple[Till, Settings]:
    """A web app that was told of no Dagster and nudges nobody; and settings that were."""
    nudge._dagster_is_there.cache_clear()
    return till, till.settings.model_copy(update={"dagster_url": dagster.url})


def payment_of(house: Till, order: PlacedOrder) -> dict[str, Any]:
    session = messages.stripe_session(order.number, TOTAL)
    return messages.stripe_event("checkout.session.completed", session, house.settings.clock.now())


def paid(house: Till) -> int:
    """An order whose money has come and was worked; the id of its item, ready and asked for by nobody."""
    order = house.order()
    assert house.deliver("stripe", payment_of(house, order)) == 200
    house.work()
    with house.db.connect() as connection:
        [item] = items.open_items(connection, now=house.settings.clock.now(), order_id=order.order_id)  # type: ignore[arg-type]
    return item


def asked(house: Till, item_id: int) -> int | None:
    [row] = house.rows("select requested_generation from pw.item_work where item_id = %s", item_id)
    return None if row["requested_generation"] is None else int(row["requested_generation"])


def sensor(house: Till) -> list[tuple[int, int]]:
    """What the sensor would start now."""
    with house.db.connect() as connection:
        return starting.to_start(
            connection,  # type: ignore[arg-type]
            [], now=house.settings.clock.now(), machine_now=machine_now(),
            lost_after=timedelta(seconds=30), most=10,
        )  # fmt: skip


def test_a_payment_begins_its_items_right_after_the_webhook_is_acknowledged(house: Till, dagster: FakeDagster) -> None:
    order = house.order()
    event = payment_of(house, order)
    assert house.deliver("stripe", event) == 200
    assert eventually(lambda: len(dagster.launched) == 1)
    assert house.status(order) == "processing"
    [row] = house.rows("select item_id, generation from pw.item_work where order_id = %s", order.order_id)
    [launched] = dagster.launched
    assert launched["selector"]["jobName"] == "fulfill_item"
    assert launched["runConfigData"]["ops"]["file"] == {"config": {"item_id": row["item_id"]}}
    tags = {tag["key"]: tag["value"] for tag in launched["executionMetadata"]["tags"]}
    assert tags == {"pw/item": str(row["item_id"]), "dagster/run_key": f"{row['item_id']}:{row['generation']}"}
    assert sensor(house) == [], "sensor and nudge together start one run"
    assert house.deliver("stripe", event) == 200, "told again"
    assert not eventually(lambda: len(dagster.launched) > 1, 0.5)


def test_what_the_sensor_has_asked_for_is_not_asked_for_again(
    quiet: tuple[Till, Settings], dagster: FakeDagster
) -> None:
    house, settings = quiet
    item = paid(house)
    assert sensor(house) == [(item, 1)]
    nudge.start_items(settings, [item])
    assert dagster.launched == []


def test_a_gate_that_opened_is_gone_through_at_once(quiet: tuple[Till, Settings], dagster: FakeDagster) -> None:
    house, settings = quiet
    item, now = paid(house), house.settings.clock.now()
    sensor(house)
    with house.db.connect() as connection:
        gate = Gate("signature", "The signer has to sign.")
        items.wait_at(connection, item, gate, by="run", run_id="1", now=now)  # type: ignore[arg-type]
    nudge.nudge_item(settings, item)
    assert not eventually(lambda: bool(dagster.launched), 0.3), "it waits"
    with house.db.connect() as connection:
        items.reopen(connection, item, gates=["signature"], by="signer", why="signed", now=now)  # type: ignore[arg-type]
    nudge.nudge_item(settings, item)
    assert eventually(lambda: dagster.items() == [str(item)])
    assert asked(house, item) == 2


def test_a_launch_that_dagster_refused_is_the_sensors_at_its_next_tick(
    quiet: tuple[Till, Settings], dagster: FakeDagster
) -> None:
    house, settings = quiet
    item = paid(house)
    dagster.refuses = True
    with pytest.raises(OutsideRefused, match="no such job"):
        nudge.start_items(settings, [item])
    assert asked(house, item) is None
    assert sensor(house) == [(item, 1)]


def test_without_a_dagster_of_this_house_nothing_is_nudged(quiet: tuple[Till, Settings], dagster: FakeDagster) -> None:
    house, settings = quiet
    item = paid(house)
    nudge.nudge_item(house.settings, item)  # nobody said where Dagster is: at the default address another may live
    nudge.nudge_item(settings.model_copy(update={"dagster_url": "http://127.0.0.1:9"}), item)
    assert not eventually(lambda: bool(dagster.launched), 0.5)
    assert asked(house, item) is None


def test_the_threads_are_few_and_go_and_what_breaks_stops_no_other() -> None:
    nudges, done = nudge.Nudges(), []
    gate = threading.Event()

    def breaks() -> None:
        raise RuntimeError("as told")

    assert nudges.give("test", breaks)
    for number in range(nudge.MOST_THREADS):
        assert nudges.give("test", gate.wait)  # type: ignore[arg-type]
        assert number < nudge.MOST_THREADS
    for number in range(20):
        assert nudges.give("test", partial(done.append, number))
    assert nudges._threads <= nudge.MOST_THREADS
    gate.set()
    assert eventually(lambda: sorted(done) == list(range(20)))


def test_too_many_are_left_to_the_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudge, "MOST_WAITING", 3)
    nudges, gate = nudge.Nudges(), threading.Event()
    taken = [nudges.give("test", gate.wait) for _ in range(10)]  # type: ignore[arg-type]
    gate.set()
    assert taken.count(False) >= 10 - 3 - nudge.MOST_THREADS
