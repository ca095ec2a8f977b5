"""One warehouse for all tests of this room, emptied before each: a fresh copy per test takes longer than the test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.settings import Settings
from tests.conftest import TEMPLATE
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import reconcile, three
from tests.leads.warehouse import create_marts, empty, fill_reference, given_leads


@pytest.fixture(scope="session")
def leads_warehouse(clone_database: Callable[[str], str]) -> Database:
    db = Database(clone_database(TEMPLATE))
    create_marts(db)
    return db


@pytest.fixture
def marts(leads_warehouse: Database) -> Database:
    """Empty marts as a build leaves them, the rules' ranks, and one sound snapshot `rmd-today`."""
    empty(leads_warehouse)
    fill_reference(leads_warehouse)
    return leads_warehouse


@pytest.fixture
def three_on_the_list(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    """The leads of `three`, reconciled once: each is on Listmonk's list."""
    given_leads(marts, three())
    reconcile(marts, listmonk_server, settings)
