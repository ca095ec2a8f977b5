"""`pw orders`: what waits at which gate, one order with what proves where it stands, and what people do about it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape
from rich.table import Table

from pw_pipelines.commands.order_words import WholeOrder, contact_of, item_as_json, line_as_json, print_item
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stdout
from pw_pipelines.commerce import order_view
from pw_pipelines.commerce.order_money import money_of
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import answers, board, deeds, order_deeds
from pw_pipelines.fulfillment.facts import fact_of
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.items import read_item
from pw_pipelines.fulfillment.model import STAGES, Connection
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Item = Annotated[int, typer.Argument(help="An item's number; `pw orders list` shows it.")]
Number = Annotated[str, typer.Argument(help="An order's number, such as PW-2026-000123.")]
Why = Annotated[str, typer.Option("--note", help="Why; kept with your name.")]
Note = Annotated[str, typer.Option("--note", help="Kept with your name.")]


def who() -> str:
    """How deeds of the command line are signed in the log."""
    return f"pw:{getpass.getuser()}"


def typed(question: str, *, twice: bool = False) -> str:
    """What is typed without being shown; a line of a pipe where there is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True))


@contextmanager
def books() -> Iterator[tuple[Stack, Connection]]:
    """The stack and one transaction on its books."""
    with open_stack(load_settings()) as stack, stack.db.connect() as connection:
        yield stack, cast("Connection", connection)


def _did(item_id: int, deed: Callable[[Stack, Connection], dict[str, Any] | None], *, as_json: bool, said: str) -> None:
    """Does one deed and says how the item stands afterwards."""
    with books() as (stack, connection):
        more = deed(stack, connection) or {}
        item = read_item(connection, item_id)
    if as_json:
        emit_json({"item_id": item_id, "stage": item.stage, "state": item.state, "gate": item.gate, **more})
        return
    where = f"waits: {item.gate}" if item.gate else item.state
    stdout.print(f"{said} Item {item_id} stands at {item.stage}, {where}.", highlight=False, markup=False)


@app.command("list")
def list_command(
    *,
    gate: Annotated[str | None, typer.Option(help="One gate only, such as review, packet or unknown_effect.")] = None,
    waiting_for: Annotated[
        str | None, typer.Option("--for", help="customer, reviewer, ops or clock: whose turn it is.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most items shown.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Items of paid orders that are not done, those that waited longest first."""
    if gate is not None and gate not in (*board.WAITS_FOR, "ready"):
        raise UsageError(f"There is no gate {gate!r}. There are: {', '.join(sorted(board.WAITS_FOR))}.")
    if waiting_for is not None and waiting_for not in set(board.WAITS_FOR.values()):
        raise UsageError(f"Nobody called {waiting_for!r} is waited for; give customer, reviewer, ops or clock.")
    wanted = board.Filter(
        gate=gate if gate != "ready" else None, who=waiting_for, state="ready" if gate == "ready" else None
    )
    with books() as (_, connection):
        rows = board.queue(connection, wanted, size=limit)
        counts = {name: row["items"] for name, row in board.counts(connection).items()}
    if as_json:
        emit_json({"items": [line_as_json(row) for row in rows], "gates": counts})
        return
    stdout.print(queue_table(rows))


def queue_table(rows: Sequence[board.Row]) -> Table:
    """The queue, two lines an item, whole on a terminal of 80 columns: numbers and names are typed into other commands,
    so none of them is cut or broken; what is long folds."""
    table = Table(box=None, pad_edge=False)
    for title, breaks in (("item", False), ("order", False), ("service, for", True), ("stage, gate", False),
                          ("since (UTC)", False)):  # fmt: skip
        table.add_column(title, no_wrap=not breaks, overflow="fold")
    for row in rows:
        table.add_row(
            str(row["item_id"]), row["order_number"],
            f"{row['service']}\n{escape(row['frn'] or row['company_name'] or '')}",
            f"{row['stage']}\n{row['gate'] or row['state']}", f"{row['since']:%Y-%m-%d}\n{row['since']:%H:%M}",
        )  # fmt: skip
    return table


@app.command("show")
def show_command(number: Number, as_json: AsJson = False) -> None:
    """One order, paid or not: its state, money, customer and history; each item's stages with what proves them."""
    with books() as (stack, connection):
        order = order_view.read(connection, _numbered(number))
        whole = WholeOrder(
            order, money_of(connection, order.order_id), order_deeds.ways(connection, order.order_id),
            contact_of(connection, order),
        )  # fmt: skip
        deeds.record(
            connection, by=who(), what="opened", order_id=order.order_id, now=stack.settings.clock.now(),
            detail={"page": "order"},
        )  # fmt: skip
        rows = board.queue(connection, board.Filter(number=order.number), size=1_000)
        vault = Vault(stack.settings)
        pages = [board.item_page(connection, row["item_id"]) for row in rows]
        missing = {row["item_id"]: answers.missing_of(connection, vault, row["item_id"]) for row in rows}
    if as_json:
        items = [item_as_json(page, missing[page.item.item_id]) for page in pages]
        emit_json({**whole.as_json(), "items": items})
        return
    whole.print()
    for page in pages:
        print_item(page, missing[page.item.item_id])
    if not pages:
        whole.print_items()


@app.command("release")
def release_command(number: Number, *, note: Why, as_json: AsJson = False) -> None:
    """Let a held order go back to what it was; its items go on by themselves. Refused while its money is in doubt."""
    _order_deed(order_deeds.release, number, note, "Released", as_json=as_json)


@app.command("cancel")
def cancel_command(number: Number, *, note: Why, as_json: AsJson = False) -> None:
    """End an order nobody paid. A paid one is refunded at the provider, and the refund ends it."""
    _order_deed(order_deeds.cancel, number, note, "Cancelled", as_json=as_json)


@app.command("end")
def end_command(number: Number, *, note: Why, as_json: AsJson = False) -> None:
    """End an order whose whole money was refunded while something of it was being filed. What is filed stays filed."""
    _order_deed(order_deeds.end, number, note, "Ended", as_json=as_json)


def _order_deed(deed: Callable[..., str], number: str, note: str, said: str, *, as_json: bool) -> None:
    with books() as (stack, connection):
        asked = _numbered(number)
        status = deed(connection, asked, by=who(), why=note, now=stack.settings.clock.now())
        filed = order_deeds.ways(connection, order_view.read(connection, asked).order_id).filed
    if as_json:
        emit_json({"order": asked, "status": status, "filed": filed})
        return
    stdout.print(f"{said}. Order {asked} is {status}.", highlight=False, markup=False)
    for one in filed:
        text = f"  stays filed: {one['title']} (item {one['item_id']}), {one['reference'] or one['state']}"
        stdout.print(text, highlight=False, markup=False, soft_wrap=True)


def _numbered(number: str) -> str:
    """A number in capitals. Raises UsageError for what is none: a link's token has no business on a command line."""
    asked = number.strip().upper()
    if not order_view.NUMBER.fullmatch(asked):
        raise UsageError(f"{number.strip()[:40]!r} is no order's number; they look like PW-2026-000123.")
    return asked


@app.command("approve")
def approve_command(
    item: Item,
    *,
    digest: Annotated[str, typer.Option(help="Digest of the filled form you looked at; `pw orders show` names it.")],
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Approve the filled form with this digest, and no other."""

    def deed(stack: Stack, connection: Connection) -> dict[str, Any]:
        deeds.approve(connection, item, digest, by=who(), note=note or None, now=stack.settings.clock.now())
        return {"form_digest": digest, "decision": "approved"}

    _did(item, deed, as_json=as_json, said="Approved.")


@app.command("hold")
def hold_command(
    item: Item, *, note: Annotated[str, typer.Option("--note", help="Why.")], as_json: AsJson = False
) -> None:
    """Stop an item for a person; what is being done at this moment is not interrupted."""

    def deed(stack: Stack, connection: Connection) -> None:
        deeds.hold(connection, item, by=who(), why=note, now=stack.settings.clock.now())

    _did(item, deed, as_json=as_json, said="Held.")


@app.command("retry")
def retry_command(
    item: Item,
    *,
    stage: Annotated[str | None, typer.Option(help=f"From this stage on: {', '.join(STAGES)}.")] = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Make a waiting item ready again. Nothing is skipped by it, and nothing done is done twice."""
    if stage is not None and stage not in STAGES:
        raise UsageError(f"There is no stage {stage!r}. There are: {', '.join(STAGES)}.")

    def deed(stack: Stack, connection: Connection) -> None:
        deeds.retry(connection, item, by=who(), why=note, stage=stage, now=stack.settings.clock.now())

    _did(item, deed, as_json=as_json, said="Tried again.")


@app.command("resolve")
def resolve_command(
    effect: Annotated[int, typer.Argument(help="An effect's number; `pw orders show` names it.")],
    *,
    happened: Annotated[bool, typer.Option("--happened/--not-happened", help="What you saw outside.")],
    note: Annotated[str, typer.Option("--note", help="How you know.")],
    reference: Annotated[str | None, typer.Option(help="Its number or name outside, if it happened.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of an unknown effect. If it happened it is not done again; if not, it is done anew, a filing only
    after a second person said the same."""
    with books() as (stack, connection):
        settled = deeds.resolve(
            connection, effect, happened=happened, by=who(), note=note, reference=reference,
            now=stack.settings.clock.now(),
        )  # fmt: skip
        item_id, state = settled.item_id, settled.state
        item = read_item(connection, item_id)
    if as_json:
        emit_json(
            {
                "effect_id": effect, "effect": state, "reference": reference, "item_id": item_id, "stage": item.stage,
                "state": item.state, "gate": item.gate,
            }
        )  # fmt: skip
        return
    more = " A second person has to say the same." if state == "unknown" else ""
    stdout.print(f"Effect {effect} is {state}; item {item_id} is {item.state}.{more}", highlight=False, markup=False)


@app.command("details")
def details_command(
    item: Item,
    values: Annotated[list[str], typer.Argument(help="Details as name=value; - for a private one asks for it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give details of an item. A private one as `name=-`: it is asked for, so that no shell history holds it."""
    said: dict[str, str] = {}
    for one in values:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"{name!r} is no name=value.")
        if fact_of(name).private:
            if value != "-":
                raise UsageError(f"{name} is private: give it as {name}=- and type it when asked.", field=name)
            value = typed(fact_of(name).ask)
        said[name] = value

    def deed(stack: Stack, connection: Connection) -> dict[str, Any]:
        given = deeds.details(connection, Vault(stack.settings), item, said, by=who(), now=stack.settings.clock.now())
        return {"kept": sorted(given.kept), "missing": list(given.missing), "goes_on": given.goes_on}

    _did(item, deed, as_json=as_json, said="Kept.")


@app.command("evidence")
def evidence_command(
    number: Number,
    *,
    out: Annotated[Path, typer.Option("--out", help="A folder; with --item a file.")],
    item: Annotated[int | None, typer.Option(help="One item of the order only.")] = None,
    why: Annotated[str, typer.Option(help="Why you need it: it holds personal data, and the reading is logged.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write the evidence of an order's items, to be checked offline: signed, filed, confirmed, delivered."""
    from pw_pipelines.fulfillment import custody

    reason = why.strip() or "evidence file by the command line"
    with open_stack(load_settings()) as stack:
        ground = Ground(stack.settings, stack.db, stack.objects)
        if item is None:
            made = custody.evidence_file_of_order(ground, number.strip().upper(), out, by=who(), why=reason)
        else:
            with stack.db.connect() as connection:
                found = read_item(cast("Connection", connection), item)
            if found.order_number != number.strip().upper():
                raise UsageError(f"Item {item} is not of order {number}.")
            made = {out: custody.evidence_file(ground, item, out, by=who(), why=reason)}
    ok = all(check.ok for checks in made.values() for check in checks)
    if as_json:
        emit_json({"ok": ok, "files": [{"file": path, "checks": checks} for path, checks in made.items()]})
    else:
        for path, checks in made.items():
            stdout.print(escape(str(path)), highlight=False, soft_wrap=True)
            _checks(checks)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("verify-evidence")
def verify_command(
    file: Annotated[
        Path,
        typer.Argument(help="A file of `pw orders evidence`, the folder it wrote, or a file unpacked.", exists=True),
    ],
    *,
    seal: Annotated[
        list[str] | None, typer.Option(help="Fingerprint the firm's seal must have; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine an evidence file offline: digests, the chain of the signature, seals, and that all speak of the same."""
    from pw_pipelines.fulfillment.custody_checks import LIST, verify

    inside = sorted(file.glob("*.zip")) if file.is_dir() and not (file / LIST).exists() else []
    found = {one: verify(one, seals=seal or ()) for one in inside or [file]}
    ok = all(check.ok for checks in found.values() for check in checks)
    if as_json and not inside:
        emit_json({"ok": ok, "file": file, "checks": found[file]})
    elif as_json:
        emit_json({"ok": ok, "files": [{"file": path, "checks": checks} for path, checks in found.items()]})
    else:
        for path, checks in found.items():
            if inside:
                stdout.print(escape(str(path)), highlight=False, soft_wrap=True)
            _checks(checks)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


def _checks(checks: Any) -> None:
    for check in checks:
        mark = "[green]ok[/]    " if check.ok else "[bold red]FAILED[/]"
        stdout.print(f"{mark} {escape(check.name)}: {escape(check.text)}", highlight=False, soft_wrap=True)
