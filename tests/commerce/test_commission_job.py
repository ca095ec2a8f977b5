"""The daily job of the commissions in Dagster."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.jobs.commissions import commissions_job
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings
from tests.commerce.making import agent, delivered

PAYOUTS = """
originator: {bank_name: First Example Bank, bank_routing: "021000021", company_name: Example Firm,
             company_id: "1234567890"}
accounts: [{reference: ada, holder: Ada, routing: "011401533", number: "123456", kind: checking, is_company: false}]
"""


@pytest.fixture
def payouts(tmp_path: Path) -> Path:
    path = tmp_path / "payouts.yaml"
    path.write_text(PAYOUTS)
    path.chmod(0o600)
    return path


def run(db: Database, settings: Settings, objects: Objects) -> dict[str, Any]:
    """Metadata of the payment's step, as Dagster shows it."""
    done = commissions_job.execute_in_process(resources={"settings": settings, "db": db, "objects": objects})
    assert done.success
    shown: dict[str, Any] = {}
    for event in done.all_events:
        if event.event_type == dg.DagsterEventType.STEP_OUTPUT:
            shown |= {key: value.value for key, value in event.step_output_data.metadata.items()}
    return shown


def told(db: Database) -> list[str]:
    with db.connect() as connection:
        return [str(row["text"]) for row in connection.execute("select text from pw.alerts order by key")]


def test_the_job_pays_the_month_once_and_tells_ops_who_is_held(
    db: Database, settings: Settings, tmp_path: Path, payouts: Path
) -> None:
    objects = Objects((tmp_path / "objects").as_uri())
    settings = settings.model_copy(update={"payouts_file": payouts})
    with db.connect() as connection:
        now = settings.clock.now()
        paid = agent(connection, "REF-PAID1", payout="ada")
        held = agent(connection, "REF-HELD1")
        delivered(connection, paid, now=now)
        delivered(connection, held, now=now)
    settings.clock.set_offset(timedelta(days=50))  # payable since day 14, which lies in a month before
    first = run(db, settings, objects)
    assert first["became_payable"] == 2
    assert (first["total_usd"], first["is_new"], objects.exists(first["file"])) == ("50.00", True, True)
    assert first["held_agents"] == [{"agent": held.agent_id, "why": "the agent has no payout reference"}]
    again = run(db, settings, objects)
    assert (again["file"], again["is_new"]) == (first["file"], False)
    assert any(f"agent {held.agent_id} are held" in text for text in told(db))
    assert sum("is ready for the bank" in text for text in told(db)) == 1
    assert "123456" not in json.dumps([first, told(db)], default=str)


def test_a_house_without_bank_data_pays_nobody_and_says_so(db: Database, settings: Settings, tmp_path: Path) -> None:
    with db.connect() as connection:
        delivered(connection, agent(connection, payout="ada"), now=settings.clock.now())
    settings.clock.set_offset(timedelta(days=50))
    shown = run(db, settings, Objects((tmp_path / "objects").as_uri()))
    assert shown["file"] == "none"
    assert ["PW_PAYOUTS_FILE names no file" in text for text in told(db)] == [True]
