"""What Dagster says runs by itself, read over its GraphQL; compared with what should.

The queries live here alone, because Dagster's schema may change between versions; a test holds them against the
installed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import httpx

from pw_pipelines.clock import machine_now
from pw_pipelines.jobs.automatic import AUTOMATIC, TIMEZONE, Automatic
from pw_pipelines.portal.status_runs import Run, Runs
from pw_pipelines.settings import Mode

TIMEOUT_SECONDS = 4.0  # the first page must come up when Dagster does not

STATUS_QUERY = """
query StatusOfEverythingAutomatic {
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
  workspaceOrError {
    __typename
    ... on Workspace {
      locationEntries {
        name
        loadStatus
        locationOrLoadError {
          __typename
          ... on PythonError { message }
          ... on RepositoryLocation {
            repositories {
              schedules { name scheduleState { status ticks(limit: 1) { status timestamp } } }
              sensors { name sensorState { status ticks(limit: 1) { status timestamp } } }
              jobs {
                name
                runs(limit: 8) { runId status creationTime endTime assetSelection { path } }
              }
              assetNodes { assetKey { path } jobNames }
            }
          }
        }
      }
    }
    ... on PythonError { message }
  }
}
"""

State = Literal["runs", "stopped", "absent", "unknown"]


@dataclass(frozen=True)
class Starter:
    """One schedule or sensor: what it should do and what it does. Times are UTC by the machine's clock."""

    name: str
    kind: str
    rhythm: str
    why: str
    should_run: bool
    state: State
    last_tick_at: datetime | None = None
    last_tick_age_hours: float | None = None
    last_tick_status: str | None = None

    @property
    def is_well(self) -> bool:
        return (
            (self.state == "runs" and self.last_tick_status != "FAILURE") if self.should_run else self.state != "runs"
        )


@dataclass(frozen=True)
class Daemon:
    """One of Dagster's daemons."""

    name: str
    required: bool
    healthy: bool
    heartbeat_age_hours: float | None

    @property
    def is_well(self) -> bool:
        return self.healthy or not self.required


@dataclass(frozen=True)
class DagsterStatus:
    """Dagster as seen now. `error` says why nothing more is known, or which code does not load."""

    starters: list[Starter]
    daemons: list[Daemon] = field(default_factory=list)
    error: str | None = None
    runs: Runs = field(default_factory=Runs)


@dataclass(frozen=True)
class _Seen:
    kind: str
    running: bool
    tick_at: datetime | None
    tick_status: str | None


def dagster_status(base_url: str, mode: Mode, *, transport: httpx.BaseTransport | None = None) -> DagsterStatus:
    """Asks Dagster. Never raises for a Dagster that is away: then everything is `unknown` and `error` says so."""
    url = f"{base_url.rstrip('/')}/graphql"
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport) as client:
            reply = client.post(url, json={"query": STATUS_QUERY})
            reply.raise_for_status()
            said = reply.json()
    except (httpx.HTTPError, ValueError) as error:
        return DagsterStatus(
            _compare(None, mode),
            error=f"Dagster did not answer at {url} ({type(error).__name__}). Start it with pw up.",
        )
    if said.get("errors") or not said.get("data"):
        return DagsterStatus(_compare(None, mode), error=f"Dagster refused the question: {said.get('errors')}")
    return read_status(said["data"], mode)


def read_status(data: Mapping[str, Any], mode: Mode) -> DagsterStatus:
    """The reply's `data` as a status."""
    daemons = [
        Daemon(
            row["daemonType"].replace("_", " ").lower(),
            bool(row["required"]),
            bool(row["healthy"]),
            _age_hours(_moment(row["lastHeartbeatTime"])),
        )
        for row in data["instance"]["daemonHealth"]["allDaemonStatuses"]
    ]
    workspace = data["workspaceOrError"]
    if workspace["__typename"] != "Workspace":
        return DagsterStatus(_compare(None, mode), daemons, f"The workspace does not load: {workspace.get('message')}")
    seen: dict[str, _Seen] = {}
    faults = []
    by_job: dict[str, list[Run]] = {}
    jobs_of: dict[str, list[str]] = {}
    for entry in workspace["locationEntries"]:
        location = entry["locationOrLoadError"]
        if location is None or location["__typename"] != "RepositoryLocation":
            why = (location or {}).get("message", "still loading").strip().splitlines()[0]
            faults.append(f"The code location {entry['name']} does not load: {why}")
            continue
        for repository in location["repositories"]:
            for kind, key in (("schedule", "scheduleState"), ("sensor", "sensorState")):
                seen |= {row["name"]: _seen(kind, row[key]) for row in repository[f"{kind}s"]}
            for job in repository["jobs"]:
                by_job[job["name"]] = [_run(job["name"], row) for row in job["runs"]]
            jobs_of |= {_key(node["assetKey"]): node["jobNames"] for node in repository["assetNodes"]}
    starters = _compare(None if faults else seen, mode)
    return DagsterStatus(starters, daemons, " ".join(faults) or None, Runs(by_job, jobs_of))


def _run(job: str, row: Mapping[str, Any]) -> Run:
    return Run(
        row["runId"],
        job,
        row["status"],
        _moment(row["creationTime"]),
        _moment(row["endTime"]),
        tuple(map(_key, row["assetSelection"] or ())),
    )


def _key(key: Mapping[str, Any]) -> str:
    return "/".join(key["path"])


def _seen(kind: str, state: Mapping[str, Any]) -> _Seen:
    tick = state["ticks"][0] if state["ticks"] else None
    return _Seen(
        kind,
        state["status"] == "RUNNING",
        _moment(tick["timestamp"]) if tick else None,
        tick["status"] if tick else None,
    )


def _compare(seen: Mapping[str, _Seen] | None, mode: Mode) -> list[Starter]:
    """What should run beside what does; `seen` is None when nobody could know."""
    starters = []
    for name, entry in AUTOMATIC.items():
        starter = Starter(name, entry.kind, _rhythm(entry), entry.why, mode in entry.modes, "unknown")
        if seen is not None:
            starter = _with(starter, seen.get(name))
        starters.append(starter)
    for name, found in (seen or {}).items():
        if name not in AUTOMATIC:
            why = "Not in the list of what may start by itself."
            starters.append(_with(Starter(name, found.kind, "", why, should_run=False, state="unknown"), found))
    return starters


def _with(starter: Starter, found: _Seen | None) -> Starter:
    if found is None:
        return replace(starter, state="absent")
    return replace(
        starter,
        state="runs" if found.running else "stopped",
        last_tick_at=found.tick_at,
        last_tick_age_hours=_age_hours(found.tick_at),
        last_tick_status=found.tick_status,
    )


def _rhythm(entry: Automatic) -> str:
    if entry.at is not None:
        zone = "New York" if TIMEZONE == "America/New_York" else TIMEZONE
        return f"{entry.rhythm} at {entry.at:%H:%M} {zone}"
    return f"every {entry.every_seconds} s"


def _moment(timestamp: float | None) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


def _age_hours(moment: datetime | None) -> float | None:
    return max(0.0, (machine_now() - moment).total_seconds() / 3600) if moment else None
