"""How quickly the lead list is reconciled: the first day's state, and a day on which nothing changed."""

from __future__ import annotations

import httpx

from pw_pipelines.bench.measure import Measure, at_most, seconds
from pw_pipelines.errors import PwError
from pw_pipelines.leads.reconcile import sync
from pw_pipelines.leads.sync_report import SyncReport
from pw_pipelines.resources.listmonk import Listmonk
from pw_pipelines.runtime.stack import Stack

SUBSCRIBERS = 2_718
GOAL_FIRST_DAY_SECONDS = 10.0
GOAL_UNCHANGED_SECONDS = 2.0
NO_QUOTA = 1_000_000

# One of the world's own leads, as many times over as the goal is stated for, each with an address of its own.
_EXACTLY = (
    "create temporary table one on commit drop as select * from marts.deficiency_leads order by frn limit 1",
    "delete from marts.deficiency_leads",
    """insert into marts.deficiency_leads
       select (json_populate_record(one, json_build_object(
                  'frn', lpad((9900000000 + n)::text, 10, '0'), 'email', 'lead' || n || '@bench.example'))).*
       from one, generate_series(1, %s) n""",
)


class WrongState(PwError):
    """The reconciliation did not do what is being measured."""


def measures(stack: Stack) -> list[Measure]:
    """First day (quota lifted: all are created) and unchanged day, against one plain POST after another."""
    prepare, empty, fill = _EXACTLY
    with stack.db.connect() as connection:
        connection.execute(prepare)
        connection.execute(empty)
        connection.execute(fill, (SUBSCRIBERS,))
    settings = stack.settings.model_copy(update={"warmup_per_day": NO_QUOTA, "warmup_provider_share_pct": 100})
    reports: list[SyncReport] = []

    def reconcile() -> None:
        clock = settings.clock
        with Listmonk(settings) as listmonk:
            reports.append(sync(stack.db, listmonk, settings=settings, now=clock.now(), today=clock.today()))

    first = seconds(reconcile)
    again = seconds(reconcile)
    made, kept = reports
    if made.created != SUBSCRIBERS or kept.created or kept.joined or kept.updated or kept.withdrawn:
        raise WrongState(f"expected {SUBSCRIBERS} created, then no write at all; got {made} and {kept}")
    naive = seconds(lambda: _one_after_another(stack, SUBSCRIBERS))
    peer_is = f"{SUBSCRIBERS} plain POSTs one after another, nothing read back"
    return [
        at_most("listmonk_first_day", first, "s", goal=GOAL_FIRST_DAY_SECONDS, peer=naive, peer_is=peer_is),
        at_most("listmonk_unchanged", again, "s", goal=GOAL_UNCHANGED_SECONDS, peer=naive, peer_is=peer_is),
    ]


def _one_after_another(stack: Stack, count: int) -> None:
    settings = stack.settings
    token = settings.listmonk_token.get_secret_value() if settings.listmonk_token else ""
    with httpx.Client(
        base_url=settings.listmonk_url, headers={"Authorization": f"token {settings.listmonk_user}:{token}"}
    ) as client:
        for number in range(count):
            client.post(
                "/api/subscribers",
                json={"email": f"naive{number}@bench.example", "name": "", "lists": [], "attribs": {}},
            ).raise_for_status()
