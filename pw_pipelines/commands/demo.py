"""`pw demo`: the main job once, from public record to a lead's paid and booked order, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stderr, stdout
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.runtime.demo import DemoReport, Step

app = typer.Typer(add_completion=False)
HEADINGS = {
    "snapshots": ("source", "copy", "grade", "rows", "rejected"),
    "findings": ("code", "severity", "certainty", "carriers"),
    "leads": ("contact from", "leads"),
    "segments": ("segment", "leads"),
    "subscribers": ("state", "addresses"),
    "quote": ("kind", "line", "amount"),
    "order, money and books": ("document", "name in ERPNext", "amount", "currency"),
    **dict.fromkeys(
        ("details asked for", "documents", "forms filled", "filed, confirmed, delivered"),
        ("item", "service", "stage", "stands at", "why"),
    ),
    "details given": ("item", "answers", "which"),
    "signed in a browser": ("link of the mail",),
    "approved": ("item", "service", "form"),
    "mail in the inbox": ("subject", "attached"),
    "calendar": ("duty", "due", "state"),
    "cured": ("finding", "state", "copies that show it"),
}


@app.callback(invoke_without_command=True)
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    keep: Annotated[bool, typer.Option(help="Go on in the home of an earlier demo instead of a fresh one.")] = False,
) -> None:
    """From the public record to a cured finding: two days, a lead's order, signed, filed, delivered, proved.

    In a fresh sandbox under PW_HOME/demo.

    Exit 1 on failure.
    """
    from pw_pipelines.runtime.demo import demo as run

    def say(step: Step) -> None:
        mark = "[green]done[/]" if step.ok else "[bold red]failed[/]"
        stderr.print(f"{step.seconds:6.1f} s  {mark}  {step.name}", highlight=False)

    report = run(Settings(), keep=keep, say=say)
    if as_json:
        emit_json(
            {
                "ok": report.ok,
                "seconds": report.seconds,
                "home": report.home,
                "steps": [
                    {"name": step.name, "ok": step.ok, "seconds": step.seconds, "detail": step.detail}
                    for step in report.steps
                ],
            }
        )
    else:
        _tables(report)
    if not report.ok:
        raise typer.Exit(EXIT_FAILED)


def _tables(report: DemoReport) -> None:
    from rich.table import Table
    from rich.text import Text

    for step in report.steps:
        if step.rows:
            table = Table(*HEADINGS[step.name], title=step.name, title_justify="left", box=None, pad_edge=False)
            for row in step.rows:
                table.add_row(*map(str, row))
            stdout.print(table)
            stdout.print()
    summary = Table("step", "", "seconds", "what happened", box=None, pad_edge=False)
    for step in report.steps:
        mark = Text("ok", "green") if step.ok else Text("FAILED", "bold red")
        summary.add_row(
            step.name, mark, f"{step.seconds:.1f}", step.detail if not step.rows or not step.ok else "above"
        )
    stdout.print(summary)
    stdout.print(
        f"\n{'Everything went well' if report.ok else 'It failed'}, {report.seconds:.0f} s. Home: {report.home}"
    )
