"""The daemon's queue: looks again soon while runs wait, at Dagster's own pace when none does."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from pw_pipelines.launcher.daemon import HURRIED_SECONDS, Queue, daemons
from pw_pipelines.settings import load_settings

ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__"), "idle")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    coordinator = {"module": QueuedRunCoordinator.__module__, "class": "QueuedRunCoordinator"}
    overrides = {
        "run_coordinator": {**coordinator, "config": {"dequeue_interval_seconds": 3}},
        "concurrency": {
            "runs": {"max_concurrent_runs": 2, "tag_concurrency_limits": [{"key": "pw/alone", "limit": 1}]}
        },
    }
    with dg.instance_for_test(overrides=overrides) as made:
        yield made


def looked(queue: Queue, instance: dg.DagsterInstance) -> tuple[int, float]:
    """How many runs it takes from the queue, and the seconds until it looks again."""
    found = queue._get_runs_to_dequeue(instance, instance.get_concurrency_config(), fixed_iteration_time=None)
    return len(found), queue.interval_seconds


def test_it_looks_again_soon_while_more_wait_than_it_may_start(instance: dg.DagsterInstance) -> None:
    queue = Queue(3)
    assert looked(queue, instance) == (0, 3)
    runs = [
        instance.run_storage.add_run(
            dg.DagsterRun("idle", status=dg.DagsterRunStatus.QUEUED, remote_job_origin=ORIGIN, tags={})
        )
        for _ in range(3)
    ]
    assert looked(queue, instance) == (2, HURRIED_SECONDS)

    for run in runs[:2]:
        instance.report_run_failed(run)
    assert looked(queue, instance) == (1, 3)


def test_it_does_not_hurry_for_what_a_limit_holds_back(instance: dg.DagsterInstance) -> None:
    queue = Queue(3)
    for _ in range(2):
        instance.run_storage.add_run(
            dg.DagsterRun("idle", status=dg.DagsterRunStatus.QUEUED, remote_job_origin=ORIGIN, tags={"pw/alone": "yes"})
        )
    assert looked(queue, instance) == (1, 3)


def test_the_queue_is_ours_and_with_one_setting_dagsters_own(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def the_queue() -> QueuedRunCoordinatorDaemon:
        [found] = [one for one in daemons(instance) if isinstance(one, QueuedRunCoordinatorDaemon)]
        return found

    assert (type(the_queue()), the_queue().interval_seconds) == (Queue, 3)
    monkeypatch.setenv("PW_LAUNCHER", "stock")
    load_settings.cache_clear()
    assert (type(the_queue()), the_queue().interval_seconds) == (QueuedRunCoordinatorDaemon, 3)
