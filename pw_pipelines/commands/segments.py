"""`pw segments`: named sets of leads, listed, shown and exported for marketing, without SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.leads.export import export_segment, segment_state, segment_states
from pw_pipelines.leads.segments import read_segments, segment_named
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Name = Annotated[str, typer.Argument(help="A segment's name, such as rmd_not_recertified; see `pw segments list`.")]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Every segment with its leads as of the last build."""
    with open_stack(load_settings()) as stack:
        states = segment_states(stack.db, read_segments())
    if as_json:
        emit_json({"segments": states})
        return
    table = Table("segment", "title", "leads", "suppressed", "as of")
    for state in states:
        table.add_row(state.name, escape(state.title), f"{state.leads:,}", f"{state.suppressed:,}", _day(state.as_of))
    stdout.print(table)


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """One segment: how many leads, and how many with each finding."""
    segment_named(name)  # a wrong name is told before anything is started
    with open_stack(load_settings()) as stack:
        state = segment_state(stack.db, name)
    if as_json:
        emit_json(state)
        return
    stdout.print(f"[bold]{escape(state.title)}[/] ({state.name}), as of {_day(state.as_of)}", highlight=False)
    stdout.print(escape(state.description), highlight=False)
    stdout.print(f"{state.leads:,} leads, {state.suppressed:,} of them suppressed", highlight=False)
    table = Table("finding", "leads")
    for code, number in state.by_code.items():
        table.add_row(code, f"{number:,}")
    stdout.print(table)


@app.command("export")
def export_command(
    name: Name,
    *,
    format: Annotated[str, typer.Option("--format", help="csv, xlsx or parquet.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; one that is there is replaced.")],
    include_suppressed: Annotated[
        bool, typer.Option("--include-suppressed", help="Also those nobody may write to; never for a mailing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a segment to a file. Suppressed addresses are left out and counted.

    In a CSV, cells that a spreadsheet would run as a formula (= + - @ tab, carriage return) start with an apostrophe.
    """
    segment_named(name)
    with open_stack(load_settings()) as stack:
        report = export_segment(stack.db, name, format, out, include_suppressed=include_suppressed)
    if as_json:
        emit_json(report)
        return
    stdout.print(
        f"{report.path}: {report.rows:,} leads of {name}, as of {_day(report.as_of)}; "
        f"{report.suppressed:,} suppressed left out",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _day(as_of: object) -> str:
    return str(as_of) if as_of else "no lead yet"
