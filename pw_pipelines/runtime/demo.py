"""`pw demo`: the main job once, without a browser, in a fresh sandbox home of its own, and what came out of it.

The jobs are Dagster's own, run in this process one after the other on the real instance (no queue, no daemon):
the vintages, two days of acquisition (absence needs two), and the reconciliation with Listmonk. Then a lead buys
what mends its findings: see demo_order.py.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, PwError
from pw_pipelines.runtime.bootstrap import DAY_TAG, published_vintages
from pw_pipelines.runtime.demo_item import ItemDemo
from pw_pipelines.runtime.demo_order import Failed, OrderDemo, web_app_running
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.running import running_house
from pw_pipelines.runtime.stack import Stack, open_stack, variables_set, with_absolute_home
from pw_pipelines.settings import Mode, Settings

if TYPE_CHECKING:
    import httpx
    from dagster import DagsterInstance

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # events stand in the instance all the same


@dataclass(frozen=True)
class Step:
    """One line of the answer. `detail` is what happened, in words and numbers; `rows` the same as a table."""

    name: str
    ok: bool
    seconds: float
    detail: str
    rows: Sequence[Sequence[object]] = ()


@dataclass(frozen=True)
class DemoReport:
    """The answer: `ok` when every step is."""

    ok: bool
    seconds: float
    home: str
    steps: list[Step]


def demo(settings: Settings, *, keep: bool = False, say: Callable[[Step], None] = lambda _step: None) -> DemoReport:
    """Runs everything; stops at the first step that fails. `keep`: goes on in the home of an earlier demo.

    Raises ConfigError when a `pw up` runs in that home.
    """
    settings = _own_settings(settings, keep=keep)
    began = time.monotonic()
    steps: list[Step] = []

    def step(name: str, deed: Callable[[], tuple[str, Sequence[Sequence[object]]]]) -> None:
        started = time.monotonic()
        try:
            detail, rows = deed()
            done = Step(name, True, round(time.monotonic() - started, 2), detail, rows)
        except PwError as error:
            done = Step(name, False, round(time.monotonic() - started, 2), str(error))
        steps.append(done)
        say(done)
        if not done.ok:
            raise Failed(done.detail)

    ports = Ports("127.0.0.1")
    try:
        opened = time.monotonic()
        port = ports.take(settings.web_port)
        # The stand-ins send their webhooks to the demo's own web app, whatever else runs on this machine.
        address = {"PW_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        settings = settings.model_copy(update={"public_url": address["PW_PUBLIC_URL"]})
        with variables_set(address), open_stack(settings, sandbox=True, dagster=True) as stack:
            steps.append(Step("house", True, round(time.monotonic() - opened, 2), "PostgreSQL and stand-ins started"))
            say(steps[0])
            _steps(stack, step, port)
    except Failed:
        pass  # told as a step already
    finally:
        ports.close()
    ok = all(each.ok for each in steps)
    return DemoReport(ok, round(time.monotonic() - began, 2), str(settings.home), steps)


def _own_settings(settings: Settings, *, keep: bool) -> Settings:
    """The sandbox, in PW_HOME/demo, on the embedded server, whatever the environment says."""
    own = with_absolute_home(
        settings.model_copy(
            update={
                "home": settings.home / "demo",
                "mode": Mode.SANDBOX,
                "database_url": None,
                "dagster_database_url": None,
                "sandbox_database_url": None,
                "objects_url": None,
                "embedded_durable": False,  # nobody keeps a demo
            }
        )
    )
    if running_house(own.home):
        raise ConfigError(f"`pw up` runs in the demo's own home {own.home}; stop it first.")
    if not keep:
        shutil.rmtree(own.home)
        own.home.mkdir()
    return own


def _steps(
    stack: Stack, step: Callable[[str, Callable[[], tuple[str, Sequence[Sequence[object]]]]], None], web_port: int
) -> None:
    from dagster import DagsterInstance

    from pw_pipelines.dagster_connections import keep_connections

    clock = stack.settings.clock
    if not clock.offset():
        clock.set_offset(timedelta(days=-1))
    vintages = published_vintages(stack.settings)

    with DagsterInstance.get() as instance:
        keep_connections(instance)

        def runs(job: str, *partitions: str | None) -> Callable[[], tuple[str, Sequence[Sequence[object]]]]:
            return lambda: (_run(instance, stack.settings, job, partitions), ())

        def day() -> str:
            return clock.today().isoformat()

        step("BDC vintages", runs("refresh_bdc", *vintages))
        step("acquire, first day", runs("acquire", day()))
        clock.set_offset(timedelta())
        step("BDC newest vintage again", runs("refresh_bdc", *vintages[-1:]))
        step("acquire, second day", runs("acquire", day()))
        step("snapshots", lambda: _snapshots(stack.db))
        step("findings", lambda: _findings(stack.db))
        step("leads", lambda: _leads(stack.db))
        step("segments", lambda: _segments(stack.db))
        step("sync with Listmonk", runs("sync_listmonk", None))
        step("subscribers", lambda: _subscribers(stack.db, stack.settings))
        with web_app_running(stack.settings, web_port) as web:
            _order(stack, web, step, lambda job: runs(job, None), lambda: _next_day(instance, stack.settings))


def _order(
    stack: Stack,
    web: httpx.Client,
    step: Callable[[str, Callable[[], Outcome]], None],
    run: Callable[[str], Callable[[], Outcome]],
    next_day: Callable[[], None],
) -> None:
    """A lead's order, to its end."""
    made: list[ItemDemo] = []

    def work_items(order: OrderDemo) -> None:
        made.append(
            ItemDemo(
                stack.db, stack.settings, web, number=order.order["number"], token=order.order["token"],
                frn=order.lead["frn"], run_item=_run_item, run=run, next_day=next_day,
            )
        )  # fmt: skip
        made[0].steps(step)

    def prove_items(_order: OrderDemo) -> None:
        made[0].proof(step)

    OrderDemo(stack.db, stack.settings, web).steps(step, run, work_items, prove_items)


def _run_item(item_id: int) -> None:
    """One run of the job `fulfill_item`, as the sensor asks for it. Raises Failed with the failed step's words."""
    from dagster import DagsterInstance

    from pw_pipelines.dagster_connections import keep_connections
    from pw_pipelines.definitions import defs
    from pw_pipelines.fulfillment.run_words import JOB, config_of, tags_of

    with DagsterInstance.get() as instance:
        keep_connections(instance)
        result = defs.resolve_job_def(JOB).execute_in_process(
            instance=instance, run_config={**QUIET, **config_of(item_id)}, tags=tags_of(item_id), raise_on_error=False
        )
    if not result.success:
        raise Failed(f"{JOB} of item {item_id} failed: {_why(result.all_events)}")


def _next_day(instance: DagsterInstance, settings: Settings) -> None:
    """The next day of the sandbox: the ordinary acquisition, then the look at what was to be cured."""
    settings.clock.set_offset(settings.clock.offset() + timedelta(days=1))
    _run(instance, settings, "acquire", (settings.clock.today().isoformat(),))
    _run(instance, settings, "look_for_cures", (None,))


def _run(instance: DagsterInstance, settings: Settings, job: str, partitions: Sequence[str | None]) -> str:
    """Executes a job in this process, once per partition. Raises with the failed step's own words."""
    from pw_pipelines.definitions import defs

    definition = defs.resolve_job_def(job)
    for partition in partitions:
        result = definition.execute_in_process(
            instance=instance,
            partition_key=partition,
            run_config=QUIET,
            tags={DAY_TAG: settings.clock.today().isoformat()},
            raise_on_error=False,
        )
        if not result.success:
            raise Failed(f"{job} {partition or ''} failed: {_why(result.all_events)}")
    return f"{job} {' '.join(filter(None, partitions))}".rstrip()


def _why(events: Sequence[object]) -> str:
    """What the failed steps said: their own errors, or the checks that did not pass."""
    said = []
    for event in events:
        if getattr(event, "is_step_failure", False):
            failure = event.step_failure_data  # type: ignore[attr-defined]  # Dagster's event, typed as object here
            if failure.user_failure_data and failure.user_failure_data.description:
                said.append(f"{event.step_key}: {failure.user_failure_data.description}")  # type: ignore[attr-defined]
            elif failure.error:
                cause = failure.error.cause or failure.error
                said.append(f"{event.step_key}: {cause.message.strip()}")  # type: ignore[attr-defined]
    return " · ".join(said) or "no step says why; see the run in Dagster"


Outcome = tuple[str, Sequence[Sequence[object]]]


def _query(db: Database, sql: str, *parameters: object) -> list[dict[str, object]]:
    with db.connect(application="pw demo") as connection:
        return list(connection.execute(sql, parameters).fetchall())


def _snapshots(db: Database) -> Outcome:
    rows = _query(
        db,
        """select source, coalesce(vintage, as_of::text) as copy, grade, rows::int as rows,
                  rejected_rows::int as rejected
           from pw.snapshots order by source, as_of, fetched_at""",
    )
    bad = [row for row in rows if row["grade"] not in {"complete", "partial"}]
    if not rows or bad:
        raise Failed(f"{len(bad)} of {len(rows)} snapshots were not good enough to load: {bad}")
    table = [(row["source"], row["copy"], row["grade"], f"{row['rows']:,}", row["rejected"]) for row in rows]
    per_source: dict[str, list[str]] = {}
    for row in rows:
        per_source.setdefault(str(row["source"]), []).append(f"{row['copy']} {row['grade']} {row['rows']:,} rows")
    return "; ".join(f"{source}: {', '.join(copies)}" for source, copies in per_source.items()), table


def _findings(db: Database) -> Outcome:
    rows = _query(
        db,
        """select code, severity, certainty, count(*)::int as n from marts.findings
           group by code, severity, certainty order by min(severity_rank), code, certainty""",
    )
    carriers = _query(db, "select count(distinct frn)::int as n from marts.findings")[0]["n"]
    if not rows:
        raise Failed("no findings: nobody is deficient, which the invented world cannot mean")
    total = sum(int(str(row["n"])) for row in rows)
    codes = ", ".join(f"{row['code']} {row['n']:,} ({row['certainty']})" for row in rows)
    table = [(row["code"], row["severity"], row["certainty"], f"{row['n']:,}") for row in rows]
    return f"{total:,} on {carriers:,} carriers: {codes}", table


def _leads(db: Database) -> Outcome:
    rows = _query(
        db,
        "select contact_source, count(*)::int as n from marts.deficiency_leads group by contact_source order by n desc",
    )
    if not rows:
        raise Failed("no leads, although there are findings")
    sources = ", ".join(f"{row['n']:,} by {row['contact_source']}" for row in rows)
    return f"{sum(int(str(row['n'])) for row in rows):,}: {sources}", [
        (row["contact_source"], row["n"]) for row in rows
    ]


def _segments(db: Database) -> Outcome:
    rows = _query(db, "select segment, leads::int as leads from segments.segment_summary order by leads desc, segment")
    if not any(row["leads"] for row in rows):
        raise Failed("no segment has a lead in it")
    said = ", ".join(f"{row['segment']} {row['leads']:,}" for row in rows)
    return said, [(row["segment"], f"{row['leads']:,}") for row in rows]


def _subscribers(db: Database, settings: Settings) -> Outcome:
    today = settings.clock.today()
    admitted = _query(db, "select count(*)::int as n from pw.warmup_admissions where day = %s", today)[0]["n"]
    states = {
        str(row["state"]): int(str(row["n"]))
        for row in _query(db, "select state, count(*)::int as n from pw.subscribers group by state order by state")
    }
    if not states.get("synced"):
        raise Failed(f"nobody was synced to Listmonk; states of the subscribers: {states or 'none'}")
    detail = (
        f"{states['synced']:,} synced today (quota {settings.warmup_per_day}, {admitted} places taken), "
        f"{states.get('queued', 0):,} left in the warm-up queue, {states.get('held', 0):,} held"
    )
    return detail, [(state, f"{count:,}") for state, count in states.items()]
