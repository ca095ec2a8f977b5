"""The first page's view of Dagster: what should run against what does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.portal.dagster_status import STATUS_QUERY, DagsterStatus, dagster_status
from pw_pipelines.portal.status_runs import ASSET_JOB, linked
from pw_pipelines.portal.status_sources import SourceLine, expected
from pw_pipelines.settings import Mode

JOBS_OF = {
    "raw_socrata_ct": ["refresh_registers_weekly", ASSET_JOB],
    "raw_iowa_hub": ["refresh_registers_monthly", ASSET_JOB],
}


def state(status: str = "RUNNING", tick: str | None = "SUCCESS") -> dict[str, Any]:
    return {"status": status, "ticks": [{"status": tick, "timestamp": 1_795_000_000.0}] if tick else []}


def reply(
    *,
    changed: dict[str, dict[str, Any]] | None = None,
    without: tuple[str, ...] = (),
    location: Any = None,
    jobs: dict[str, list[dict[str, Any]]] | None = None,
    jobs_of: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    starters: dict[str, list[dict[str, Any]]] = {"schedule": [], "sensor": []}
    known: dict[str, str] = {name: entry.kind for name, entry in AUTOMATIC.items() if name not in without}
    for name in known | dict.fromkeys(changed or {}, "sensor") | known:
        kind = known.get(name, "sensor")
        starters[kind].append({"name": name, f"{kind}State": (changed or {}).get(name, state())})
    repository = {"schedules": starters["schedule"], "sensors": starters["sensor"]} | {
        "jobs": [{"name": name, "runs": runs} for name, runs in (jobs or {}).items()],
        "assetNodes": [{"assetKey": {"path": [key]}, "jobNames": names} for key, names in (jobs_of or JOBS_OF).items()],
    }
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


# -- runs: what is on its way, what failed --------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)


def a_run(status: str, *, hours_ago: float = 1, assets: tuple[str, ...] = (), run_id: str = "run-1") -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours_ago)).timestamp()
    is_over = status in {"SUCCESS", "FAILURE", "CANCELED"}
    chosen = [{"path": [key]} for key in assets] or None
    return {"runId": run_id, "status": status, "creationTime": at, "endTime": at if is_over else None,
            "assetSelection": chosen}  # fmt: skip


def line(source: str = "socrata_ct", state: str = "missing", newest: Any = None) -> SourceLine:
    return SourceLine(source, "Title", "https://example.com", None, newest, "", None, None, state)


def states(status: DagsterStatus, *lines: SourceLine, filling: bool = False) -> list[tuple[str, str]]:
    told = expected(lines or [line()], status, filling=filling, machine_now=NOW)
    return [(one.state, one.note) for one in told]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([], ("loading", "refresh_registers_weekly waits for its turn")),
        ([a_run("QUEUED")], ("loading", "refresh_registers_weekly waits for its turn")),
        ([a_run("STARTED")], ("loading", "refresh_registers_weekly is under way")),
        ([a_run("STARTED", hours_ago=13)], ("missing", "")),
        ([a_run("FAILURE")], ("missing", "")),
        ([a_run("SUCCESS")], ("missing", "")),
        ([a_run("STARTED"), a_run("FAILURE")], ("missing", "")),
    ],
)
def test_a_register_is_loading_until_a_run_of_its_job_has_ended(
    runs: list[dict[str, Any]], told: tuple[str, str]
) -> None:
    assert states(ask(reply(jobs={"refresh_registers_weekly": runs}))) == [told]


def test_a_register_that_nothing_will_start_is_missing() -> None:
    assert states(ask(reply(changed={"catch_up": state("STOPPED")}))) == [("missing", "")]
    assert states(ask(reply(changed={"catch_up": state(tick="FAILURE")}))) == [("missing", "")]
    assert states(ask(reply()), line("no_asset_of_dagster")) == [("missing", "")]
    assert states(ask(httpx.ConnectError("refused"))) == [("missing", "")], "nobody can know"


def test_what_is_here_or_was_refused_or_is_loaded_by_hand_is_not_called_loading() -> None:
    lines = [line(state="fresh"), line(newest=object()), line("illinois_llc", "by hand")]
    assert [state for state, _ in states(ask(reply()), *lines)] == ["fresh", "missing", "by hand"]


def test_while_the_house_is_filled_a_record_is_on_its_way() -> None:
    assert states(ask(httpx.ConnectError("starting")), filling=True) == [("on its way", "")]


def unmended(jobs: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [run.what for run in ask(reply(jobs=jobs)).runs.unmended(NOW)]


def test_a_run_that_failed_lately_is_told_until_a_run_of_its_job_succeeds() -> None:
    failed = a_run("FAILURE", hours_ago=3)
    assert unmended({"acquire": [failed], "judge": [a_run("SUCCESS")]}) == ["acquire"]
    assert unmended({"acquire": [a_run("STARTED"), failed]}) == ["acquire"]
    assert unmended({"acquire": [a_run("SUCCESS"), failed]}) == []
    assert unmended({"acquire": [a_run("FAILURE", hours_ago=30)]}) == []


def test_a_failed_run_of_chosen_assets_is_mended_by_whatever_makes_them() -> None:
    failed = a_run("FAILURE", hours_ago=3, assets=("raw_socrata_ct",))
    other = a_run("SUCCESS", assets=("raw_iowa_hub",))
    same = a_run("SUCCESS", assets=("raw_socrata_ct", "register_ct"))
    assert unmended({ASSET_JOB: [other, failed]}) == ["materialization of raw_socrata_ct"]
    assert unmended({ASSET_JOB: [same, failed]}) == []
    assert unmended({ASSET_JOB: [failed], "refresh_registers_weekly": [a_run("SUCCESS")]}) == []
    assert unmended({ASSET_JOB: [failed], "refresh_registers_monthly": [a_run("SUCCESS")]}) != []


def test_only_dagsters_own_pages_become_links() -> None:
    text = "It failed.\nhttp://dagster.example/runs/0123456789. See http://evil.example/runs/1"
    assert [(part.text, part.url) for part in linked(text, "http://dagster.example/")] == [
        ("It failed.\n", None),
        ("run 01234567", "http://dagster.example/runs/0123456789"),
        (". See http://evil.example/runs/1", None),
    ]
