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
TESTED = ("--indirect-selection", "buildable")  # with each model the tests whose models are all there
_WELL = {"success", "pass", "warn"}
_MOST_SAID = 8
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

    Raises PwError naming each model and test that failed, in dbt's own words; where dbt names none, what it said
    instead. An interruption (dbt answers it like a failure) goes on as what it was.
    """
    from dbt.cli.main import dbtRunner

    told: set[str] = set()
    errors: list[str] = []

    def hear(event: Any) -> None:
        if event.info.level == "error" and event.info.msg:
            errors.append(str(event.info.msg))
        if on_node is not None and event.info.name == "NodeFinished":
            node = _from_event(event.data)
            if node is not None and node.name not in told:
                told.add(node.name)
                on_node(node)

    with _lock, _environment(db, as_of, limits):
        manifest = _about_database(_manifest(folder), str(conninfo_to_dict(db.url)["dbname"]))
        result = dbtRunner(manifest=manifest, callbacks=[hear]).invoke(
            ["build", "--select", f"tag:{tag}", *TESTED, *_arguments(folder)]
        )
    nodes = [_from_result(one) for one in getattr(result.result, "results", None) or ()]
    if on_node is not None:
        for node in nodes:
            if node.name not in told:
                on_node(node)
    _go_on_ending(result.exception)
    if not result.success or any(node.is_failed for node in nodes):
        said = why_not_built(nodes, result.exception, errors)
        raise PwError(
            f"The marts as of {as_of} were not built ({tag}): {said}. Those in force stay as they were; mend the model "
            "or the data and build again."
        )
    return nodes


def why_not_built(nodes: Sequence[NodeResult], exception: BaseException | None, errors: Sequence[str]) -> str:
    """Why a build failed, never empty: what failed in dbt's words, else what it raised, left out, and complained of.

    exception: what dbt gave back, None for none. errors: messages of its events of level error, oldest first.
    """
    if failed := [node for node in nodes if node.is_failed]:
        return "; ".join(f"{node.kind} {node.name}: {node.message}" for node in failed)
    said = [f"{type(exception).__name__}: {exception}".rstrip(": ")] if exception is not None else []
    left = [f"{node.kind} {node.name} ({node.status}) {node.message}".rstrip()
            for node in nodes if node.status not in _WELL]  # fmt: skip
    if left:
        said.append(f"not built: {', '.join(left[:_MOST_SAID])}")
    said += list(dict.fromkeys(one.strip() for one in errors if one.strip()))[-_MOST_SAID:]
    return "; ".join(said) or f"dbt called it failed without a word, though it names {len(nodes)} nodes that are well"


def _go_on_ending(exception: BaseException | None) -> None:
    """Raises what is no error but an order to end (an interrupted run): dbt catches that too."""
    if exception is not None and not isinstance(exception, Exception):
        raise exception


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
    _go_on_ending(result.exception)
    if not result.success:
        said = why_not_built([], result.exception, [])
        raise PwError(f"The dbt project in {PROJECT_DIR.name}/ cannot be parsed: {said}")
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
