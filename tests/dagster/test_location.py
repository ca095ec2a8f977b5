"""The whole code location: it loads, it is what graph.txt says, and loading it touches nothing outside.

To update graph.txt after a change that is meant: python -m tests.dagster.graph
"""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest

from pw_pipelines.assets.subjects import SUBJECTS
from pw_pipelines.compliance.manifest import ensure_manifest
from pw_pipelines.settings import PROJECT_ROOT, Settings
from tests.dagster import graph


@pytest.fixture(scope="module")
def location() -> dg.Definitions:
    ensure_manifest()
    from pw_pipelines.definitions import build_defs

    return build_defs(Settings())


@pytest.fixture(scope="module")
def specs(location: dg.Definitions) -> list[dg.AssetSpec]:
    return list(location.resolve_all_asset_specs())


def test_the_location_loads(location: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(location)


def test_the_graph_is_the_one_that_was_agreed(location: dg.Definitions) -> None:
    assert graph.FILE.read_text() == graph.text(location), f"if the change is meant: {graph.UPDATE}"


def test_every_asset_says_what_it_is_and_whose(specs: list[dg.AssetSpec]) -> None:
    lacking = {
        spec.key.to_user_string(): [
            name
            for name, there in {
                "description": bool(spec.description and len(spec.description) > 20),
                "group": bool(spec.group_name and spec.group_name != "default"),
                "owners": bool(spec.owners),
                "kinds": bool(spec.kinds),
                "tags": bool(spec.tags.get("pw/layer")),
                "freshness": spec.freshness_policy is not None,
            }.items()
            if not there
        ]
        for spec in specs
    }
    assert {key: names for key, names in lacking.items() if names} == {}


def test_every_source_has_a_blocking_check(location: dg.Definitions) -> None:
    blocking = {spec.key.asset_key.to_user_string() for checks in _checks(location) for spec in checks if spec.blocking}
    assert {subject.raw_key for subject in SUBJECTS.values()} <= blocking
    assert {subject.core_key for subject in SUBJECTS.values()} <= blocking


def _checks(location: dg.Definitions) -> list[list[dg.AssetCheckSpec]]:
    return [list(asset.check_specs) for asset in location.assets or () if isinstance(asset, dg.AssetsDefinition)]


def test_live_has_no_partition_of_a_day_that_has_not_come() -> None:
    from pw_pipelines.assets import partitions
    from pw_pipelines.settings import Mode

    live = partitions.daily(Settings(mode=Mode.LIVE))
    sandbox = partitions.daily(Settings())
    assert len(sandbox.get_partition_keys()) - len(live.get_partition_keys()) == partitions.SANDBOX_AHEAD_DAYS - 1


WATCHED = """
import sys, os
heavy = ("polars", "httpx", "psycopg", "lxml", "sqlalchemy", "dbt", "fastapi", "obstore", "playwright", "alembic")
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove"):
        raise SystemExit(f"importing did {event} {arguments[:2]}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if "__pycache__" not in str(arguments[0]):
            raise SystemExit(f"importing wrote {arguments[0]}")
import dagster
sys.addaudithook(watch)
import pw_pipelines.definitions
met = [name for name in heavy if name in sys.modules]
raise SystemExit(f"importing brought {met}" if met else 0)
"""


def test_importing_the_location_touches_neither_network_nor_database_nor_disk() -> None:
    ensure_manifest()
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_run_carries_more_than_ids_in_its_tags(location: dg.Definitions) -> None:
    for name in ("refresh_fcc", "refresh_bdc", "acquire", "judge", "sync_listmonk", "retention"):
        tags = location.resolve_job_def(name).tags
        assert tags["pw/job"] == name
        assert all(len(value) < 40 for value in tags.values())


def test_nothing_that_writes_outside_starts_again_by_itself(location: dg.Definitions) -> None:
    assert "dagster/max_retries" not in location.resolve_job_def("sync_listmonk").tags
