"""The promises of the whole acquisition side, on the whole invented world: two days of copies, judged and mailed.

Nobody innocent is accused (the world knows the truth behind its records); thousands are found; and a bad copy on
the next day changes neither a lead nor anything in Listmonk.

In other worlds: `PYTEST_WORLDS="1 2 3" pytest -n 0 tests/test_whole_world.py -k innocent`, a minute or two for each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.compliance import marts
from pw_pipelines.db.connection import Database
from pw_pipelines.db.embedded import Server
from pw_pipelines.leads.reconcile import sync
from pw_pipelines.leads.sync_report import SyncReport
from pw_pipelines.resources.fcc_sites import FccSites
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.listmonk import Listmonk
from pw_pipelines.resources.objects import Objects
from pw_pipelines.sandbox import listmonk
from pw_pipelines.sandbox.census import neglect
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings, with_sandbox_addresses
from pw_pipelines.snapshots import road
from pw_pipelines.snapshots.model import Snapshot
from tests.conftest import TEMPLATE
from tests.fixtures_sandbox import SANDBOX_DAY, SEED, serving, set_sandbox_day
from tests.served import served

WORLDS = [int(seed) for seed in os.environ.get("PYTEST_WORLDS", str(SEED)).split()]
CORES_PAGES = 400  # of several thousand wanted: enough to make leads of
# finding -> the neglect it speaks of; the findings of a kind must all be among the truly negligent
TRUTH = {
    "RMD_NOT_RECERTIFIED": "rmd_not_recertified",
    "RMD_NEVER_UPDATED": "rmd_never_updated",
    "RMD_MISSING": "rmd_missing",
    "CPNI_MISSING": "cpni_missing",
    "CPNI_LATE": "cpni_late",
    "F499A_STALE": "form499_stale",
    "F499A_VERY_STALE": "form499_stale",
    "BDC_DROPPED": "bdc_dropped",
}
BAD_COPIES = ("html", "truncated", "renamed_header", "missing_column", "wrong_encoding", "zero_rows", "tiny_gzip")
BAD_COPIES += ("duplicate_keys", "shrunk", "grown", "old_copy")


@dataclass(frozen=True)
class House:
    """A warehouse filled from the stand-ins, and the way to fill it further."""

    settings: Settings
    db: Database
    objects: Objects
    sites: FccSites
    folder: Path

    def take(self, source: str, day: date, fetch: Callable[[Path], Fetched], *, name: str = "") -> Snapshot:
        into = self.folder / f"{source}-{day}{name}"
        into.mkdir()
        now = self.settings.clock.now()
        snapshot = road.take(self.db, self.objects, source, fetch(into), as_of=day, now=now)
        if snapshot.is_good:
            road.load(self.db, self.objects, snapshot.snapshot_id, now=now)
        return snapshot

    def sync(self) -> SyncReport:
        clock = self.settings.clock
        with Listmonk(self.settings) as listmonk:
            return sync(self.db, listmonk, settings=self.settings, now=clock.now(), today=clock.today())

    def leads(self) -> object:
        with self.db.connect() as connection:
            return connection.execute(
                "select count(*) as n, md5(string_agg(l::text, '' order by frn)) as all_of_them "
                "from marts.deficiency_leads l"
            ).fetchone()

    def writes(self) -> object:
        token = {"Authorization": "token pw:sandbox-token"}
        return httpx.get(f"{self.settings.listmonk_url}/_sandbox/counters", headers=token).json()


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest, world: World) -> World:
    """The default world, shared with other tests, or another."""
    return world if request.param == world.seed else World(request.param)


@pytest.fixture(scope="module")
def house(
    world: World, postgres: Server, clone_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Two days of every source, the marts built as of the second, the first 200 subscribers in Listmonk."""
    home = tmp_path_factory.mktemp("whole_world")
    settings = Settings(home=home, sandbox_seed=world.seed)
    with serving(settings, world) as url, served(listmonk.create_app(clone_database("template0"))) as listmonk_url:
        settings = with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url}))
        settings = settings.model_copy(
            update={"listmonk_url": listmonk_url, "listmonk_token": SecretStr("sandbox-token")}
        )
        sites = FccSites(settings)
        house = House(settings, Database(clone_database(TEMPLATE)), Objects((home / "objects").as_uri()), sites, home)
        set_sandbox_day(settings, SANDBOX_DAY - timedelta(days=1))
        for vintage in sites.bdc.vintages():
            edition = str(vintage)
            house.take(
                "fcc_bdc", settings.clock.today(), lambda into, v=vintage: sites.bdc.fetch(into, v), name=edition
            )
        _one_day(house)
        set_sandbox_day(settings, SANDBOX_DAY)
        newest = sites.bdc.vintages()[-1]
        house.take("fcc_bdc", SANDBOX_DAY, partial(_vintage, sites, newest))
        _one_day(house)
        marts.build(house.db, as_of=SANDBOX_DAY, now=settings.clock.now(), phase="findings", work_folder=home / "dbt")
        wanted = marts.wanted_cores_frns(house.db, on=SANDBOX_DAY, cap=CORES_PAGES)
        house.take("fcc_cores", SANDBOX_DAY, lambda into: sites.cores.fetch(into, wanted))
        marts.build(house.db, as_of=SANDBOX_DAY, now=settings.clock.now(), phase="leads", work_folder=home / "dbt")
        house.sync()
        yield house
        sites.close()


def _vintage(sites: FccSites, as_of: date, into: Path) -> Fetched:
    return sites.bdc.fetch(into, as_of)


def _one_day(house: House) -> None:
    day = house.settings.clock.today()
    four_years = date(day.year - 3, 1, 1)
    taken = [
        house.take("fcc_rmd", day, house.sites.rmd.fetch),
        house.take("fcc_form499", day, house.sites.form499.fetch),
        house.take("fcc_cpni", day, lambda into: house.sites.ecfs.fetch(into, four_years, day)),
    ]
    assert [(one.source, one.grade, one.reasons) for one in taken if one.grade != "complete"] == []


@pytest.mark.timeout(600)
def test_nobody_innocent_is_accused_and_thousands_are_found(house: House, world: World) -> None:
    with house.db.connect() as connection:
        found: dict[str, set[str]] = {}
        for row in connection.execute("select frn, code from marts.findings"):
            found.setdefault(str(row["code"]), set()).add(str(row["frn"]))
    truth = neglect(world, SANDBOX_DAY)
    accused = {
        code: sorted(found[code] - {world.carriers[index].frn for index in truth[kind]}) for code, kind in TRUTH.items()
    }
    assert accused == {code: [] for code in TRUTH}
    deficient = set().union(*found.values())
    assert len(deficient) > 3_000
    assert len(found["RMD_NOT_RECERTIFIED"]) > 0.8 * len(truth["rmd_not_recertified"]), "most of the guilty are seen"
    assert len(found["CPNI_MISSING"]) > 0.7 * len(truth["cpni_missing"])


@pytest.mark.timeout(600)
def test_the_first_two_hundred_of_the_leads_are_on_the_list_and_the_rest_wait(house: House) -> None:
    with house.db.connect() as connection:
        states = {
            str(row["state"]): int(str(row["n"]))
            for row in connection.execute("select state, count(*) as n from pw.subscribers group by state")
        }
    assert states["synced"] <= house.settings.warmup_per_day
    assert states["synced"] + states.get("queued", 0) > 100


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", BAD_COPIES)
def test_a_bad_copy_is_rejected_with_a_reason_and_changes_neither_leads_nor_listmonk(house: House, fault: str) -> None:
    tomorrow = SANDBOX_DAY + timedelta(days=1)
    set_sandbox_day(house.settings, tomorrow)
    before, writes = house.leads(), house.writes()
    faults = f"{house.settings.sandbox_url}/_control/faults"
    httpx.post(faults, json={"system": "rmd", "fault": fault, "times": 1, "days": 9}).raise_for_status()
    try:
        snapshot = house.take("fcc_rmd", tomorrow, house.sites.rmd.fetch, name=fault)
    finally:
        httpx.delete(faults)
        set_sandbox_day(house.settings, SANDBOX_DAY)
    assert snapshot.grade == "rejected"
    assert snapshot.reasons[0], "a person is told why"
    with house.db.connect() as connection:
        loaded = connection.execute(
            "select count(*) as n from core.fcc_rmd_filings where snapshot_id = %s", (snapshot.snapshot_id,)
        ).fetchone()
    assert loaded == {"n": 0}
    house.sync()
    assert (house.leads(), house.writes()) == (before, writes)
