"""What Dagster's books say of a job's day while they change under the reader."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from pw_pipelines.schedules.past import PARTITION_TAG, past_of

DAY = "2026-11-26"


@dg.job(name="acquire")
def _acquire() -> None: ...


def test_a_run_that_ends_while_the_books_are_read_is_under_way_or_done_and_never_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(_acquire, status=dg.DagsterRunStatus.STARTED, tags={PARTITION_TAG: DAY})
        read = instance.get_run_records

        def read_and_end(*given: Any, **named: Any) -> Any:
            """The run ends a moment after the first look."""
            found = read(*given, **named)
            monkeypatch.setattr(instance, "get_run_records", read)
            ended = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name)
            instance.report_dagster_event(ended, run.run_id)
            return found

        monkeypatch.setattr(instance, "get_run_records", read_and_end)
        past = past_of(instance, "acquire", DAY, by_partition=True)
        assert past_of(instance, "acquire", DAY, by_partition=True).done
    assert past.open
    assert not past.may_start
