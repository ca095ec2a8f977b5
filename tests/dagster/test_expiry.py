"""The nightly end of unpaid orders, as Dagster runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from pw_pipelines.commerce.order_view import read
from pw_pipelines.db.connection import Database
from pw_pipelines.jobs.expiry import expire_orders_job
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW, ordered


def test_one_order_ends_and_one_whose_transfer_fell_silent_is_put_before_a_person(
    settings: Settings, db: Database, instance: dg.DagsterInstance
) -> None:
    raw = (
        b'{"livemode": false, "type": "checkout.session.completed",'
        b' "data": {"object": {"id": "cs_1", "payment_status": "unpaid", "amount_total": 19900, "currency": "usd"}}}'
    )
    with db.connect() as connection:
        ends, waits = ordered(connection), ordered(connection)
        connection.execute(
            "insert into pw.payment_events (provider, dedupe_key, event_type, order_number, raw, received_at,"
            " last_delivery_at, state, worked_at) values ('stripe', 'evt_1', 'checkout.session.completed', %s, %s, %s,"
            " %s, 'done', %s)",
            (waits.number, raw, NOW, NOW, NOW),
        )
    settings.clock.set_offset(NOW + timedelta(days=40) - datetime.now(UTC))
    assert expire_orders_job.execute_in_process(resources={"settings": settings, "db": db}, instance=instance).success
    with db.connect() as connection:
        assert (read(connection, ends.number).status, read(connection, waits.number).status) == (
            "cancelled",
            "received",
        )
        [event] = connection.execute("select state from pw.payment_events").fetchall()
    assert event["state"] == "held"
