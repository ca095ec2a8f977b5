"""`pw up` itself, once: every process there is, Dagster's API against the installed version, the doctor, the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError

import pytest

from pw_pipelines.errors import OutsideRefused, OutsideUnavailable
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.runtime.dagster_api import DagsterApi
from pw_pipelines.runtime.processes import LOCATION
from pw_pipelines.settings import PROJECT_ROOT
from tests.runtime.houses import WHOLE, get, house


@pytest.mark.timeout(400)
def test_the_whole_house_comes_up_answers_and_goes_down(server_path: Path) -> None:
    with house(server_path / "a home", WHOLE) as started:
        started.await_ready(seconds=300)
        assert set(started.addresses["processes"]) == {
            "sandbox", "web", "code-server", "warm", "dagster-webserver", "dagster-read-only",
            "dagster-door", "dagster-daemon",
        }  # fmt: skip
        for page in ("web", "sandbox"):
            assert get(started.addresses[page])
        with pytest.raises(HTTPError, match="401"):  # the door asks who it is
            get(started.addresses["dagster"])

        api = DagsterApi(started.addresses["dagster_api"])
        assert api.location_error(LOCATION) is None
        assert api.location_error("elsewhere") == "Dagster knows no code location 'elsewhere'"
        assert all(api.daemons().values())
        repository = api.repository(LOCATION)
        assert {"acquire", "refresh_bdc", "sync_listmonk"} <= set(repository["jobs"])
        should_run = {name for name, starter in AUTOMATIC.items() if starter.kind == "schedule"}
        assert {name for name, status in repository["schedules"].items() if status == "RUNNING"} == should_run
        with pytest.raises(OutsideRefused, match="would not launch 'no_such_job'"):
            api.launch(LOCATION, "no_such_job")
        with pytest.raises(OutsideRefused, match="no run"):
            api.run("00000000-0000-0000-0000-000000000000")
        run_id = api.launch(LOCATION, "retention", tags={"pw/test": "yes"})
        assert [found for found, _ in api.runs_tagged({"pw/test": "yes"})] == [run_id]
        assert api.run(run_id)["status"] in {"QUEUED", "STARTING", "STARTED", "SUCCESS", "NOT_STARTED"}

        environment = {**os.environ, "PW_HOME": str(started.home)}
        done = subprocess.run(
            [sys.executable, "-m", "pw_pipelines.cli", "doctor", "--json"],
            cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        verdicts = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
        assert [verdicts[name] for name in ("database", "web app", "sandbox", "dagster")] == ["ok"] * 4

        assert started.stop(signal.SIGINT, seconds=90) == 0, started.said()
        assert started.living() == [], "a run that was under way is ended too"
        assert "address already in use" not in started.said()


def test_dagster_that_does_not_answer_is_unavailable_and_not_refused() -> None:
    api = DagsterApi("http://127.0.0.1:9")
    with pytest.raises(OutsideUnavailable, match="is `pw up` running"):
        api.daemons()
    assert not api.daemons_healthy()
    assert not api.answers(LOCATION)
