"""The dbt project itself: it parses without a database, and every model and column says what it is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pw_pipelines.compliance import manifest
from pw_pipelines.compliance.manifest import MANIFEST, ensure_manifest, is_fresh
from tests.fixtures_marts import Judged


@pytest.fixture(scope="module")
def nodes() -> dict[str, dict[str, Any]]:
    """name -> node of the manifest."""
    found = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    return {node["name"]: node for node in found}


def test_a_fresh_manifest_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_manifest()
    monkeypatch.setattr(manifest, "_parse", lambda: pytest.fail("parsed again"))
    began = time.perf_counter()
    assert ensure_manifest() == MANIFEST
    assert time.perf_counter() - began < 0.5


def test_a_manifest_older_than_a_model_is_not_fresh() -> None:
    ensure_manifest()
    assert is_fresh()
    newest = manifest.newest_change()
    assert MANIFEST.stat().st_mtime >= newest
    assert not is_fresh(MANIFEST.with_name("missing.json"))


def test_every_model_and_every_column_is_described_and_tested(nodes: dict[str, dict[str, Any]], judged: Judged) -> None:
    columns: dict[str, set[str]] = {}
    for row in judged.rows(
        "select table_name, column_name from information_schema.columns "
        "where table_schema in ('staging', 'marts', 'segments')"
    ):
        columns.setdefault(row["table_name"], set()).add(row["column_name"])
    models = {
        name: node for name, node in nodes.items()
        if node["resource_type"] == "model" and "phase_commerce" not in node["tags"]  # tests/books looks at those
    }  # fmt: skip
    assert set(models) == set(columns)
    tested = {
        name for node in nodes.values() if node["resource_type"] == "test" for name in
        [one.rsplit(".", 1)[1] for one in node["depends_on"]["nodes"]]
    }  # fmt: skip
    for name, node in models.items():
        assert len(node["description"]) > 15, name
        assert {
            one: column["description"] for one, column in node["columns"].items() if not column["description"]
        } == {}
        assert set(node["columns"]) == columns[name], name
        assert name in tested or name == "stg_as_of", f"{name} has no test"


def test_every_model_belongs_to_exactly_one_phase_and_the_first_reads_nothing_of_the_second(
    nodes: dict[str, dict[str, Any]],
) -> None:
    phase = {}
    for name, node in nodes.items():
        if node["resource_type"] == "model":
            (phase[name],) = [tag for tag in node["tags"] if tag.startswith("phase_")]
    for name, node in nodes.items():
        if phase.get(name) == "phase_findings":
            parents = {one.rsplit(".", 1)[1] for one in node["depends_on"]["nodes"]}
            assert not {one for one in parents if phase.get(one) == "phase_leads"}, name
            assert "fcc_cores_registrations" not in parents, f"{name} reads CORES before its pages are fetched"
