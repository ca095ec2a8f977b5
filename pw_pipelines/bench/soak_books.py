"""A day of `pw bench soak` as the books have it: memory, sizes, runs, alerts, orders, backups, probes; what is red."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.rows import dict_row

from pw_pipelines.bench.paid_orders import BenchHouse
from pw_pipelines.bench.soak_red import NOTICES, Red, alert_name
from pw_pipelines.runtime.processes import leftovers
from pw_pipelines.runtime.running import running_house

# A word of each long-running process's command line, most particular first.
PROGRAMS = {
    "web": "pw_pipelines.runtime.web_server", "dagster-daemon": "pw_pipelines.launcher.daemon",
    "warm": "pw_pipelines.launcher", "code-server": "grpc", "dagster-read-only": "--read-only",
    "dagster-webserver": "dagster_webserver", "dagster-door": "pw_pipelines.runtime.dagster_door",
    "stand-ins": "pw_pipelines.sandbox",
}  # fmt: skip
MIB = 1024 * 1024
OPEN = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
Rows = list[dict[str, Any]]


@dataclass
class Day:
    """One day of the week as told. memory_mib: resident MiB by program (PostgreSQL: proportional). orders.waiting:
    items by gate at the day's end. dagster: its database and how many rows it has. waited: seconds by what for."""

    number: int
    day: str
    seconds: float = 0.0
    waited: dict[str, float] = field(default_factory=dict)
    memory_mib: dict[str, float] = field(default_factory=dict)
    database_bytes: int = 0
    objects_bytes: int = 0
    dagster: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    broken_on_purpose: list[dict[str, Any]] = field(default_factory=list)
    unexplained: list[dict[str, str]] = field(default_factory=list)
    orders: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    bounces: dict[str, int] = field(default_factory=dict)
    backups: dict[str, Any] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    reds: list[Red] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The keys that are promised, and those beside them."""
        return {name: value for name, value in vars(self).items() if name != "reds"}


@dataclass(frozen=True)
class Mark:
    """Where a day began in the books of runs, checks and alerts: what came after it is the day's."""

    run: int
    check: int
    at: datetime
    alerts: frozenset[str]


class Books:
    """Reads the house's two databases; `dagster` is Dagster's own."""

    def __init__(self, house: BenchHouse) -> None:
        running = running_house(house.settings.home)
        assert running is not None
        self.house = house
        self._dagster_url = running.environment["PW_DAGSTER_DATABASE_URL"]
        self._supervisor = running.pid

    def ours(self, query: str, *parameters: object) -> Rows:
        """Rows of the warehouse."""
        return list(self.house.connection.execute(query.encode(), parameters).fetchall())

    def dagster(self, query: str, *parameters: object) -> Rows:
        """Rows of Dagster's database."""
        with psycopg.connect(self._dagster_url, row_factory=dict_row) as connection:
            return list(connection.execute(query.encode(), parameters).fetchall())

    def mark(self) -> Mark:
        """Now, in every book."""
        newest = self.dagster(
            "select (select coalesce(max(id), 0) from runs) as run, "
            "(select coalesce(max(id), 0) from asset_check_executions) as check"
        )[0]
        alerts = frozenset(str(row["key"]) for row in self.ours("select key from pw.alerts"))
        return Mark(newest["run"], newest["check"], self.house.settings.clock.now(), alerts)

    def runs_of(self, job: str, day: date) -> list[str]:
        """Statuses of a job's runs of one day of the house, whoever started them."""
        rows = self.dagster(
            """select distinct r.id, r.status from runs r join run_tags t using (run_id)
               where r.pipeline_name = %s and t.value = %s and t.key in ('pw/day', 'dagster/partition')""",
            job, day.isoformat(),
        )  # fmt: skip
        return [str(row["status"]) for row in rows]

    def open_runs(self) -> list[str]:
        """Jobs of the runs that wait or are under way."""
        rows = self.dagster("select pipeline_name from runs where status = any(%s)", list(OPEN))
        return [str(row["pipeline_name"]) for row in rows]

    # -- a day ------------------------------------------------------------------------------------------------------

    def measure(self, day: Day, since: Mark) -> None:
        """Fills everything of a day that can be read at its end."""
        settings = self.house.settings
        day.memory_mib = self.memory()
        day.database_bytes = int(self.ours("select pg_database_size(current_database()) as n")[0]["n"])
        day.objects_bytes = _bytes_below(settings.home / "objects")
        day.dagster = self.dagster(
            """select pg_database_size(current_database()) as bytes, (select count(*) from runs) as runs,
                      (select count(*) from event_logs) as events, (select count(*) from job_ticks) as ticks"""
        )[0]
        statuses = Counter(
            str(row["status"]) for row in self.dagster("select status from runs where id > %s", since.run)
        )
        day.runs = {"ok": statuses["SUCCESS"], "failed": statuses["FAILURE"] + statuses["CANCELED"],
                    "open": sum(statuses[one] for one in OPEN)}  # fmt: skip
        day.orders |= {
            "delivered": self.ours("select count(*) as n from pw.orders where status = 'delivered'")[0]["n"],
            "waiting": {row["gate"]: row["n"] for row in self.ours(
                "select gate, count(*) as n from pw.item_work where state = 'waiting' group by gate order by gate")},
        }  # fmt: skip
        day.bounces |= {row["class"]: row["n"] for row in self.ours(
            "select class, count(*) as n from pw.bounce_results where at >= %s group by class", since.at)}  # fmt: skip
        day.backups = self._backups(since)
        day.probes = {row["outcome"]: row["n"] for row in self.ours(
            "select outcome, count(*) as n from pw.portal_probes where at >= %s and by = 'job' group by outcome",
            since.at)}  # fmt: skip
        day.reds = self.reds(since)
        day.alerts = [red.name.removeprefix("alert ") for red in day.reds if red.name.startswith("alert ")]

    def memory(self) -> dict[str, float]:
        """Resident MiB by program."""
        found: defaultdict[str, float] = defaultdict(float)
        for process in leftovers(self.house.settings.home):
            with contextlib.suppress(psutil.Error):
                command = process.cmdline()
                name = next((name for name, word in PROGRAMS.items() if word in command), None)
                if name and process.ppid() == self._supervisor:
                    found[name] += process.memory_info().rss / MIB
        found["supervisor"] = psutil.Process(self._supervisor).memory_info().rss / MIB
        found["postgresql"] = sum(_proportional(pid) for pid in self._postgres()) / MIB
        return {name: round(value, 1) for name, value in sorted(found.items())}

    def _postgres(self) -> list[int]:
        folder = Path(self.ours("show data_directory")[0]["data_directory"])
        master = int(folder.joinpath("postmaster.pid").read_text().splitlines()[0])
        return [master, *(child.pid for child in psutil.Process(master).children(recursive=True))]

    def _backups(self, since: Mark) -> dict[str, Any]:
        rows = self.ours(
            """select subject, count(*) filter (where state in ('complete', 'expired') and confirmed_at is not null)
                      as good, count(*) as made, coalesce(sum(bytes), 0)::bigint as bytes
               from pw.backup_sets where started_at >= %s group by subject order by subject""",
            since.at,
        )
        drills = self.ours(
            "select ok, round(rpo_seconds::numeric, 1)::float as rpo_seconds, round(rto_seconds::numeric, 1)::float "
            "as rto_seconds from pw.backup_drills where started_at >= %s",
            since.at,
        )
        return {**{row["subject"]: {"good": row["good"], "made": row["made"], "bytes": row["bytes"]} for row in rows},
                "drills": drills}  # fmt: skip

    # -- what is red ------------------------------------------------------------------------------------------------

    def reds(self, since: Mark) -> list[Red]:
        """Everything red that came since `since`, or stands now."""
        return [*self._runs(since), *self._checks(since), *self._alerts(since), *self._standing()]

    def _runs(self, since: Mark) -> list[Red]:
        rows = self.dagster(
            "select pipeline_name, run_id, status from runs where id > %s and status in ('FAILURE', 'CANCELED')",
            since.run,
        )
        return [Red(f"run {row['pipeline_name']}", f"{row['status'].lower()} {row['run_id']}") for row in rows]

    def _checks(self, since: Mark) -> list[Red]:
        rows = self.dagster(
            """select asset_key, check_name, evaluation_event from asset_check_executions
               where id > %s and execution_status = 'FAILED'""",
            since.check,
        )
        return [
            Red(f"check {'/'.join(json.loads(row['asset_key']))}:{row['check_name']}", _description(row))
            for row in rows
        ]

    def _alerts(self, since: Mark) -> list[Red]:
        jobs = {row["run_id"]: row["pipeline_name"] for row in self.dagster("select run_id, pipeline_name from runs")}
        rows = self.ours("select key, kind, text from pw.alerts order by raised_at, key")
        return [
            Red(alert_name(str(row["key"]), jobs), str(row["text"]))
            for row in rows
            if row["key"] not in since.alerts and row["kind"] not in NOTICES
        ]

    def _standing(self) -> list[Red]:
        gates = self.ours(
            "select service, gate, gate_why from pw.item_work where state = 'waiting' "
            "and gate in ('error', 'unknown_effect', 'changed_page', 'portal_closed', 'retry')"
        )
        effects = self.ours("select kind, key from pw.effects where state = 'unknown'")
        entries = self.ours("select kind, state from pw.book_entries where state in ('unknown', 'held')")
        unsent = self.ours("select count(*) as n, min(last_error) as why from pw.alerts where sent_at is null")[0]
        return [
            *(Red(f"gate {row['gate']}:{row['service']}", str(row["gate_why"])) for row in gates),
            *(Red(f"effect unknown:{row['kind']}", str(row["key"])) for row in effects),
            *(Red(f"books {row['state']}:{row['kind']}") for row in entries),
            *([Red("unsent alerts", f"{unsent['n']}: {unsent['why']}")] if unsent["n"] and unsent["why"] else []),
        ]


def _description(row: Mapping[str, Any]) -> str:
    """What the check itself said; Dagster keeps it deep in its event."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        data = json.loads(row["evaluation_event"])["dagster_event"]["event_specific_data"]
        return str(data.get("description") or "")
    return ""


def _bytes_below(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _proportional(pid: int) -> int:
    """PostgreSQL's processes share their buffers: each is counted by its share of them."""
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_full_info().pss)
    return 0


def growth(days: Sequence[Day], before: int) -> list[int]:
    """Bytes by which the warehouse grew on each day; `before`: its size as the week began."""
    sizes = [before, *(one.database_bytes for one in days)]
    return [after - earlier for earlier, after in pairwise(sizes)]
