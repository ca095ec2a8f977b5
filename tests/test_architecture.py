"""The arrows of docs/architecture.md, walked over the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "pw_pipelines"

# room -> what its modules must never import, anywhere in the file
FORBIDDEN = {
    "sources": "dagster fastapi httpx psycopg sqlalchemy resources db compliance leads portal snapshots assets",
    "resources": "fastapi compliance leads portal snapshots assets",
    "snapshots": "dagster fastapi httpx portal leads assets",
    "compliance": "dagster fastapi portal assets",
    "commerce": "dagster fastapi portal assets",
    "fulfillment": "dagster fastapi portal assets leads sources snapshots",
    "documents": "dagster fastapi portal assets leads compliance commerce filings sources snapshots",
    "filings": "dagster fastapi portal assets leads compliance commerce documents sources snapshots",
    "leads": "dagster fastapi portal assets bounces",
    "bounces": "dagster fastapi portal assets sensors",
    "backups": "dagster fastapi portal assets leads sources snapshots",
    "jurisdictions": "dagster fastapi httpx sqlalchemy resources db compliance leads portal snapshots assets registry",
    "registry": "dagster fastapi portal assets compliance leads",
    "native": "dagster fastapi httpx psycopg sqlalchemy sources registry resources db compliance settings",
    "db": "dagster fastapi compliance leads sources",
    "probes": "dagster fastapi portal assets leads compliance commerce documents fulfillment sources snapshots",
    "portal": "dagster assets",
    "assets": "fastapi portal",
    "monitoring": "dagster fastapi portal assets leads",
    "launcher": "fastapi httpx portal assets sensors schedules jobs runtime",
}
LIBRARIES = {"dagster", "fastapi", "httpx", "psycopg", "sqlalchemy"}
SANDBOX_MAY_BE_IMPORTED_BY = {"sandbox", "runtime", "commands", "bench"}


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "versions" not in path.parts)


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_no_arrow_points_back_out_of(room: str) -> None:
    forbidden = [name if name in LIBRARIES else f"pw_pipelines.{name}" for name in FORBIDDEN[room].split()]
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / room).rglob("*.py"))
        if not (room == "resources" and path.name.startswith("dagster"))
        for module in imports(path)
        if any(module == name or module.startswith(f"{name}.") for name in forbidden)
    ]
    assert wrong == []


def test_the_product_never_imports_the_sandbox() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] not in SANDBOX_MAY_BE_IMPORTED_BY
        for module in imports(path)
        if module.startswith("pw_pipelines.sandbox")
    ]
    assert wrong == []


def test_nobody_imports_the_launcher_but_dagster_by_its_name() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] != "launcher"
        for module in imports(path)
        if module.startswith("pw_pipelines.launcher")
    ]
    assert wrong == []


def test_nobody_asks_the_machine_for_the_time_except_the_clock() -> None:
    """A naive or unmoved `now()` would live in another moment than the rest of the sandbox."""
    allowed = {"clock.py", "bench", "runtime", "sandbox"}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] not in allowed
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date"}
    ]

    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []
