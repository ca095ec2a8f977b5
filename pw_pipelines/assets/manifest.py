"""dbt's manifest, read as data: which models and tests there are, what they say of themselves. No import of dbt.

dagster-dbt would import dbt into every process (2.3 s); a JSON file says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from pw_pipelines.errors import ConfigError

_NOT_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Model:
    """One dbt model. `folder`: where it lies under models/; `phase`: findings, unless it
    carries the tag `phase_leads` or `phase_commerce`; `upstream`: models and sources it reads, by unique id.
    """

    unique_id: str
    name: str
    schema: str
    folder: str
    phase: str
    description: str
    checksum: str
    materialized: str
    columns: tuple[tuple[str, str, str], ...]
    upstream: tuple[str, ...]
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Test:
    """One dbt test. `check`: its name as an asset check; `model`: where it is shown; `severity`: error or warn."""

    unique_id: str
    name: str
    check: str
    model: str
    severity: str
    description: str


@dataclass(frozen=True)
class Manifest:
    """Models by unique id, tests by unique id, and which core table each source is."""

    models: Mapping[str, Model]
    tests: Mapping[str, Test]
    sources: Mapping[str, str]

    def of_phase(self, phase: str) -> tuple[Model, ...]:
        """The models of one phase, each after those it reads; by name where that leaves a choice."""
        ours = {key: one for key, one in self.models.items() if one.phase == phase}
        sorter = TopologicalSorter(
            {key: [upstream for upstream in one.upstream if upstream in ours] for key, one in ours.items()}
        )
        sorter.prepare()
        ordered: list[Model] = []
        while sorter.is_active():
            ready = sorter.get_ready()
            ordered += sorted((ours[key] for key in ready), key=lambda one: one.name)
            sorter.done(*ready)
        return tuple(ordered)


def read(path: Path) -> Manifest:
    """The manifest at `path`. Raises ConfigError, naming the command that makes it, when it is missing or broken."""
    remedy = "Make it with `python -m pw_pipelines.compliance.manifest` (`pw up` and `make test` do)."
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"dbt's manifest is missing at {path}. {remedy}") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"dbt's manifest at {path} is cut short ({error}). {remedy}") from error
    try:
        models = {key: _model(key, node) for key, node in stored["nodes"].items() if node["resource_type"] == "model"}
        tests = [_test(key, node, models) for key, node in stored["nodes"].items() if node["resource_type"] == "test"]
        sources = {key: str(node["identifier"] or node["name"]) for key, node in stored["sources"].items()}
    except KeyError as error:
        raise ConfigError(f"dbt's manifest at {path} lacks {error}. {remedy}") from error
    return Manifest(models, {test.unique_id: test for test in tests if test is not None}, sources)


def _model(key: str, node: Mapping[str, Any]) -> Model:
    folders = node["fqn"][1:-1]
    return Model(
        unique_id=key,
        name=node["name"],
        schema=node["schema"],
        folder=folders[0] if folders else "marts",
        phase=_phase(node["tags"]),
        description=node["description"],
        checksum=node["checksum"]["checksum"],
        materialized=node["config"]["materialized"],
        columns=tuple(
            (column["name"], column.get("data_type") or "", column["description"])
            for column in node["columns"].values()
        ),
        upstream=tuple(node["depends_on"]["nodes"]),
        meta=node["config"].get("meta") or node.get("meta") or {},
    )


def _phase(tags: Sequence[str]) -> str:
    return next((one for one in ("commerce", "leads") if f"phase_{one}" in tags), "findings")


def _test(key: str, node: Mapping[str, Any], models: Mapping[str, Model]) -> Test | None:
    """A test runs in the last phase of what it reads and is shown on a model of that phase: its own, if it may choose.

    One on a source alone has no model to be shown on: the rows of sources have checks of their own.
    """
    attached: str | None = node.get("attached_node")
    read = [models[one] for one in node["depends_on"]["nodes"] if one in models]
    if not read:
        return None
    phases = {one.phase for one in read}
    phase = next(one for one in ("commerce", "leads", "findings") if one in phases)
    late = [one.unique_id for one in read if one.phase == phase]
    return Test(
        unique_id=key,
        name=node["name"],
        check=_NOT_NAME.sub("_", node["name"]),
        model=attached if attached in late else late[-1],
        severity=str(node["config"]["severity"]).lower(),
        description=node["description"] or "",
    )
