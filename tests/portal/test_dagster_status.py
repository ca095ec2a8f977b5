"""The first page's view of Dagster: what should run against what does."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.portal.dagster_status import STATUS_QUERY, DagsterStatus, dagster_status
from pw_pipelines.settings import Mode


def state(status: str = "RUNNING", tick: str | None = "SUCCESS") -> dict[str, Any]:
    return {"status": status, "ticks": [{"status": tick, "timestamp": 1_795_000_000.0}] if tick else []}


def reply(
    *, changed: dict[str, dict[str, Any]] | None = None, without: tuple[str, ...] = (), location: Any = None
) -> dict[str, Any]:
    starters: dict[str, list[dict[str, Any]]] = {"schedule": [], "sensor": []}
    known: dict[str, str] = {name: entry.kind for name, entry in AUTOMATIC.items() if name not in without}
    for name in known | dict.fromkeys(changed or {}, "sensor") | known:
        kind = known.get(name, "sensor")
        starters[kind].append({"name": name, f"{kind}State": (changed or {}).get(name, state())})
    repository = {"schedules": starters["schedule"], "sensors": starters["sensor"]}
    whole = {"__typename": "RepositoryLocation", "repositories": [repository]}
    return {
        "data": {
            "instance": {
                "daemonHealth": {
                    "allDaemonStatuses": [
                        {"daemonType": "SENSOR", "required": True, "healthy": True, "lastHeartbeatTime": 1.0},
                        {"daemonType": "BACKFILL", "required": False, "healthy": None, "lastHeartbeatTime": None},
                    ]
                }
            },
            "workspaceOrError": {
                "__typename": "Workspace",
                "locationEntries": [
                    {"name": "pw", "loadStatus": "LOADED", "locationOrLoadError": location or whole},
                ],
            },
        }
    }


def ask(answer: dict[str, Any] | httpx.Response | Exception) -> DagsterStatus:
    def handler(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content) == {"query": STATUS_QUERY}
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    return dagster_status("http://dagster.example/", Mode.SANDBOX, transport=httpx.MockTransport(handler))


def test_the_query_fits_the_installed_dagster() -> None:
    graphql = pytest.importorskip("graphql")
    from dagster_graphql.schema import create_schema

    assert graphql.validate(create_schema().graphql_schema, graphql.parse(STATUS_QUERY)) == []


def test_everything_that_should_run_and_does_is_well() -> None:
    status = ask(reply())
    assert status.error is None
    assert [(starter.name, starter.state) for starter in status.starters] == [(name, "runs") for name in AUTOMATIC]
    assert all(starter.is_well for starter in status.starters)
    assert [daemon.is_well for daemon in status.daemons] == [True, True]


def test_one_that_was_switched_off_or_is_gone_is_not_well() -> None:
    status = ask(reply(changed={"catch_up": state("STOPPED")}, without=("acquire_daily",)))
    ill = {starter.name: starter.state for starter in status.starters if not starter.is_well}
    assert ill == {"catch_up": "stopped", "acquire_daily": "absent"}


def test_one_whose_last_tick_failed_is_not_well() -> None:
    status = ask(reply(changed={"catch_up": state(tick="FAILURE")}))
    assert [starter.name for starter in status.starters if not starter.is_well] == ["catch_up"]


def test_one_that_runs_and_is_not_declared_is_shown() -> None:
    status = ask(reply(changed={"somebody_elses": state()}))
    assert [(starter.name, starter.should_run) for starter in status.starters if not starter.is_well] == [
        ("somebody_elses", False)
    ]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(502, text="bad gateway"),
        httpx.Response(200, text="<html>"),
    ],
)
def test_a_dagster_that_is_away_leaves_everything_unknown_and_says_so(answer: Any) -> None:
    status = ask(answer)
    assert "did not answer" in (status.error or "")
    assert {starter.state for starter in status.starters} == {"unknown"}


def test_code_that_does_not_load_is_told_and_nothing_is_called_absent() -> None:
    status = ask(reply(location={"__typename": "PythonError", "message": "ImportError: no module x\nTraceback …"}))
    assert status.error == "The code location pw does not load: ImportError: no module x"
    assert {starter.state for starter in status.starters} == {"unknown"}
