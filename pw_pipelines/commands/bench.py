"""`pw bench NAME`: measures on this machine and says whether each goal was met."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pw_pipelines.bench.measure import Measure
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stderr, stdout
from pw_pipelines.errors import UsageError
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True)

NAMES = ("acquisition", "registry", "orders", "fulfillment", "chaos", "soak")


@app.command()
def bench(  # noqa: PLR0917 - one option each
    name: Annotated[str, typer.Argument(help=f"Which: {', '.join(NAMES)}.")],
    rows: Annotated[
        int | None, typer.Option(min=100_000, help="registry: records of the largest file. Unset: 1,000,000.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="registry: 10,000,000 records; takes 50 GB of disk for half an hour.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="fulfillment, chaos: 10 or 12 orders; soak: two days. A few minutes instead of many."
        ),
    ] = False,
    orders: Annotated[int | None, typer.Option(min=4, help="chaos: how many. Unset: 200; takes an hour.")] = None,
    days: Annotated[int | None, typer.Option(min=2, max=60, help="soak: how many. Unset: 7.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Runs one benchmark in a home of its own; exit 1 when a goal was missed."""
    if name not in NAMES:
        raise UsageError(f"There is no benchmark {name!r}; known: {', '.join(NAMES)}.")
    from pw_pipelines.bench import registry

    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    told: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.home) as home:
        if name == "soak":
            from pw_pipelines.bench import soak

            measures, told["days"] = soak.run(Path(home), days=days, quick=quick, say=_say)
        else:
            size = registry.FULL_ROWS if full else rows or registry.DEFAULT_ROWS
            measures = _measured(name, Path(home), size, quick=quick, count=orders)
    if as_json:
        emit_json({"name": name, "measures": measures, **told})
    else:
        _table(measures)
    if not all(measure.ok for measure in measures):
        raise SystemExit(EXIT_FAILED)


def _measured(name: str, home: Path, rows: int, *, quick: bool, count: int | None) -> list[Measure]:
    from pw_pipelines.bench import acquisition, orders, registry

    say = _say
    if name == "registry":
        return registry.run(home, rows=rows, say=say)
    if name == "orders":
        return orders.run(home, say=say)
    if name == "fulfillment":
        from pw_pipelines.bench import fulfillment

        return fulfillment.run(home, quick=quick, say=say)
    if name == "chaos":
        from pw_pipelines.bench import chaos

        return chaos.run(home, orders=count, quick=quick, say=say)
    return acquisition.run(home, say=say)


def _say(text: str) -> None:
    stderr.print(f"[dim]{text}[/]", highlight=False)


def _table(measures: list[Measure]) -> None:
    from rich.table import Table

    table = Table("measure", "value", "goal", "peer", "ratio", "ok")
    for measure in measures:
        table.add_row(
            measure.name,
            f"{measure.value:g} {measure.unit}",
            f"{'≥' if measure.unit.endswith('/s') else '≤'} {measure.goal:g}" if measure.goal is not None else "",
            f"{measure.peer:g} ({measure.peer_is})" if measure.peer is not None else measure.peer_is,
            f"{measure.ratio:g}" if measure.ratio is not None else "",
            "yes" if measure.ok else "NO",
        )
    stdout.print(table)
