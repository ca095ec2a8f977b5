"""`pw agents`: who brings customers, their codes, what they have earned, and the account it goes to."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pw_pipelines.commands.orders import books, who
from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.commerce import agents
from pw_pipelines.commerce.agents import Agent
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.deeds import record

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Who = Annotated[str, typer.Argument(help="Their referral code or mail address.")]
REFERENCE = "The name of their account in the file of PW_PAYOUTS_FILE; never bank data itself."


@app.command("add")
def add_command(
    email: Annotated[str, typer.Argument(help="Their mail address.")],
    *,
    name: Annotated[str, typer.Option(help="Their name.")],
    payout: Annotated[str | None, typer.Option(help=REFERENCE)] = None,
    as_json: AsJson = False,
) -> None:
    """Somebody new; prints the referral code made for them. Nothing is mailed to them."""
    with books() as (stack, connection):
        now = stack.settings.clock.now()
        made = agents.register(connection, name=name, email=email, now=now, payout_reference=payout)
        record(connection, by=who(), what="agent_added", now=now, detail=_detail(made))
    more = "" if made.payout_reference else " No account is named yet: `pw agents set-payout`."
    _told(made, f"{made.name} is an agent under {made.referral_code}.{more}", as_json=as_json)


@app.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """Everybody, with what they have earned in US dollars."""
    with books() as (_, connection):
        rows = [(one, agents.statement(connection, one.agent_id)) for one in agents.everybody(connection)]
    if as_json:
        emit_json({"agents": [{**_plain(one), "commissions_usd": earned} for one, earned in rows]})
        return
    if not rows:
        stdout.print("There is none. `pw agents add EMAIL --name NAME` makes one.", highlight=False, markup=False)
        return
    table = Table("code", "name", "account", "pending", "payable", "paid", box=None, pad_edge=False)
    for one, earned in rows:
        called = f"{escape(one.name)}\n{escape(one.email)}" + ("" if one.is_active else "\nended")
        sums = (f"{earned.pending:,}", f"{earned.payable:,}", f"{earned.paid:,}")
        table.add_row(one.referral_code, called, escape(one.payout_reference or "none"), *sums)
    stdout.print(table)


@app.command("set-payout")
def set_payout_command(
    agent: Who,
    reference: Annotated[str | None, typer.Argument(help=REFERENCE)] = None,
    *,
    none: Annotated[bool, typer.Option("--none", help="They have no account (any more).")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the account their commissions go to; from the next month's file on."""
    if (reference is None) != none:
        raise UsageError("Give either a reference or --none.", field="payout_reference")
    with books() as (stack, connection):
        before = agents.named(connection, agent)
        after = agents.set_payout(connection, before, reference)
        record(
            connection, by=who(), what="agent_payout", now=stack.settings.clock.now(),
            detail={**_detail(after), "was": before.payout_reference or "none"},
        )  # fmt: skip
    account = f"go to the account {after.payout_reference}" if after.payout_reference else "have no account"
    _told(after, f"The commissions of {after.name} ({after.referral_code}) {account}.", as_json=as_json)


@app.command("end")
def end_command(agent: Who, *, as_json: AsJson = False) -> None:
    """Their code is not taken any more. What they have earned stays theirs and is paid."""
    changed = _set_active(agent, False)
    text = f"{changed.referral_code} ({changed.name}) has ended; what was earned is still paid."
    _told(changed, text, as_json=as_json)


@app.command("resume")
def resume_command(agent: Who, *, as_json: AsJson = False) -> None:
    """Their code is taken again."""
    changed = _set_active(agent, True)
    _told(changed, f"{changed.referral_code} ({changed.name}) stands again.", as_json=as_json)


def _set_active(agent: str, is_active: bool) -> Agent:
    with books() as (stack, connection):
        changed = agents.set_active(connection, agents.named(connection, agent), is_active)
        what = "agent_resumed" if is_active else "agent_ended"
        record(connection, by=who(), what=what, now=stack.settings.clock.now(), detail=_detail(changed))
    return changed


def _detail(agent: Agent) -> dict[str, Any]:
    """What the log of deeds keeps of it: no name, no address."""
    return {"agent": agent.agent_id, "code": agent.referral_code, "account": agent.payout_reference or "none"}


def _plain(agent: Agent) -> dict[str, Any]:
    return {
        "code": agent.referral_code, "name": agent.name, "email": agent.email, "is_active": agent.is_active,
        "payout_reference": agent.payout_reference,
    }  # fmt: skip


def _told(agent: Agent, text: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(_plain(agent))
        return
    stdout.print(text, highlight=False, markup=False, soft_wrap=True)
