"""`pw up`: everything, with the URLs; Ctrl-C stops it all cleanly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pw_pipelines.settings import Settings

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def up(
    bootstrap: Annotated[
        bool,
        typer.Option("--bootstrap/--no-bootstrap", help="Fill a fresh sandbox with two days of the public record."),
    ] = True,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write the addresses there, as JSON, once everything is ready.")
    ] = None,
) -> None:
    """Starts PostgreSQL, the stand-ins (sandbox), Dagster and the web app, prints the URLs, and watches them.

    Ctrl-C once stops everything cleanly, twice kills. Ports that are taken are passed over.
    """
    from pw_pipelines.runtime.supervisor import up as run

    raise typer.Exit(run(Settings(), bootstrap=bootstrap, ready_file=ready_file))
