"""Dagster's daemon and runs, read from Dagster's own tables: it has no metrics of its own. No import of Dagster.

Its tables are not an interface that is promised: tests hold these queries against the installed version. A tick's age
is the best single sign of life; daemons are judged by their heartbeat only after many minutes. Times are the
machine's, without a zone, UTC.
"""

from __future__ import annotations

from itertools import pairwise

from pw_pipelines.jobs.automatic import AUTOMATIC, Automatic
from pw_pipelines.monitoring.groups import Gauge, Group
from pw_pipelines.settings import Mode

_DAY = 86_400
# The newest tick that did its work, and whether the newest of all failed; each found by one step into an index.
_TICKS = """
select wanted.name as starter, wanted.kind, wanted.every,
       (found.selector_id is not null and found.status <> 'STOPPED')::int as runs,
       extract(epoch from %(now)s - good.timestamp at time zone 'UTC') as age,
       coalesce((newest.status = 'FAILURE')::int, 0) as failed
  from unnest(%(names)s::text[], %(kinds)s::text[], %(every)s::float[]) as wanted(name, kind, every)
  left join (select selector_id, status, instigator_body::jsonb -> 'origin' ->> 'job_name' as name
               from instigators) as found using (name)
  left join lateral (select t.timestamp from job_ticks t
                      where t.selector_id = found.selector_id and t.status in ('SUCCESS', 'SKIPPED')
                      order by t.timestamp desc limit 1) as good on true
  left join lateral (select t.status from job_ticks t where t.selector_id = found.selector_id
                        and t.status <> 'STARTED'
                      order by t.timestamp desc limit 1) as newest on true
"""
_OPEN_RUNS = """
select status, count(r.id) as runs,
       coalesce(greatest(extract(epoch from %(now)s - min(r.create_timestamp) at time zone 'UTC'), 0), 0) as oldest
  from unnest(array['NOT_STARTED', 'QUEUED', 'STARTING', 'STARTED', 'CANCELING']) as status
  left join (select id, status, create_timestamp from runs
              where status in ('NOT_STARTED', 'QUEUED', 'STARTING', 'STARTED', 'CANCELING')) r using (status)
 group by 1
"""
_ENDED_RUNS = """
select pipeline_name as job, status, count(*) as runs
  from runs where status in ('SUCCESS', 'FAILURE', 'CANCELED')
   and update_timestamp > %(now)s at time zone 'UTC' - interval '1 day'
 group by 1, 2
"""
_HEARTBEATS = """
select lower(daemon_type) as daemon,
       greatest(extract(epoch from %(now)s - timestamp at time zone 'UTC'), 0) as age from daemon_heartbeats
"""
_SIZE = "select pg_database_size(current_database()) as bytes"


def seconds_between(entry: Automatic) -> float:
    """How far apart a starter's ticks lie at most, by its entry."""
    if entry.every_seconds is not None:
        return float(entry.every_seconds)
    if entry.month_day is not None:
        return 31.0 * _DAY
    if entry.weekday is not None:
        return 7.0 * _DAY
    hours = sorted({*((entry.at.hour,) if entry.at else ()), *entry.also_at_hours})
    gaps = [later - hour for hour, later in pairwise([*hours, hours[0] + 24])] if hours else [24]
    return float(max(gaps)) * 3_600


def groups(mode: Mode) -> tuple[Group, ...]:
    """What should run by itself in this mode, and what does."""
    wanted = {name: entry for name, entry in AUTOMATIC.items() if mode in entry.modes}
    values = {
        "names": list(wanted),
        "kinds": [entry.kind for entry in wanted.values()],
        "every": [seconds_between(entry) for entry in wanted.values()],
    }
    labels = ("starter", "kind")
    return (
        Group("ticks", _TICKS, (
            Gauge("pw_starter_running", "1 while a schedule or sensor that should run does.", "runs", labels),
            Gauge("pw_tick_age_seconds", "Time since the last tick that did its work.", "age", labels),
            Gauge("pw_tick_interval_seconds", "How far apart ticks lie when all is well.", "every", labels),
            Gauge("pw_tick_failed", "1 when the newest tick failed.", "failed", labels)), clock="machine",
            values=values),
        Group("open_runs", _OPEN_RUNS, (
            Gauge("pw_runs_open", "Runs that have not ended, by state.", "runs", ("status",)),
            Gauge("pw_run_oldest_age_seconds", "Age of the oldest of them.", "oldest", ("status",))), clock="machine"),
        Group("ended_runs", _ENDED_RUNS, (
            Gauge("pw_runs_24h", "Runs that ended in the last 24 hours.", "runs", ("job", "status")),),
            clock="machine"),
        Group("heartbeats", _HEARTBEATS, (
            Gauge("pw_daemon_heartbeat_age_seconds", "Time since a daemon of Dagster's gave a sign of life.", "age",
                  ("daemon",)),), clock="machine"),
        Group("dagster_database", _SIZE, (
            Gauge("pw_dagster_database_size_bytes", "Size of Dagster's database on disk.", "bytes"),)),
    )  # fmt: skip
