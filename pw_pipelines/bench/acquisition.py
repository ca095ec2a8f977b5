"""`pw bench acquisition`: the measured goals of the acquisition side, on the sandbox world, in a home of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.bench import http_load, imports, lead_list, memory, plain_copy
from pw_pipelines.bench.measure import Measure, at_most, seconds
from pw_pipelines.errors import PwError
from pw_pipelines.runtime.bootstrap import DAY_TAG, published_vintages
from pw_pipelines.runtime.demo import QUIET
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.processes import Child, await_health, base_url, web_app
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import Mode, Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

GOAL_SECONDS = 60.0
CHECKED_FRNS = 500


class BenchFailed(PwError):
    """A measured run did not succeed, so there is nothing to measure."""


def run(home: Path, *, say: Callable[[str], None]) -> list[Measure]:
    """Every measure in turn; `home` is an empty folder, `say` tells a person what is going on."""
    say("importing the code location, five times")
    measures = [imports.code_location()]
    settings = Settings(home=home, mode=Mode.SANDBOX, database_url=None)
    with open_stack(settings, sandbox=True, dagster=True) as stack:
        measures += _acquisition(stack, say)
        say("the compliance check over HTTP, 8 clients")
        measures.append(_compliance_check(stack))
        say("a Form 499 file of the real size")
        measures.append(memory.form499_peak(_form499_file(stack.settings)))
        say("2,718 subscribers reconciled with Listmonk")
        measures += lead_list.measures(stack)
    return measures


def _acquisition(stack: Stack, say: Callable[[str], None]) -> list[Measure]:
    """Two days; the first has everything to load, the second has yesterday to compare with (absence needs both)."""
    from dagster import DagsterInstance

    from pw_pipelines.dagster_connections import keep_connections

    clock = stack.settings.clock
    vintages = published_vintages(stack.settings)
    taken: list[float] = []
    with DagsterInstance.get() as instance:
        keep_connections(instance)  # as every worker of the house does
        for offset in (timedelta(days=-1), timedelta()):
            clock.set_offset(offset)
            if not taken:
                for vintage in vintages[:-1]:  # history, read once in a lifetime
                    _job(stack.settings, instance, "refresh_bdc", vintage)
            day = clock.today().isoformat()
            say(f"all four sources to leads, {day}")
            taken.append(
                seconds(partial(_job, stack.settings, instance, "refresh_bdc", vintages[-1]))
                + seconds(partial(_job, stack.settings, instance, "acquire", day))
            )
    say("the same sources fetched and copied without any judgement")
    peer = seconds(lambda: plain_copy.copy_everything(stack, vintages[-1]))
    return [
        at_most(name, value, "s", goal=GOAL_SECONDS, peer=peer, peer_is="same sources fetched, parsed whole and copied")
        for name, value in zip(("acquisition_first_day", "acquisition_second_day"), taken, strict=True)
    ]


def _job(settings: Settings, instance: DagsterInstance, job: str, partition: str) -> None:
    from pw_pipelines.definitions import defs

    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition,
        run_config=QUIET,
        tags={DAY_TAG: settings.clock.today().isoformat()},
        raise_on_error=False,
    )
    if not result.success:
        raise BenchFailed(f"{job} {partition} failed; run `pw demo` to see why.")


def _compliance_check(stack: Stack) -> Measure:
    with stack.db.connect() as connection:
        found = connection.execute(
            "select frn from marts.carriers order by md5(frn) limit %s", (CHECKED_FRNS,)
        ).fetchall()
    ports = Ports("127.0.0.1")
    port = ports.take(stack.settings.web_port)
    child = Child(web_app("127.0.0.1", port), stack.settings.home / "logs", os.environ)
    child.start()
    try:
        await_health([child])
        return http_load.compliance_check(base_url("127.0.0.1", port), [str(row["frn"]) for row in found])
    finally:
        child.stop()
        ports.close()


def _form499_file(settings: Settings) -> Path:
    """The invented filers as XML of at least the real file's size."""
    from pw_pipelines.sandbox.fcc_form499 import xml_chunks
    from pw_pipelines.sandbox.world import World

    path = settings.home / "form499.xml"
    with path.open("wb") as sink:
        for chunk in xml_chunks(
            World(settings.sandbox_seed), settings.clock.today(), inflate_to=memory.REAL_SIZE_BYTES * 21 // 20
        ):
            sink.write(chunk)
    return path
