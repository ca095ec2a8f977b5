"""`pw discounts`: codes that take something off service fees: make, list, end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.table import Table

from pw_pipelines.clock import EASTERN
from pw_pipelines.commands.orders import books, who
from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.commerce import discounts
from pw_pipelines.commerce.discounts import Discount
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.deeds import record

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Code = Annotated[str, typer.Argument(help="The code, in any case; kept in capitals.")]


@app.command("add")
def add_command(
    code: Code,
    *,
    percent: Annotated[
        str | None, typer.Option(help="So many percent of service fees; all codes of an order take 15 at most.")
    ] = None,
    fixed: Annotated[str | None, typer.Option(help="Or a fixed amount, in the order's currency.")] = None,
    uses: Annotated[int | None, typer.Option(help="How often it may be used; without it, any number.")] = None,
    until: Annotated[str | None, typer.Option(help="Its last day in New York (2026-12-31); without it, none.")] = None,
    as_json: AsJson = False,
) -> None:
    """A new code. Government fees and surcharges are never reduced."""
    if (percent is None) == (fixed is None):
        raise UsageError("Give either --percent or --fixed.", field="amount")
    amount = _amount(percent if percent is not None else fixed or "")
    made = Discount(code, "percent" if percent is not None else "fixed", amount, _end_of(until) if until else None)
    with books() as (stack, connection):
        now = stack.settings.clock.now()
        discounts.make_discount(connection, made, usage_limit=uses, by=who(), now=now)
        kept = next(row for row in discounts.all_discounts(connection) if row["code"] == code.strip().upper())
        record(
            connection, by=who(), what="discount_added", now=now, detail={"code": kept["code"], "terms": terms(kept)}
        )
    if as_json:
        emit_json(_as_json(kept, now))
        return
    stdout.print(f"{kept['code']}: {terms(kept)}.", highlight=False, markup=False, soft_wrap=True)


@app.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """Every code, how often it was used and whether it is taken."""
    with books() as (stack, connection):
        now = stack.settings.clock.now()
        rows = discounts.all_discounts(connection)
    if as_json:
        emit_json({"discounts": [_as_json(row, now) for row in rows]})
        return
    if not rows:
        stdout.print("There is none. `pw discounts add CODE --percent 10` makes one.", highlight=False, markup=False)
        return
    table = Table("code", "terms", "used", "is", "made by", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["code"], terms(row), str(row["uses"]), state(row, now), row["created_by"])
    stdout.print(table, markup=False)


@app.command("end")
def end_command(code: Code, *, as_json: AsJson = False) -> None:
    """Not taken any more, from now on. Orders that were placed with it keep their price."""
    with books() as (stack, connection):
        now = stack.settings.clock.now()
        ended = discounts.end_discount(connection, code, now=now)
        record(connection, by=who(), what="discount_ended", now=now, detail={"code": ended})
    if as_json:
        emit_json({"code": ended, "is": "ended", "expires_at": now})
        return
    stdout.print(f"{ended} has ended; no order can be placed with it any more.", highlight=False, markup=False)


def terms(row: dict[str, Any]) -> str:
    """What a code takes off, how often and until when."""
    off = f"{row['amount'].normalize():f} %" if row["kind"] == "percent" else f"{row['amount']:,.2f}"
    often = "any number of uses" if row["usage_limit"] is None else f"{row['usage_limit']:,} use(s)"
    until = f", until {row['expires_at'].astimezone(EASTERN):%Y-%m-%d %H:%M} New York" if row["expires_at"] else ""
    return f"{off} off service fees, {often}{until}"


def state(row: dict[str, Any], now: datetime) -> str:
    """Whether a code is taken: `taken`, `ended`, `used up`."""
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return "ended"
    return "used up" if row["usage_limit"] is not None and row["uses"] >= row["usage_limit"] else "taken"


def _as_json(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {**row, "is": state(row, now)}


def _amount(said: str) -> Decimal:
    try:
        return Decimal(said.strip().removesuffix("%").strip())
    except InvalidOperation as error:
        raise UsageError(
            f"{said!r} is no amount.", field="amount", remedy="Give a number such as 10 or 49.50."
        ) from error


def _end_of(said: str) -> datetime:
    """The end of a day in New York."""
    try:
        after = date.fromisoformat(said.strip()) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{said!r} is no day.", field="until", remedy="Give it as 2026-12-31.") from error
    return datetime.combine(after, time(), EASTERN).astimezone(UTC)
