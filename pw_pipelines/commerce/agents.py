"""Sales agents: their codes and what they have earned."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from pw_pipelines.commerce.discounts import Referral
from pw_pipelines.errors import ConfigError, UsageError

CODE = re.compile(r"REF-[A-Z0-9]{5}", re.ASCII)
_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that are read as one another
_TRIES = 20


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
    """Keeps a new agent under a code of their own. Raises UsageError when the address is an agent's already."""
    address = email.strip().lower()
    if connection.execute("select 1 from pw.sales_agents where email = %s", (address,)).fetchone():
        raise UsageError(f"{address} is an agent already.", field="email", remedy="Give another address.")
    for _ in range(_TRIES):
        code = "REF-" + "".join(secrets.choice(_SIGNS) for _ in range(5))
        row = connection.execute(
            "insert into pw.sales_agents (name, email, referral_code, payout_reference, created_at) "
            "values (%s, %s, %s, %s, %s) on conflict do nothing returning *",
            (name.strip(), address, code, payout_reference, now),
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
            field="referral",
            remedy="Give a code such as REF-AB123, or leave it out.",
        )
    return _agent(row)


def find_referral(connection: Connection[Any], code: str) -> Referral:
    """The code a customer gave, in any case. Raises UsageError when there is none or it no longer stands."""
    found = find_agent(connection, code)
    if not found.is_active:
        raise UsageError(
            f"The referral code {found.referral_code} no longer stands.",
            field="referral",
            remedy="Leave the code out, or give another one.",
        )
    return Referral(found.referral_code, found.agent_id)


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
