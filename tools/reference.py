"""Writes docs/reference/*.md from the code and data they describe. `--check` only says whether they are current.

Generated pages can't drift: settings from settings.py, commands from `pw`'s own parser, sources from their
contracts, rules from rules.yaml, jurisdictions from their data files.
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
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.jurisdictions.features import Feature
from pw_pipelines.jurisdictions.fees import CREDIT, NOT_ADVICE, fees_of, shown
from pw_pipelines.jurisdictions.model import EVERYWHERE
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


def jurisdictions_page() -> str:
    """The 52 jurisdictions: fees in one table, then name test and duties of each."""
    lines = ["# Jurisdictions", "", f"{CREDIT} {NOT_ADVICE} Not legal advice.", ""]
    lines += [
        "`unknown`: no amount could be confirmed; the data file says why. Sources, and the day each was read, stand "
        "in `pw_pipelines/jurisdictions/data/`, and in the table `pw.state_filing_fees`.",
        "",
    ]
    lines += ["| | LLC | corporation | annual report | minimum tax | name reservation |", "|---|---|---|---|---|---|"]
    for where in book().values():
        fees = {fee.fee: shown(fee) for fee in fees_of(where)}
        lines.append(
            f"| [{where.code}](#{where.code.lower()}) | " + " | ".join(fees[name] for name in EVERYWHERE) + " |"
        )
    lines += [
        "",
        "How two names are compared: what is **ignored** surely makes no difference, what is **honoured** surely does, "
        "and of what is **not confirmed** nobody here has read; there a person must look.",
        "",
    ]
    lines += ["| feature | it means |", "|---|---|", *(f"| {one.value} | {one.about} |" for one in Feature), ""]
    for where in book().values():
        rule = where.name_test
        lines += [f"## {where.code}", "", f"{where.name}: {where.agency}. Names: <{where.search.url}> "
                  f"({where.automation.stance}: {where.automation.reason})", ""]  # fmt: skip
        both = "; ".join(dict.fromkeys((rule.statute, rule.corporation_statute or "corporations: not read")))
        lines.append(f"- name test: {rule.summary} ({both})")
        for said, features in (
            ("ignored", rule.ignores),
            ("honoured", rule.honours),
            ("not confirmed", rule.unconfirmed),
        ):
            lines.append(f"- {said}: {', '.join(features) or 'nothing'}")
        for feature, only in rule.only.items():
            lines.append(f"- of {feature.value}, surely ignored are only: `` {only} ``")
        for feature, part in rule.parts.items():
            lines.append(f"- of {feature.value}, these make a difference: `` {part} ``")
        if rule.consent:
            lines.append(f"- ways through: {rule.consent}")
        listed = where.restricted_words
        words = ", ".join(word.word for word in listed.words) + ("" if listed.is_complete else " and more")
        lines.append(f"- restricted words: {words if listed.was_read else 'no list was read'}")
        lines.append(f"- annual report: {where.annual_report_due.words}")
        lines.append(f"- expedited: {where.expedited.words}")
        if where.publication.required_for:
            lines.append(f"- publication: {where.publication.words}")
        lines.append(f"- reserved names hold: {where.reservation_term.words}")
        lines.append(
            f"- register here: {', '.join(where.data_source.sources) or 'none'}. {' '.join(where.data_source.gaps)}"
        )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "sources.md": sources_page,
    "rules.md": rules_page,
    "jurisdictions.md": jurisdictions_page,
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
