"""Documentation that cannot lie: reference pages equal the code, and what the README types exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pw_pipelines import cli
from pw_pipelines.compliance.rules import rules

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_reference_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr} Run `make docs` and commit what it writes."


def test_every_rule_and_its_citation_are_on_the_rules_page() -> None:
    text = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
    assert [code for code, rule in rules().items() if f"## {code}" not in text or rule.citation not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_and_pw_command_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?\bmake ([a-z]+)\b`?(?=[`\s]*(?:#|`|\n|$))", text)) <= targets
    assert set(re.findall(r"`(?:\.venv/bin/)?pw ([a-z]+)", text)) <= set(cli.COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
