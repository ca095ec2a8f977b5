"""Runs left behind by a hard stop are closed at start, and only those."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from pw_pipelines.jobs.abandoned import close_abandoned_runs
from tests.dagster.test_starters import record

S = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("was", "becomes"), [(S.STARTING, S.FAILURE), (S.STARTED, S.FAILURE), (S.CANCELING, S.CANCELED)]
)
def test_a_run_nobody_works_on_any_more_is_closed(
    instance: dg.DagsterInstance, was: dg.DagsterRunStatus, becomes: dg.DagsterRunStatus
) -> None:
    run = record(instance, "acquire", was)
    (closed,) = close_abandoned_runs(instance)
    assert (closed.run_id, closed.job, closed.was) == (run.run_id, "acquire", was.value)
    after = instance.get_run_by_id(run.run_id)
    assert after is not None
    assert after.status is becomes
    assert close_abandoned_runs(instance) == []


@pytest.mark.parametrize("was", [S.SUCCESS, S.FAILURE, S.CANCELED, S.NOT_STARTED])
def test_a_run_that_ended_or_was_never_handed_over_is_left_alone(
    instance: dg.DagsterInstance, was: dg.DagsterRunStatus
) -> None:
    record(instance, "acquire", was)
    assert close_abandoned_runs(instance) == []


def test_a_queued_run_is_taken_up_by_the_new_daemon_unless_nobody_waits_for_it_any_more() -> None:
    """A run can only be queued by a real code server, so the books are played here."""
    stale = SimpleNamespace(run_id="1", job_name="acquire", status=S.QUEUED)
    asked: list[dg.RunsFilter] = []
    failed: list[str] = []

    class Books:
        def get_runs(self, filters: dg.RunsFilter) -> list[SimpleNamespace]:
            asked.append(filters)
            return [stale] if S.QUEUED in filters.statuses else []

        def report_run_failed(self, run: SimpleNamespace, message: str) -> None:
            failed.append(f"{run.run_id}: {message}")

    (closed,) = close_abandoned_runs(Books())  # type: ignore[arg-type]
    assert closed.was == "QUEUED"
    assert "more than 1 day" in failed[0]
    (about_queued,) = [one for one in asked if S.QUEUED in one.statuses]
    assert about_queued.created_before is not None
    assert datetime.now(UTC) - about_queued.created_before >= timedelta(hours=24)
