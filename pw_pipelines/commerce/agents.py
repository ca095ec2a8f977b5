"""Sales agents: their codes and what they have earned."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection

from pw_pipelines.commerce.discounts import Referral
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.mail_address import is_mail_address

CODE = re.compile(r"REF-[A-Z0-9]{5}", re.ASCII)
_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that are read as one another
_TRIES = 20
LONGEST_NAME = 200
LONGEST_REFERENCE = 100


@dataclass(frozen=True)
class Agent:
    """Who brings customers. payout_reference: the name of the bank account in the payouts file; None: none yet."""

    agent_id: int
    name: str
    email: str
    referral_code: str
    payout_reference: str | None
    is_active: bool


@dataclass(frozen=True)
class Statement:
    """An agent's commissions by state, US dollars; paid is net of reversals that were taken off."""

    pending: Decimal
    payable: Decimal
    paid: Decimal
    reversed: Decimal


def register(
    connection: Connection[Any], *, name: str, email: str, now: datetime, payout_reference: str | None = None
) -> Agent:
    """Keeps a new agent under a code of their own.

    Raises UsageError when the address is an agent's already, or it, the name or the reference can't be.
    """
    address, called = email.strip().lower(), name.strip()
    if not is_mail_address(address):
        raise UsageError(f"{address[:60]!r} is no mail address.", field="email", remedy="Give one such as a@b.com.")
    if not called or not called.isprintable() or len(called) > LONGEST_NAME:
        raise UsageError(f"Give the agent's name, at most {LONGEST_NAME} signs.", field="name")
    reference = _reference(payout_reference)
    if connection.execute("select 1 from pw.sales_agents where email = %s", (address,)).fetchone():
        raise UsageError(f"{address} is an agent already.", field="email", remedy="Give another address.")
    for _ in range(_TRIES):
        code = "REF-" + "".join(secrets.choice(_SIGNS) for _ in range(5))
        row = connection.execute(
            "insert into pw.sales_agents (name, email, referral_code, payout_reference, created_at) "
            "values (%s, %s, %s, %s, %s) on conflict do nothing returning *",
            (called, address, code, reference, now),
        ).fetchone()
        if row is not None:
            return _agent(row)
        if connection.execute("select 1 from pw.sales_agents where email = %s", (address,)).fetchone():
            raise UsageError(f"{address} is an agent already.", field="email", remedy="Give another address.")
    raise ConfigError(f"No free referral code was found in {_TRIES} tries; lengthen the codes.")


def find_agent(connection: Connection[Any], code: str) -> Agent:
    """The agent of a code, active or not. Raises UsageError when there is none."""
    wanted = code.strip().upper()
    row = connection.execute("select * from pw.sales_agents where referral_code = %s", (wanted,)).fetchone()
    if row is None:
        raise UsageError(
            f"There is no referral code {wanted[:20]!r}.",
            field="referral_code",
            remedy="Give a code such as REF-AB123, or leave it out.",
        )
    return _agent(row)


def find_referral(connection: Connection[Any], code: str) -> Referral:
    """The code a customer gave, in any case. Raises UsageError when there is none or it no longer stands."""
    found = find_agent(connection, code)
    if not found.is_active:
        raise UsageError(
            f"The referral code {found.referral_code} no longer stands.",
            field="referral_code",
            remedy="Leave the code out, or give another one.",
        )
    return Referral(found.referral_code, found.agent_id)


def named(connection: Connection[Any], who: str) -> Agent:
    """The agent of a referral code or a mail address, in any case; the row is locked until the transaction ends.

    Raises UsageError when there is none.
    """
    said = who.strip()
    row = connection.execute(
        "select * from pw.sales_agents where referral_code = upper(%(said)s) or email = lower(%(said)s) for update",
        {"said": said},
    ).fetchone()
    if row is None:
        raise UsageError(
            f"There is no agent {said[:60]!r}.", field="agent", remedy="Give a code or address of `pw agents list`."
        )
    return _agent(row)


def everybody(connection: Connection[Any]) -> list[Agent]:
    """Every agent, those whose code stands first, by name."""
    rows = connection.execute("select * from pw.sales_agents order by is_active desc, lower(name), agent_id").fetchall()
    return [_agent(row) for row in rows]


def set_payout(connection: Connection[Any], agent: Agent, reference: str | None) -> Agent:
    """Names the account that the agent's commissions go to; None: none. Raises UsageError when it can't be a name."""
    return _changed(connection, "payout_reference", _reference(reference), agent)


def set_active(connection: Connection[Any], agent: Agent, is_active: bool) -> Agent:
    """Whether the agent's code stands. What was earned stays theirs either way. Raises UsageError when it is so."""
    if agent.is_active == is_active:
        raise UsageError(f"{agent.referral_code} {'stands' if is_active else 'has ended'} already.", field="agent")
    return _changed(connection, "is_active", is_active, agent)


def _changed(
    connection: Connection[Any], column: Literal["payout_reference", "is_active"], value: object, agent: Agent
) -> Agent:
    row = connection.execute(
        f"update pw.sales_agents set {column} = %s where agent_id = %s returning *", (value, agent.agent_id)
    ).fetchone()
    assert row is not None, "the row is locked"
    return _agent(row)


def _reference(said: str | None) -> str | None:
    """The name of an account; never bank data itself, which stands in the file of payouts alone."""
    if said is None:
        return None
    reference = said.strip()
    digits = sum(letter.isdigit() for letter in reference)
    if not reference or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise UsageError(f"A payout reference has 1 to {LONGEST_REFERENCE} signs.", field="payout_reference")
    if digits >= 9 and digits == len(reference.replace(" ", "").replace("-", "")):
        raise UsageError(
            "This looks like bank data; the books keep none.",
            field="payout_reference",
            remedy="Give the name under which the account stands in the file of PW_PAYOUTS_FILE.",
        )
    return reference


def statement(connection: Connection[Any], agent_id: int) -> Statement:
    """What an agent has earned, by state."""
    rows = connection.execute(
        "select state, sum(amount) as amount from pw.commission_ledger where agent_id = %s group by state", (agent_id,)
    ).fetchall()
    sums = {row["state"]: row["amount"] for row in rows}
    zero = Decimal("0.00")
    return Statement(*(sums.get(state, zero) for state in ("pending", "payable", "paid", "reversed")))


def _agent(row: dict[str, Any]) -> Agent:
    return Agent(
        row["agent_id"], row["name"], row["email"], row["referral_code"], row["payout_reference"], row["is_active"]
    )
