"""`pw check FRN`: the free compliance check on the command line."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.errors import UsageError

if TYPE_CHECKING:
    from pw_pipelines.compliance.check_result import CheckResult

app = typer.Typer(help=__doc__, rich_markup_mode=None)

_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue", "information": "dim"}


@app.command()
def check(
    frn: Annotated[str, typer.Argument(help="FCC Registration Number; blanks, hyphens and lost zeros are put right.")],
    *,
    as_of: Annotated[str | None, typer.Option(help="Answer as of a past day, YYYY-MM-DD (New York).")] = None,
    live: Annotated[bool, typer.Option("--live", help="Read CORES, Form 499 and ECFS now.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")] = False,
) -> None:
    """What the public record shows about one carrier: findings with evidence, the age of each source, questions."""
    from pw_pipelines.compliance.check import check as run_check
    from pw_pipelines.compliance.check import is_on_file
    from pw_pipelines.compliance.live import open_live_record
    from pw_pipelines.runtime.stack import open_stack
    from pw_pipelines.settings import load_settings

    day = _day(as_of)
    with contextlib.ExitStack() as closing:
        stack = closing.enter_context(open_stack(load_settings(), sandbox=live))
        clock = stack.settings.clock
        if not live and day is None and not is_on_file(stack.db, frn):
            # Only CORES can tell an unknown number from one that owes nothing: now it must answer.
            stack = closing.enter_context(open_stack(load_settings(), sandbox=True))
        record = open_live_record(stack.settings, clock)
        closing.callback(record.close)
        result = run_check(
            stack.db,
            frn,
            clock=clock,
            as_of=day,
            channel="cli",
            live=record if live else None,
            when_unknown=record,
        )
    if as_json:
        emit_json(result)
    else:
        _show(result)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text!r} is not a day; write it as YYYY-MM-DD.") from None


def _show(result: CheckResult) -> None:
    stdout.print(f"[bold]{escape(result.name or 'FRN')}[/] {result.frn}: [bold]{result.answer}[/]", highlight=False)
    for line in (result.summary, *result.notes):
        stdout.print(escape(line), highlight=False)
    for finding in result.findings:
        stdout.print()
        stdout.print(
            f"[{_COLOURS[finding.severity]}]{finding.severity}[/] [bold]{escape(finding.title)}[/] "
            f"[dim]{finding.code}, {finding.certainty}, {escape(finding.citation)}[/]",
            highlight=False,
        )
        for what, value in finding.evidence.items():
            stdout.print(f"  {escape(str(what))}: {escape(str(value))}", highlight=False)
        price = f", {finding.price_usd if finding.price_usd == 'quote' else f'${finding.price_usd}'}"
        if finding.service:
            stdout.print(
                f"  [dim]to fix:[/] {escape(finding.remedy)} [dim]({finding.service}{price})[/]", highlight=False
            )
        if finding.note:
            stdout.print(f"  {escape(finding.note)}", highlight=False)
    for cleared in result.cleared:
        stdout.print(f"\n[green]settled[/] {escape(cleared.title)}: {escape(cleared.why)}", highlight=False)
    from pw_pipelines.compliance.check_sources import state_dates_in_words

    stdout.print()
    sources = Table("source", "dates", "read", "grade", "remark", box=None, pad_edge=False)
    for state in result.sources:
        sources.add_row(
            state.source,
            state_dates_in_words(state),
            "live" if state.live else "stored" if state.grade else "—",
            state.grade or "—",
            escape(state.note),
        )
    stdout.print(sources)
    for question in result.questions:
        stdout.print(f"[dim]ask[/] {escape(question.text)}", highlight=False)
