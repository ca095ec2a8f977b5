"""Writes docs/reference/*.md from the code and data they describe. `--check` only says whether they are current.

Generated pages can't drift: settings from settings.py, commands from `pw`'s own parser, sources from their
contracts, rules from rules.yaml.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from pw_pipelines import cli
from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.rules import rules
from pw_pipelines.settings import Settings
from pw_pipelines.sources.contract import contracts

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code; edit that, not this. -->\n\n"


def settings_page() -> str:
    """Every PW_ variable, its default and its meaning."""
    lines = ["# Settings", "", "Environment variables, read once at start. Secrets are masked wherever they print.", ""]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "(unset)" if default is None else "`.pw/` in the checkout" if name == "home" else f"`{default}`"
        lines.append(f"| `PW_{name.upper()}` | {shown} | {field.description or ''} |")
    return "\n".join(lines) + "\n"


def _describe(command: Any, path: str, lines: list[str]) -> None:
    lines += [f"## `{path}`", "", (command.help or command.short_help or "").strip(), ""]
    options = [parameter for parameter in command.params if "--help" not in parameter.opts]
    if options:
        lines += ["| argument or option | meaning |", "|---|---|"]
        for parameter in options:
            is_option = parameter.param_type_name == "option"
            label = ", ".join(parameter.opts) if is_option else str(parameter.name).upper()
            lines.append(f"| `{label}` | {getattr(parameter, 'help', None) or ''} |")
        lines.append("")
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        _describe(inner, f"{path} {name}", lines)


def commands_page() -> str:
    """Every `pw` command, its options and their meaning."""
    lines = [
        "# Commands",
        "",
        "Every `--json` answer is one JSON object on stdout and nothing else; logs go to stderr. "
        "Exit codes: 0 done, 1 failed, 2 wrong usage.",
        "",
    ]
    for word in cli.COMMANDS:
        group: Any = typer.main.get_command(cli.build(word))
        _describe(group.commands[word], f"pw {word}", lines)
    return "\n".join(lines).rstrip() + "\n"


def sources_page() -> str:
    """Every public source with its contract in words."""
    lines = ["# Sources", ""]
    for contract in contracts().values():
        lines += [
            f"## {contract.title} (`{contract.source}`)",
            "",
            f"{contract.row_is} Publisher: {contract.publisher}. Licence: {contract.licence}. {contract.cadence}",
            "",
            f"- a person may look at: <{contract.landing_page}>",
            f"- rows: {contract.rows.min:,} to {contract.rows.max:,}, healthy {contract.rows.healthy:,} "
            f"(seen {contract.rows.seen}: {contract.rows.why})",
            f"- shown as ageing after {contract.freshness.warn_hours} h, as too old after "
            f"{contract.freshness.fail_hours} h",
        ]
        if contract.change:
            lines.append(
                f"- against the last complete copy: at most −{contract.change.shrink_pct:g} % "
                f"and +{contract.change.growth_pct:g} % rows"
            )
        if contract.absence:
            other = ", with different bytes" if contract.absence.distinct_bytes else ""
            lines.append(f"- absence counts when seen in {contract.absence.sightings} copies of different days{other}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def rules_page() -> str:
    """Every rule with its citation, and what cures it."""
    lines = ["# Rules", "", "A finding is evidence from the public record, not a legal conclusion.", ""]
    services = catalogue()
    for rule in rules().values():
        lines += [f"## {rule.code}", "", f"{rule.title}. {rule.explanation}".strip(), ""]
        lines.append(f"- {rule.kind}, severity {rule.severity}, certainty {rule.certainty}")
        lines.append(f"- scope: {rule.scope}")
        lines.append(f"- citation: {rule.citation}")
        if rule.service:
            service = services[rule.service]
            price = "quote" if service.price_usd is None else f"${service.price_usd}"
            lines.append(f"- cured by: {service.title} ({price})")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "sources.md": sources_page,
    "rules.md": rules_page,
}


def main() -> int:
    """Writes the pages, or with --check names those that are out of date (exit code 1)."""
    stale = []
    for name, make in PAGES.items():
        path, text = FOLDER / name, NOTE + make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    verb = "out of date" if "--check" in sys.argv else "written"
    sys.stdout.write(f"docs/reference: {', '.join(stale) + ' ' + verb if stale else 'current'}\n")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
