"""Orders and money in Dagster: the job, its sensor, the notice, and the assets with their proofs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import commerce, marts
from pw_pipelines.assets.manifest import read
from pw_pipelines.compliance.manifest import ensure_manifest
from pw_pipelines.db.connection import Database
from pw_pipelines.jobs.books import make_books_job
from pw_pipelines.resources.erpnext import Erpnext, ErpnextDenied
from pw_pipelines.sensors.books import books_wanted, order_notice
from pw_pipelines.sensors.failures import run_failure_alert
from tests.books.making import paid_order, states
from tests.dagster.conftest import FakeTelegram
from tests.dagster.test_starters import record
from tests.fixtures_erpnext import Books

KEYS = ("settings", "db", "erpnext")


@pytest.fixture
def shop(house: dict[str, Any], erpnext: Erpnext) -> dict[str, Any]:
    return {**house, "erpnext": erpnext}


def make(shop: dict[str, Any], instance: dg.DagsterInstance) -> Any:
    resources = {key: shop[key] for key in KEYS}
    return make_books_job.execute_in_process(resources=resources, instance=instance, raise_on_error=False)


def tick(shop: dict[str, Any], instance: dg.DagsterInstance, sensor: dg.SensorDefinition) -> Any:
    with dg.build_sensor_context(instance=instance, resources=shop) as context:
        return sensor.evaluate_tick(context)


def test_the_job_makes_what_waits_and_one_held_order_holds_up_no_other(
    shop: dict[str, Any], db: Database, books: Books, instance: dg.DagsterInstance
) -> None:
    first, second = paid_order(db), paid_order(db)
    with db.connect() as connection:
        connection.execute("update pw.payments set state = 'disputed' where order_id = %s", (first,))
    assert make(shop, instance).success
    assert states(db, first)["sales_order"] == "held"
    assert set(states(db, second).values()) == {"done"}


def test_while_erpnext_is_away_the_run_fails_and_everything_waits(
    shop: dict[str, Any], db: Database, books: Books, instance: dg.DagsterInstance
) -> None:
    order_id = paid_order(db)
    books.misbehave("status", status=503, times=None)
    assert not make(shop, instance).success
    assert set(states(db, order_id).values()) == {"wanted"}
    books.faults.clear()
    assert make(shop, instance).success
    assert set(states(db, order_id).values()) == {"done"}


def test_a_document_our_user_may_not_make_is_held_and_the_queue_goes_on(
    shop: dict[str, Any], db: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = paid_order(db), paid_order(db)
    create, denied = Erpnext.create, []

    def deny_one(self: Erpnext, doctype: str, document: Any) -> Any:
        if doctype == "Sales Order" and not denied:
            denied.append(doctype)
            raise ErpnextDenied("ERPNext refused POST with 403 PermissionError.", status=403)
        return create(self, doctype, document)

    monkeypatch.setattr(Erpnext, "create", deny_one)
    assert make(shop, instance).success
    assert (states(db, first)["sales_order"], set(states(db, second).values())) == ("held", {"done"})
    with db.connect() as connection:
        flags = connection.execute("select order_id, text from pw.conversation_flags where kind = 'books'").fetchall()
    assert [(flag["order_id"], "403" in str(flag["text"])) for flag in flags] == [(first, True)]
    assert make(shop, instance).success, "what is held is not tried again"


def test_credentials_that_are_nobodys_stop_all_and_are_told_once(
    shop: dict[str, Any], db: Database, books: Books, instance: dg.DagsterInstance
) -> None:
    order_id = paid_order(db)
    with Erpnext(books.settings(shop["settings"], erpnext_api_key="nobody"), sleep=lambda _: None) as nobody:
        for _ in range(3):
            assert not make({**shop, "erpnext": nobody}, instance).success
    assert set(states(db, order_id).values()) == {"wanted"}
    tick(shop, instance, run_failure_alert)
    with db.connect() as connection:
        alerts = connection.execute("select key, text from pw.alerts").fetchall()
    assert len(alerts) == 1 and "PW_ERPNEXT_API_KEY" in str(alerts[0]["text"])
    assert make(shop, instance).success
    assert set(states(db, order_id).values()) == {"done"}


def test_the_sensor_starts_one_run_while_something_waits(
    shop: dict[str, Any], db: Database, instance: dg.DagsterInstance
) -> None:
    assert tick(shop, instance, books_wanted).skip_message == "Nothing is wanted in ERPNext."
    paid_order(db)
    assert len(tick(shop, instance, books_wanted).run_requests) == 1
    record(instance, "make_books", dg.DagsterRunStatus.STARTED)
    assert "under way" in tick(shop, instance, books_wanted).skip_message


def test_after_a_failed_run_the_sensor_rests(shop: dict[str, Any], db: Database, instance: dg.DagsterInstance) -> None:
    paid_order(db)
    record(instance, "make_books", dg.DagsterRunStatus.FAILURE)
    assert "the last run failed" in tick(shop, instance, books_wanted).skip_message


def test_a_paid_order_is_told_once_and_an_outage_of_telegram_loses_nothing(
    shop: dict[str, Any], db: Database, instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    paid_order(db, now=shop["settings"].clock.now() - timedelta(minutes=1))
    telegram.down = True
    assert "1 alerts wait" in tick(shop, instance, order_notice).skip_message
    telegram.down = False
    tick(shop, instance, order_notice)
    tick(shop, instance, order_notice)
    assert [text.split(",")[0].split(":")[0] for text in telegram.messages] == ["Paid"]


def test_a_question_for_a_person_is_told_once_and_without_what_was_written(
    shop: dict[str, Any], db: Database, instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.conversation_flags (kind, text, raised_at, raised_by) values "
            "('agent', 'Bea, bea@example.org', %s, 'applicant')",
            (shop["settings"].clock.now(),),
        )
    tick(shop, instance, order_notice)
    tick(shop, instance, order_notice)
    address = f"{shop['settings'].public_url}/desk/questions"
    assert telegram.messages == [f"Waits for a person: Wants to become a sales agent. {address}"]


def test_orders_payments_and_revenue_are_proved_with_their_marts(
    shop: dict[str, Any], db: Database, books: Books, instance: dg.DagsterInstance
) -> None:
    order_id = paid_order(db)
    make(shop, instance)
    manifest = read(ensure_manifest())
    (dbt,) = [one for one in marts.assets(manifest) if "mart_funnel" in {key.to_user_string() for key in one.keys}]
    assets = [*commerce.assets(shop["settings"]), dbt]

    def prove() -> dict[str, bool]:
        result = dg.materialize(assets, resources={key: shop[key] for key in KEYS}, instance=instance)
        return {one.check_name: one.passed for one in result.get_asset_check_evaluations()}

    # pay() of the tests books no movement of money, and the ledger's proof says so
    passed = prove()
    assert {name for name, ok in passed.items() if not ok} == {commerce.LEDGER_AGREES}
    assert passed[commerce.BOOKS_AGREE]
    assert passed["revenue_is_the_ledger"]
    with db.connect() as connection:
        connection.execute("update pw.book_entries set name = 'SO-LOST' where kind = 'sales_order'")
    assert not prove()[commerce.BOOKS_AGREE]
    assert set(states(db, order_id).values()) == {"done"}
    event = instance.get_latest_materialization_event(dg.AssetKey("orders"))
    assert event is not None
    assert event.asset_materialization is not None
    shown = str(event.asset_materialization.metadata["preview"].value)
    assert "PW-2026-000001" in shown
    assert "ada@example.com" not in shown
