"""Whoever is told something finds in docs/runbooks.md what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pw_pipelines.db.tables.alerts import Alert
from pw_pipelines.settings import PROJECT_ROOT

RUNBOOKS = (PROJECT_ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
SECTIONS = {
    key: section
    for section in re.split(r"^## ", RUNBOOKS, flags=re.M)[1:]
    for key in re.findall(r"`([a-z_]+):`", section.splitlines()[0])
}


def first_words(path: Path) -> Iterator[str]:
    """How the keys of the alerts that a file writes begin."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith("Alert"):
            key = node.args[0]
            if isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
                yield str(key.values[0].value).split(":")[0]
            elif isinstance(key, ast.Constant):
                yield str(key.value).split(":")[0]


def test_every_key_of_an_alert_has_its_section() -> None:
    found = {word for path in (PROJECT_ROOT / "pw_pipelines").rglob("*.py") for word in first_words(path)}
    assert {"check", "snapshot", "stale", "jump", "payment"} <= found, "the walk finds the alerts there are"
    assert found <= set(SECTIONS)


def test_every_kind_of_alert_has_its_section() -> None:
    kind = next(str(one.sqltext) for one in Alert.__table__.constraints if one.name and str(one.name).endswith("kind"))  # type: ignore[attr-defined]
    kinds = set(re.findall(r"'([a-z]+)'", kind))
    assert "run" in kinds
    assert kinds <= set(SECTIONS)


def test_every_section_says_what_is_seen_what_it_means_and_what_to_do() -> None:
    for key, section in SECTIONS.items():
        for part in ("**You see:**", "**It means:**", "**Do:**"):
            assert part in section, key
