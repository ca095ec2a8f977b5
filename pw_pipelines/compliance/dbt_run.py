"""One dbt invocation in this process: which models, as of which day, and what became of each."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from psycopg.conninfo import conninfo_to_dict

from pw_pipelines.compliance.manifest import PROJECT_DIR, newest_change
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

THREADS = 4
_lock = threading.Lock()  # dbt keeps its settings in the process: one invocation at a time
_parsed: dict[Path, tuple[float, Manifest]] = {}  # folder -> when the project last changed, and what was parsed


@dataclass(frozen=True)
class NodeResult:
    """One model or test. kind: model | test; status: success | pass | warn | error | fail | skipped; rows: written."""

    name: str
    kind: str
    status: str
    rows: int | None
    seconds: float
    message: str

    @property
    def is_failed(self) -> bool:
        """Whether it keeps the build from being put in force."""
        return self.status in {"error", "fail", "runtime error"}


def run_phase(
    db: Database,
    folder: Path,
    tag: str,
    as_of: date,
    on_node: Callable[[NodeResult], None] | None,
    *,
    limits: Sequence[Mapping[str, object]] = (),
) -> list[NodeResult]:
    """Builds and tests the models tagged `tag` as of day `as_of`; dbt's files go under `folder`.

    limits: what model int_jumps reads, as `jumps.for_build` gives it.

    Raises PwError naming each model and test that failed, in dbt's own words.
    """
    from dbt.cli.main import dbtRunner

    told: set[str] = set()

    def hear(event: Any) -> None:
        if on_node is not None and event.info.name == "NodeFinished":
            node = _from_event(event.data)
            if node is not None and node.name not in told:
                told.add(node.name)
                on_node(node)

    with _lock, _environment(db, as_of, limits):
        manifest = _about_database(_manifest(folder), str(conninfo_to_dict(db.url)["dbname"]))
        result = dbtRunner(manifest=manifest, callbacks=[hear]).invoke(
            ["build", "--select", f"tag:{tag}", "--indirect-selection", "buildable", *_arguments(folder)]
        )
    nodes = [_from_result(one) for one in getattr(result.result, "results", None) or ()]
    if on_node is not None:
        for node in nodes:
            if node.name not in told:
                on_node(node)
    failed = [node for node in nodes if node.is_failed]
    if failed or not result.success:
        said = "; ".join(f"{node.kind} {node.name}: {node.message}" for node in failed) or str(result.exception)
        raise PwError(
            f"The marts as of {as_of} were not built ({tag}): {said}. Those in force stay as they were; mend the model "
            "or the data and build again."
        )
    return nodes


def _arguments(folder: Path) -> list[str]:
    return [
        "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR), "--target", "build",
        "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--threads", str(THREADS),
        "--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-write-json",
    ]  # fmt: skip


def _manifest(folder: Path) -> Manifest:
    """The parsed project; parsed once per process as long as no file of it changes."""
    from dbt.cli.main import dbtRunner

    changed = newest_change()
    if folder in _parsed and _parsed[folder][0] == changed:
        return _parsed[folder][1]
    folder.mkdir(parents=True, exist_ok=True)
    result = dbtRunner().invoke(["parse", *_arguments(folder)])
    if not result.success:
        raise PwError(f"The dbt project in {PROJECT_DIR.name}/ cannot be parsed: {result.exception}")
    manifest = cast("Manifest", result.result)
    _parsed[folder] = changed, manifest
    return manifest


def _about_database(manifest: Manifest, name: str) -> Manifest:
    """`manifest` with every relation in the database `name`: parsing writes the name of the one it was told of."""
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        if node.database != name:
            if node.relation_name:
                node.relation_name = node.relation_name.replace(f'"{node.database}".', f'"{name}".', 1)
            node.database = name
    return manifest


@contextmanager
def _environment(db: Database, as_of: date, limits: Sequence[Mapping[str, object]]) -> Iterator[None]:
    """The variables profiles.yml, stg_as_of and int_jumps read, for the length of one invocation."""
    parts = conninfo_to_dict(db.url)
    wanted = {
        "PW_DBT_HOST": parts.get("host") or "127.0.0.1",
        "PW_DBT_PORT": parts.get("port") or "5432",
        "PW_DBT_USER": parts.get("user") or "",
        "PW_DBT_PASSWORD": parts.get("password") or "",
        "PW_DBT_DBNAME": parts.get("dbname") or "",
        "PW_DBT_AS_OF": as_of.isoformat(),
        "PW_DBT_JUMP_LIMITS": json.dumps(list(limits)),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: str(value) for name, value in wanted.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _from_result(result: Any) -> NodeResult:
    rows = result.adapter_response.get("rows_affected") if result.adapter_response else None
    return NodeResult(
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        rows=int(rows) if rows is not None and int(rows) >= 0 else None,
        seconds=round(float(result.execution_time), 3),
        message=str(result.message or ""),
    )


def _from_event(data: Any) -> NodeResult | None:
    info, run = data.node_info, data.run_result
    if info.resource_type not in {"model", "test"}:
        return None
    response = dict(run.adapter_response) if run.adapter_response else {}
    rows = response.get("rows_affected")
    return NodeResult(
        name=info.node_name,
        kind=info.resource_type,
        status=run.status,
        rows=int(rows) if isinstance(rows, (int, float)) and rows >= 0 else None,
        seconds=round(float(run.execution_time), 3),
        message=run.message,
    )
