"""Personal data goes when its time is over, and not before."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.erasing import erase_due
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.jobs.private_data import erase_private_data_job
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW
from tests.desk.making import paid_order

SSN = "900-70-1234"


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(settings)


def given(db: Database, vault: Vault, *, state: str) -> int:
    """An item with a name and an SSN, in this state since NOW."""
    with db.connect() as connection:
        (item,) = paid_order(connection)[1]
        vault.put(connection, item, "signer_name", "Ann Example", now=NOW)
        vault.put(connection, item, "responsible_ssn", SSN, now=NOW)
        if state == "done":
            connection.execute("update pw.item_work set stage = 'done', state = 'done', done_at = %s", (NOW,))
        if state == "stopped":
            items.stop(connection, item, by="test", why="refunded", now=NOW)
    return item


def night(db: Database, vault: Vault, days_later: int) -> tuple[int, int]:
    with db.connect() as connection:
        done = erase_due(connection, vault, days=90, number_days=14, now=NOW + timedelta(days=days_later))
    return done.dated, done.erased


def left(db: Database, vault: Vault, item: int) -> set[str]:
    with db.connect() as connection:
        return vault.names(connection, item)


@pytest.mark.parametrize("state", ["done", "stopped"])
def test_numbers_go_first_and_the_rest_when_its_days_are_over(db: Database, vault: Vault, state: str) -> None:
    item = given(db, vault, state=state)
    assert night(db, vault, 13) == (2, 0)
    assert night(db, vault, 14) == (0, 1)
    assert left(db, vault, item) == {"signer_name"}
    assert night(db, vault, 89) == (0, 0)
    assert night(db, vault, 90) == (0, 1)
    assert left(db, vault, item) == set()


def test_an_item_under_way_keeps_what_it_needs_however_long_it_waits(db: Database, vault: Vault) -> None:
    item = given(db, vault, state="waiting")
    assert night(db, vault, 1_000) == (0, 0)
    assert left(db, vault, item) == {"signer_name", "responsible_ssn"}


def test_a_day_that_was_given_counts_even_while_the_item_is_under_way(db: Database, vault: Vault) -> None:
    item = given(db, vault, state="waiting")
    with db.connect() as connection:
        vault.put(connection, item, "responsible_ssn", SSN, now=NOW, erase_on=date(2026, 12, 1))
    assert night(db, vault, 8) == (0, 0)
    assert night(db, vault, 9) == (0, 1)


def test_the_job_says_how_many_and_nothing_else(db: Database, settings: Settings, vault: Vault) -> None:
    given(db, vault, state="done")
    with db.connect() as connection:
        connection.execute("update pw.private_values set erase_on = '2020-01-01'")
    with dg.DagsterInstance.ephemeral() as instance:
        result = erase_private_data_job.execute_in_process(
            instance=instance, resources={"settings": settings, "db": db}
        )
        assert result.success
        said = str(instance.all_logs(result.run_id))
    assert "'erased': 2" in said
    assert "Ann Example" not in said and "70-1234" not in said
