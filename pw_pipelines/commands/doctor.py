"""`pw doctor`: what is missing or misconfigured, and the command that mends it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stdout
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

app = typer.Typer(add_completion=False)
MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]look[/]", "fail": "[bold red]FAIL[/]"}


@app.callback(invoke_without_command=True)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    database_url: Annotated[
        bool,
        typer.Option(
            "--database-url", help="Print only the warehouse's URL, password included, for psql and the like."
        ),
    ] = False,
) -> None:
    """Looks at everything the house needs; changes nothing. Exit 1 when something would keep it from working."""
    from pw_pipelines.runtime.doctor import examine, warehouse_url
    from pw_pipelines.runtime.stack import with_absolute_home

    settings = with_absolute_home(Settings())
    if database_url:
        url = warehouse_url(settings)
        if url is None:
            raise ConfigError("The embedded server is not running; start the house with `pw up`.")
        sys.stdout.write(f"{url}\n")
        return
    checks = list(examine(settings))
    ok = all(check.verdict != "fail" for check in checks)
    if as_json:
        emit_json({"ok": ok, "mode": settings.mode, "home": settings.home, "checks": checks})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table("", box=None, pad_edge=False)
        for heading in ("what", "found", "mend it with"):
            table.add_column(heading, overflow="fold")  # a name or a command that is cut can't be typed
        for check in checks:
            table.add_row(MARKS[check.verdict], Text(check.name), Text(check.detail), Text(check.mend))
        stdout.print(table)
    if not ok:
        raise typer.Exit(EXIT_FAILED)
