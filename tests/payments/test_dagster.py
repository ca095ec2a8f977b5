"""The sensor and the job over the inbox, with a real instance and a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.commerce import orders
from pw_pipelines.jobs.payments import NAME, work_payments_job
from pw_pipelines.sandbox.payments import messages as say
from pw_pipelines.sensors.payments import start_work
from tests.payments.conftest import NOW, TOTAL, Till


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(till: Till, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    resources = {"settings": till.settings, "db": till.db}
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        return start_work(context)


def run(till: Till, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    resources: dict[str, Any] = {"settings": till.settings, "db": till.db, "payments": till.captures}
    return work_payments_job.execute_in_process(instance=instance, resources=resources, raise_on_error=False)


def alerts(till: Till) -> list[str]:
    return [row["text"] for row in till.rows("select text from pw.alerts order by key")]


def test_an_empty_inbox_starts_nothing_and_a_delivery_starts_the_work(till: Till, instance: dg.DagsterInstance) -> None:
    assert isinstance(tick(till, instance), dg.SkipReason)
    order = till.order()
    done = say.stripe_session(order.number, TOTAL)
    till.deliver("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    assert isinstance(tick(till, instance), dg.RunRequest)
    assert run(till, instance).success
    assert till.status(order) == "processing"
    assert isinstance(tick(till, instance), dg.SkipReason)


def test_while_a_run_works_the_inbox_no_other_is_started(till: Till, instance: dg.DagsterInstance) -> None:
    till.deliver("stripe", say.stripe_event("charge.refunded", say.stripe_charge("PW-1", 5, "pi_1", refunded=5), NOW))
    run_ = instance.create_run_for_job(work_payments_job, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(till, instance), dg.SkipReason)
    instance.report_run_failed(run_)
    assert isinstance(tick(till, instance), dg.RunRequest), "a run that died holds up nothing"


def test_an_event_that_breaks_fails_the_run_after_the_others_are_worked(
    till: Till, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = till.order()
    honest = orders.change

    def breaks(connection: Any, order_id: int, *rest: Any, **more: Any) -> None:
        if order_id == order.order_id:
            raise ZeroDivisionError("Ada Lovelace, 5 Main Street")
        honest(connection, order_id, *rest, **more)

    monkeypatch.setattr(orders, "change", breaks)
    other = till.order()
    for one in (order, other):
        done = say.stripe_session(one.number, TOTAL)
        till.deliver("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    result = run(till, instance)
    told = str([event.event_specific_data for event in result.all_events if event.is_failure])
    assert (result.success, till.status(other), "ZeroDivisionError" in told) == (False, "processing", True)
    assert "Lovelace" not in told, "runs are read by everybody"
    assert isinstance(tick(till, instance), dg.SkipReason), "its pause is not over"
    till.settings.clock.set_offset(till.settings.clock.offset() + timedelta(minutes=1))
    assert isinstance(tick(till, instance), dg.RunRequest)
    assert work_payments_job.name == NAME


def test_what_is_held_is_told_to_ops_once(till: Till, instance: dg.DagsterInstance) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL - 1)
    till.tell("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    tick(till, instance)
    tick(till, instance)
    [text] = alerts(till)
    assert "198.99 USD came, the order is 199.00 USD" in text
    assert order.number in text
