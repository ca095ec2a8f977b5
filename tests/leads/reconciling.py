"""What the tests of the reconciliation share: three leads, and one run against the stand-in Listmonk."""

from __future__ import annotations

from datetime import date
from typing import Any

from pw_pipelines.db.connection import Database
from pw_pipelines.leads.reconcile import sync
from pw_pipelines.leads.sync_report import SyncReport
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.warehouse import NOW, TODAY, GivenLead

ANN, BOB, CAT = "ann@alpha.example", "bob@beta.example", "cat@gamma.example"


def three() -> list[GivenLead]:
    """Ann, Bob and Cat; Bob's lead is the worst."""
    return [
        GivenLead("0000000001", ANN, name="Ñandú & Söhne, LLC", codes=("RMD_ROLE_NONE", "RMD_NOT_RECERTIFIED")),
        GivenLead("0000000002", BOB, codes=("RMD_MISSING",), severity="critical"),
        GivenLead("0000000003", CAT, contact_name="Cat Example"),
    ]


def reconcile(
    db: Database, server: Listmonk, settings: Settings, *, today: date = TODAY, per_day: int = 200, **client: Any
) -> SyncReport:
    """One reconciliation on the day `today`; `client`: what the client is made with, such as a transport."""
    settings = server.settings(settings).model_copy(update={"warmup_per_day": per_day})
    with Client(settings, sleep=lambda _seconds: None, **client) as listmonk:
        return sync(db, listmonk, settings=settings, now=NOW + (today - TODAY), today=today)


def on_list(server: Listmonk, email: str) -> str | None:
    """The status of an address on the lead list; None when it is not on it."""
    stored = server.stored(email)
    return stored["subscriptions"].get("9") if stored else None
