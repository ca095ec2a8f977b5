"""Dagster's GraphQL, as far as the house uses it. The schema may change between versions: every query stands here."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from pw_pipelines.errors import OutsideRefused, OutsideUnavailable

TIMEOUT_SECONDS = 30.0
REPOSITORY = "__repository__"  # Dagster's name for what a code location's one `defs` holds
FINISHED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})

LOCATION = """
query Locations { workspaceOrError { __typename
  ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename
    ... on PythonError { message } } } }
  ... on PythonError { message } } }
"""
DAEMONS = """
query Daemons { instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }
"""
AUTOMATION = """
query Automation($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) { __typename
  ... on Repository { jobs { name }
    schedules { name scheduleState { status } } sensors { name sensorState { status } } }
  ... on RepositoryNotFoundError { message } ... on PythonError { message } } }
"""
LAUNCH = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on PipelineNotFoundError { message } ... on UnauthorizedError { message } ... on InvalidSubsetError { message }
  ... on PythonError { message } } }
"""
RUN = """
query Run($id: ID!) { runOrError(runId: $id) { __typename
  ... on Run { status startTime endTime stepStats { stepKey status } } ... on RunNotFoundError { message }
  ... on PythonError { message } } }
"""
RUNS = """
query Runs($filter: RunsFilter!) { runsOrError(filter: $filter, limit: 20) { __typename
  ... on Runs { results { runId status } } ... on PythonError { message } } }
"""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DagsterApi:
    """The webserver at `url`. Raises OutsideUnavailable when it does not answer, OutsideRefused when it says no."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds

    def ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The `data` of one query."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/graphql",
            data=json.dumps({"query": query, "variables": variables or {}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with _direct.open(request, timeout=self._timeout) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:500]
            raise OutsideRefused(f"Dagster at {self.url} answered {error.code}: {text}") from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise OutsideUnavailable(f"Dagster at {self.url} does not answer ({error}); is `pw up` running?") from error
        if answer.get("errors"):
            raise OutsideRefused(f"Dagster at {self.url} refused a query: {answer['errors'][0].get('message')}")
        data: dict[str, Any] = answer["data"]
        return data

    def location_error(self, location: str) -> str | None:
        """Why the code location did not load; None when it did. OutsideUnavailable while it is still loading."""
        workspace = self.ask(LOCATION)["workspaceOrError"]
        if workspace["__typename"] != "Workspace":
            return str(workspace["message"])
        entry = next((entry for entry in workspace["locationEntries"] if entry["name"] == location), None)
        if entry is None:
            return f"Dagster knows no code location {location!r}"
        if entry["loadStatus"] != "LOADED":
            raise OutsideUnavailable(f"The code location {location!r} is still loading.")
        loaded = entry["locationOrLoadError"]
        return None if loaded["__typename"] != "PythonError" else str(loaded["message"])

    def answers(self, location: str) -> bool:
        """Whether the webserver is there and done with loading the code location, well or not."""
        try:
            self.location_error(location)
        except OutsideUnavailable:
            return False
        return True

    def daemons(self) -> dict[str, bool]:
        """Every daemon this instance needs, and whether its heart beats."""
        statuses = self.ask(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return {status["daemonType"]: bool(status["healthy"]) for status in statuses if status["required"]}

    def daemons_healthy(self) -> bool:
        """Whether all of them are healthy; False, too, when nobody answers."""
        try:
            daemons = self.daemons()
        except OutsideUnavailable:
            return False
        return bool(daemons) and all(daemons.values())

    def repository(self, location: str) -> dict[str, dict[str, str]]:
        """{'jobs': {name: ''}, 'schedules': {name: 'RUNNING'|'STOPPED'}, 'sensors': {name: …}} of the location."""
        selector = {"repositoryLocationName": location, "repositoryName": REPOSITORY}
        found = self.ask(AUTOMATION, {"selector": selector})["repositoryOrError"]
        if found["__typename"] != "Repository":
            raise OutsideRefused(f"Dagster has no code location {location!r}: {found.get('message')}")
        return {
            "jobs": {job["name"]: "" for job in found["jobs"]},
            "schedules": {each["name"]: each["scheduleState"]["status"] for each in found["schedules"]},
            "sensors": {each["name"]: each["sensorState"]["status"] for each in found["sensors"]},
        }

    def launch(
        self,
        location: str,
        job: str,
        *,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, object] | None = None,
    ) -> str:
        """Launches `job` (for one partition) and returns the run's id. Raises OutsideRefused with Dagster's reason."""
        all_tags = {**(tags or {}), **({"dagster/partition": partition} if partition else {})}
        params = {
            "selector": {"repositoryLocationName": location, "repositoryName": REPOSITORY, "jobName": job},
            "runConfigData": config or {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in all_tags.items()]},
        }
        answer = self.ask(LAUNCH, {"params": params})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            reasons = [error["message"] for error in answer.get("errors", [])] or [answer.get("message", "")]
            raise OutsideRefused(f"Dagster would not launch {job!r} ({answer['__typename']}): {'; '.join(reasons)}")
        return str(answer["run"]["runId"])

    def run(self, run_id: str) -> dict[str, Any]:
        """status, startTime, endTime (seconds since 1970, UTC) and stepStats of a run."""
        found: dict[str, Any] = self.ask(RUN, {"id": run_id})["runOrError"]
        if found["__typename"] != "Run":
            raise OutsideRefused(f"Dagster has no run {run_id}: {found.get('message')}")
        return found

    def runs_tagged(self, tags: Mapping[str, str]) -> list[tuple[str, str]]:
        """(run id, status) of the newest 20 runs that carry all `tags`, newest first."""
        wanted = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        found = self.ask(RUNS, {"filter": wanted})["runsOrError"]
        if found["__typename"] != "Runs":
            raise OutsideRefused(f"Dagster would not list runs: {found.get('message')}")
        return [(run["runId"], run["status"]) for run in found["results"]]
