"""/metrics: what is told, to whom, and what happens when a part of it can't be read."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from dagster._core.scheduler.instigation import TickStatus
from pydantic import SecretStr

from pw_pipelines.backups.status import standings
from pw_pipelines.db.connection import Database
from pw_pipelines.jobs.automatic import Automatic
from pw_pipelines.monitoring import business, dagster_books, records
from pw_pipelines.monitoring.groups import Group
from pw_pipelines.monitoring.scrape import group_names
from pw_pipelines.settings import Mode, Settings
from tests.commerce.making import NOW, ordered, pay
from tests.monitoring.conftest import ELSEWHERE, SENSOR, Metrics, Tick, client_of, scrape

ALL = [*business.GROUPS, *records.groups(), *dagster_books.groups(Mode.SANDBOX)]


def test_every_group_can_be_read(watched: Settings) -> None:
    found = scrape(watched)

    failed = [has["group"] for has, value in found.samples["pw_collect_error"] if value]
    assert failed == []
    assert {has["group"] for has, _ in found.samples["pw_collect_error"]} == set(group_names(watched))


def test_names_follow_the_rules_of_prometheus(watched: Settings) -> None:
    found = scrape(watched)

    wrong = [name for name in found.families if not re.fullmatch(r"(pw|process)_[a-z0-9_]+", name)]
    assert wrong == []
    counters = [f for f in found.families.values() if f.type == "counter"]
    assert all(sample.name.endswith("_total") for one in counters for sample in one.samples)
    units = [name for name in found.families if re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb)$", name)]
    assert units == ["pw_register_missing_days"]  # a count of days, not a time


def test_labels_come_from_small_sets(watched: Settings) -> None:
    found = scrape(watched)

    allowed = {
        "age", "class", "daemon", "gate", "grade", "group", "job", "kind", "le", "method", "outcome", "portal",
        "provider", "reason", "route", "scope", "source", "starter", "state", "status", "subject",
    }  # fmt: skip
    assert {label for rows in found.samples.values() for has, _ in rows for label in has} <= allowed
    assert max(len(rows) for rows in found.samples.values()) < 250


def test_orders_are_counted_by_state_and_age(watched: Settings, db: Database, now: datetime) -> None:
    with db.connect() as connection:
        first = ordered(connection, now=now - timedelta(hours=2))
        pay(connection, first.order_id, now=now)
        ordered(connection, email="bo@example.com", now=now - timedelta(days=3))
        ordered(connection, email="cy@example.com", now=now - timedelta(days=90))

    found = scrape(watched)

    assert found.value("pw_orders", state="processing", age="1d") == 1
    assert found.value("pw_orders", state="received", age="7d") == 1
    assert found.value("pw_orders", state="received", age="older") is None  # nobody pays those any more
    assert found.value("pw_orders", state="held", age="older") == 0


def test_a_backup_counts_as_off_site_only_when_it_may_be_counted_on(
    watched: Settings, db: Database, now: datetime
) -> None:
    sets = [  # days ago, read back off-site, read through, what was found
        (1, True, True, "warehouse.dump.age is damaged"), (2, True, False, None), (3, False, True, None),
        (4, True, True, None), (-400, True, True, None),
    ]  # fmt: skip
    with db.connect() as connection:
        for number, (days, confirmed, verified, damage) in enumerate(sets):
            at = now - timedelta(days=days)
            connection.execute(
                """insert into pw.backup_sets (set_id, subject, state, started_at, captured_at, machine_captured_at,
                     finished_at, maker, bytes, manifest_digest, confirmed_at, verified_at, damage)
                   values (%s, 'postgres', 'complete', %s, %s, %s, %s, 'a test', 1, %s, %s, %s, %s)""",
                (f"20260101T00000{number}Z-000000", at, at, at, at, "0" * 64, at if confirmed else None,
                 at if verified and not damage else None, damage),
            )  # fmt: skip
        [postgres] = [one for one in standings(connection, watched, now=now) if one.subject == "postgres"]

    age = scrape(watched).value("pw_backup_off_site_age_seconds", subject="postgres")

    assert age == pytest.approx(4 * 86_400, abs=600)  # not the younger ones, nor one of a clock that was wrong
    assert postgres.age_hours == pytest.approx(96, abs=0.2)
    assert postgres.late


def test_what_waits_is_told_with_its_age(watched: Settings, db: Database, now: datetime) -> None:
    with db.connect() as connection:
        placed = ordered(connection, now=now - timedelta(days=2))
        item = connection.execute("select item_id from pw.order_items").fetchone()
        assert item is not None
        connection.execute(
            """insert into pw.item_work (item_id, order_id, service, state, gate, gate_why, gate_since, created_at,
                   changed_at) values (%s, %s, 'cpni_certification', 'waiting', 'review', 'look', %s, %s, %s)""",
            (item["item_id"], placed.order_id, now - timedelta(hours=5), now, now),
        )
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at)
               values ('filing:x', %s, 'filing', %s, 'unknown', %s, %s)""",
            (item["item_id"], "a" * 64, now - timedelta(hours=3), now),
        )
        connection.execute(
            "insert into pw.alerts (key, kind, text, raised_at) values ('k', 'gate', 't', %s)",
            (now - timedelta(minutes=10),),
        )

    found = scrape(watched)

    assert found.value("pw_gates_waiting", gate="review") == 1
    assert found.value("pw_gates_waiting", gate="signature") == 0
    assert found.value("pw_gate_oldest_age_seconds", gate="review") == pytest.approx(5 * 3600, abs=60)
    assert found.value("pw_effects", state="unknown") == 1
    assert found.value("pw_effect_oldest_age_seconds", state="unknown") == pytest.approx(3 * 3600, abs=60)
    assert found.value("pw_alerts_waiting") == 1
    assert found.value("pw_alert_oldest_age_seconds") == pytest.approx(600, abs=60)


def test_the_daemon_is_seen_through_dagsters_own_books(
    watched: Settings, dagster_url: str, tick: Tick, now: datetime
) -> None:
    tick(SENSOR, TickStatus.SKIPPED, now - timedelta(minutes=4))
    tick(SENSOR, TickStatus.FAILURE, now - timedelta(minutes=1))
    with psycopg.connect(dagster_url, autocommit=True) as connection:
        connection.execute(
            "insert into daemon_heartbeats (daemon_type, daemon_id, timestamp, body) values ('SENSOR', 'x', %s, '{}')",
            ((now - timedelta(seconds=90)).replace(tzinfo=None),),
        )
        for status, minutes in (("QUEUED", 7), ("STARTED", 2), ("FAILURE", 60), ("SUCCESS", 60 * 30)):
            at = (now - timedelta(minutes=minutes)).replace(tzinfo=None)
            connection.execute(
                "insert into runs (run_id, pipeline_name, status, create_timestamp, update_timestamp) "
                "values (%s, 'acquire', %s, %s, %s)",
                (str(uuid4()), status, at, at),
            )

    found = scrape(watched)

    assert found.value("pw_tick_age_seconds", starter=SENSOR) == pytest.approx(240, abs=30)
    assert found.value("pw_tick_failed", starter=SENSOR) == 1
    assert found.value("pw_starter_running", starter=SENSOR) == 1
    assert found.value("pw_starter_running", starter="acquire_daily") == 0  # it should, and Dagster knows nothing of it
    assert found.value("pw_tick_interval_seconds", starter="acquire_daily") == 86_400
    assert found.value("pw_daemon_heartbeat_age_seconds", daemon="sensor") == pytest.approx(90, abs=30)
    assert found.value("pw_runs_open", status="QUEUED") == 1
    assert found.value("pw_run_oldest_age_seconds", status="QUEUED") == pytest.approx(420, abs=30)
    assert found.value("pw_runs_24h", job="acquire", status="FAILURE") == 1
    assert found.value("pw_runs_24h", job="acquire", status="SUCCESS") is None  # longer ago


def test_dagsters_tables_are_written_as_the_queries_read_them(
    dagster_url: str, dagster_instance: tuple[str, dg.DagsterInstance], watched: Settings
) -> None:
    """A run created by the installed version of Dagster stands where we look."""
    _, instance = dagster_instance
    instance.add_run(dg.DagsterRun(job_name="acquire", run_id=str(uuid4()), status=dg.DagsterRunStatus.STARTED))

    found = scrape(watched)

    assert found.value("pw_runs_open", status="STARTED") == 1
    assert found.value("pw_run_oldest_age_seconds", status="STARTED") == pytest.approx(0, abs=60)


def test_one_group_that_fails_hides_no_other(watched: Settings, db: Database) -> None:
    with db.connect() as connection:
        connection.execute("alter table pw.alerts rename to alerts_elsewhere")

    found = scrape(watched)

    assert found.value("pw_collect_error", group="alerts") == 1
    assert found.value("pw_collect_error", group="orders") == 0
    assert found.value("pw_alerts_waiting") is None
    assert found.value("pw_orders", state="held", age="1d") == 0


def test_a_database_that_is_away_is_a_metric_and_no_error(watched: Settings) -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:9/nothing")

    found = scrape(watched.model_copy(update={"database_url": nowhere, "dagster_database_url": nowhere}))

    assert found.value("pw_collect_error", group="warehouse") == 1
    assert found.value("pw_collect_error", group="dagster") == 1
    assert found.value("pw_warmup_quota") == 200


def test_requests_are_counted_by_route_and_never_by_address(watched: Settings) -> None:
    with client_of(watched) as http:
        http.get("/orders/the-secret-token-of-somebody")
        http.get("/nowhere/at/all")
        http.post("/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=forged"})
        http.post("/webhooks/nobody-we-know", content=b"{}")
        text = http.get("/metrics").text
    found = Metrics(text)

    assert "the-secret-token" not in text
    assert "nobody-we-know" not in text
    assert found.value("pw_http_requests_total", route="/orders/{token}", method="GET", status="4xx") == 1
    assert found.value("pw_http_requests_total", route="elsewhere", method="GET", status="4xx") == 1
    assert found.value("pw_webhooks_total", provider="stripe", outcome="forged") == 1
    assert found.value("pw_webhooks_total", provider="other", outcome="unknown_provider") == 1
    assert found.value("pw_http_request_duration_seconds_count", route="/orders/{token}") == 1
    assert found.value("pw_pool_requests_total") is not None


def test_a_scrape_is_remembered_for_some_seconds(watched: Settings, db: Database) -> None:
    with client_of(watched) as http:
        http.get("/metrics")
        with db.connect() as connection:
            connection.execute("insert into pw.alerts (key, kind, text, raised_at) values ('k', 'run', 't', now())")
        again = Metrics(http.get("/metrics").text)

    assert again.value("pw_alerts_waiting") == 0


@pytest.mark.parametrize(
    ("entry", "hours"),
    [
        ({"at": time(6)}, 24),
        ({"at": time(5, 5), "also_at_hours": (11, 17, 23)}, 6),
        ({"at": time(6), "also_at_hours": (8,)}, 22),
        ({"at": time(4), "weekday": 0}, 7 * 24),
        ({"at": time(4), "month_day": 5}, 31 * 24),
    ],
)
def test_a_schedules_turns_lie_so_far_apart(entry: dict[str, Any], hours: float) -> None:
    starter = Automatic("schedule", frozenset(), "why", **entry)

    assert dagster_books.seconds_between(starter) == hours * 3600


@pytest.mark.parametrize("path", ["/metrics", "/health/house"])
def test_figures_are_told_to_watchers_alone(watched: Settings, path: str) -> None:
    right, wrong = {"Authorization": "Bearer a-long-token"}, {"Authorization": "Bearer a-long-tokem"}
    with client_of(watched, ELSEWHERE) as http:
        assert http.get(path).status_code == 401
        assert http.get(path, headers=wrong).status_code == 401
        assert http.get(path, headers=right).status_code in {200, 503}
    with client_of(watched) as http:
        assert http.get(path).status_code in {200, 503}
        assert http.get(path, headers=wrong).status_code == 401
        assert http.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401  # a proxy's visitor
        assert http.get(path, headers={"Host": "evil.example"}).status_code == 401  # a lured browser


def test_behind_a_public_address_only_the_token_counts(watched: Settings) -> None:
    """Whoever calls through a proxy that adds no header looks like the machine itself."""
    with client_of(watched.model_copy(update={"public_url": "https://performancewest.example"})) as http:
        assert http.get("/metrics").status_code == 401
        assert http.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


def test_without_a_token_nobody_from_elsewhere_may_watch(watched: Settings) -> None:
    with client_of(watched.model_copy(update={"metrics_token": None}), ELSEWHERE) as http:
        assert http.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401
        assert http.get("/metrics", headers={"Authorization": "Bearer None"}).status_code == 401


@pytest.mark.parametrize("group", business.GROUPS, ids=lambda group: group.name)
def test_no_group_reads_through_a_table_that_only_grows(group: Group, db: Database, now: datetime) -> None:
    """By plan: with sequential scans made dear, none is left on books that keep everything."""
    growing = {"orders", "effects", "item_work", "payment_events", "book_entries", "alerts", "compliance_check_log",
               "analytics_events", "bounce_results", "warmup_admissions"}  # fmt: skip
    with db.connect() as connection:
        connection.execute("set local enable_seqscan = off")
        asked = {"now": NOW, "today": now.date(), **group.values}
        plan = [str(row["QUERY PLAN"]) for row in connection.execute(f"explain {group.sql}".encode(), asked)]

    scanned = {match[1] for line in plan if (match := re.search(r"Seq Scan on (\w+)", line))}
    assert scanned & growing == set()
