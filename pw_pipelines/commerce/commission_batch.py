"""The month's payment of commissions: one ACH file, kept by its digest, and the ledger that says what it paid.

Ledger and batch are written in one transaction after the file is kept, so a kill at any moment leaves either all of it
or a file nobody names; the next run makes the month's batch, once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from psycopg import Connection

from pw_pipelines import faults
from pw_pipelines.clock import EASTERN, eastern_day
from pw_pipelines.commerce.ach import Account, Credit, ach_file
from pw_pipelines.commerce.payouts import Payouts
from pw_pipelines.compliance.calendar import business_day
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.objects import Objects

_LOCK = 0x5057_0ACC  # advisory lock: one payer at a time
NO_FILE = "PW_PAYOUTS_FILE names no file with the firm's bank and the agents' accounts"


@dataclass(frozen=True)
class Share:
    """What one agent is owed: the sum of payable entries, reversals taken off. why: the reason nothing was paid."""

    agent_id: int
    name: str
    amount: Decimal
    entries: int
    why: str | None = None


@dataclass(frozen=True)
class MonthPaid:
    """What became of a month. digest: of the ACH file in the object store; None: none was written.

    is_new: whether this call wrote it. held: owed, but not paid for the reason given; it stays payable.
    """

    month: date
    digest: str | None
    total: Decimal
    is_new: bool
    paid: tuple[Share, ...] = field(default=())
    held: tuple[Share, ...] = field(default=())


def pay_month(db: Database, objects: Objects, payouts: Payouts | None, *, now: datetime) -> MonthPaid:
    """Pays what was payable when New York's present month began, less every reversal; once a month.

    An agent without bank data, or who owes more than is due, is held and named; the others are paid.
    Raises OutsideError when the object store fails; then nothing is paid.
    """
    month = eastern_day(now).replace(day=1)
    with db.connect(application="pw commissions") as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        done = connection.execute("select * from pw.commission_batches where month = %s", (month,)).fetchone()
        if done is not None:
            return MonthPaid(month, str(done["file_digest"]), Decimal(str(done["total"])), is_new=False)
        entries = _payable(connection, month)
        shares = [_share(group, payouts) for _, group in groupby(entries, key=lambda one: int(one["agent_id"]))]
        held = tuple(share for share, _ in shares if share.why)
        due = [(share, account) for share, account in shares if account is not None and not share.why]
        if not due or payouts is None:
            return MonthPaid(month, None, Decimal("0.00"), is_new=False, held=held)
        credits = [Credit(account, share.amount, f"AGENT {share.agent_id}") for share, account in due]
        created = now.astimezone(EASTERN)
        effective = business_day(created.date() + timedelta(days=1))
        digest = _keep(objects, ach_file(payouts.originator, credits, created=created, effective=effective))
        faults.point("commissions.batch.stored")
        paid = tuple(share for share, _ in due)
        _book(connection, month=month, paid=paid, entries=entries, digest=digest, now=now)
        faults.point("commissions.batch.before_commit")
    return MonthPaid(month, digest, sum((one.amount for one in paid), Decimal(0)), is_new=True, paid=paid, held=held)


def _payable(connection: Connection[Any], month: date) -> list[Mapping[str, Any]]:
    """Payable entries, locked, by agent. A refund may be taking one back at this moment: it is waited for.

    What was earned by an order that is held, or whose payment is disputed since, stays payable for another month.
    """
    began = datetime(month.year, month.month, month.day, tzinfo=EASTERN)
    return connection.execute(
        "select c.entry_id, c.agent_id, c.amount, a.name, a.payout_reference from pw.commission_ledger c "
        "join pw.sales_agents a using (agent_id) join pw.orders o using (order_id) where c.state = 'payable' "
        "and (c.kind = 'reversal' or (c.payable_from < %s and o.status = 'delivered' and not exists "
        "(select from pw.payments p where p.order_id = c.order_id and p.state = 'disputed'))) "
        "order by c.agent_id, c.entry_id for update of c",
        (began,),
    ).fetchall()


def _share(group: Any, payouts: Payouts | None) -> tuple[Share, Account | None]:
    rows = list(group)
    first = rows[0]
    amount = sum((row["amount"] for row in rows), Decimal("0.00"))
    account = payouts.account(first["payout_reference"]) if payouts else None
    why = None
    if amount <= 0:
        why = "reversals come to as much as was earned or more; it is carried forward"
    elif payouts is None:
        why = NO_FILE
    elif first["payout_reference"] is None:
        why = "the agent has no payout reference"
    elif account is None:
        why = f"there is no account under the payout reference {first['payout_reference']!r}"
    return Share(first["agent_id"], first["name"], amount, len(rows), why), account


def _keep(objects: Objects, text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "commissions.ach"
        path.write_text(text, encoding="ascii", newline="")
        return objects.put(path)


def _book(
    connection: Connection[Any],
    *,
    month: date,
    paid: tuple[Share, ...],
    entries: list[Mapping[str, Any]],
    digest: str,
    now: datetime,
) -> None:
    agents = {share.agent_id for share in paid}
    settled = [entry["entry_id"] for entry in entries if entry["agent_id"] in agents]
    row = connection.execute(
        "insert into pw.commission_batches (month, total, entries, file_digest, created_at) "
        "values (%s, %s, %s, %s, %s) returning batch_id",
        (month, sum((share.amount for share in paid), Decimal(0)), len(settled), digest, now),
    ).fetchone()
    assert row is not None
    connection.execute(
        "update pw.commission_ledger set state = 'paid', paid_at = %s, batch_id = %s where entry_id = any(%s)",
        (now, row["batch_id"], settled),
    )
