"""Reductions of service fees: discount codes and referrals, together at most 15 %."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Literal

from psycopg import Connection

from pw_pipelines.errors import UsageError

CENT = Decimal("0.01")
CAP_PERCENT = Decimal(15)
REFERRAL_PERCENT = Decimal(5)
CODE = re.compile(r"[A-Z0-9][A-Z0-9_.-]{0,39}", re.ASCII)
MOST = Decimal(100_000)
_ANOTHER = "Leave the code out, or give another one."


@dataclass(frozen=True)
class Discount:
    """A discount code: `amount` percent of service fees, or a fixed amount. expires_at: aware; None: never."""

    code: str
    kind: Literal["percent", "fixed"]
    amount: Decimal
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Referral:
    """An agent's REF-XXXXX code: 5 % off service fees, and the order counts as the agent's."""

    code: str
    agent_id: int


@dataclass(frozen=True)
class Reduction:
    """What one code takes off, a positive amount to the cent. is_cut: it asked for more than the cap leaves."""

    kind: Literal["discount", "referral"]
    code: str
    amount: Decimal
    is_cut: bool = False


def reductions(base: Decimal, codes: Iterable[Discount | Referral]) -> tuple[Reduction, ...]:
    """What each code takes off `base`, the service fees that may be reduced. The order of `codes` is irrelevant.

    Each is taken of the whole base, rounded half up; together they never pass 15 % of it, rounded down to the cent.
    Where they would, the referral stands first and discount codes give way.
    """
    left = (base * CAP_PERCENT / 100).quantize(CENT, ROUND_DOWN)
    taken: list[Reduction] = []
    for one in sorted(codes, key=lambda code: (isinstance(code, Discount), code.code)):
        asked = _asked(base, one)
        amount = min(asked, left)
        left -= amount
        if amount > 0:
            kind: Literal["discount", "referral"] = "discount" if isinstance(one, Discount) else "referral"
            taken.append(Reduction(kind, one.code, amount, is_cut=amount < asked))
    return tuple(taken)


def _asked(base: Decimal, one: Discount | Referral) -> Decimal:
    if isinstance(one, Discount) and one.kind == "fixed":
        return one.amount.quantize(CENT, ROUND_DOWN)
    percent = one.amount if isinstance(one, Discount) else REFERRAL_PERCENT
    return (base * percent / 100).quantize(CENT, ROUND_HALF_UP)


def make_discount(
    connection: Connection[Any], discount: Discount, *, usage_limit: int | None, by: str, now: datetime
) -> None:
    """Keeps a new code in capitals. usage_limit: 1 for a single use, None for any number.

    Raises UsageError when the code stands already, or its amount, limit or end can't be.
    """
    code = discount.code.strip().upper()
    if CODE.fullmatch(code) is None:
        raise UsageError(
            f"{code[:60]!r} can't be a code.",
            field="code",
            remedy="Give letters, digits, dots and dashes, at most 40, beginning with a letter or digit.",
        )
    amount, most = discount.amount, Decimal(100) if discount.kind == "percent" else MOST
    if not amount.is_finite() or not 0 < amount <= most or amount != amount.quantize(CENT):
        raise UsageError(
            f"A discount of {amount} ({discount.kind}) under the code {code!r} can't be.",
            field="amount",
            remedy=f"Give an amount above 0, at most {most}, with at most two decimals.",
        )
    if discount.expires_at is not None and discount.expires_at <= now:
        raise UsageError(
            f"The code {code} would have expired before it was made.",
            field="expires_at",
            remedy="Give a day to come, or leave it out.",
        )
    if usage_limit is not None and usage_limit < 1:
        raise UsageError(
            "A code that may never be used is none.", field="usage_limit", remedy="Give 1 or more, or leave it out."
        )
    made = connection.execute(
        "insert into pw.discount_codes (code, kind, amount, usage_limit, expires_at, created_at, created_by) "
        "values (%s, %s, %s, %s, %s, %s, %s) on conflict (code) do nothing",
        (code, discount.kind, discount.amount, usage_limit, discount.expires_at, now, by),
    )
    if made.rowcount != 1:
        raise UsageError(f"The code {code} stands already.", field="code", remedy="Give another code.")


def all_discounts(connection: Connection[Any]) -> list[dict[str, Any]]:
    """Every code with its uses, newest first."""
    rows = connection.execute(
        "select code, kind, amount, uses, usage_limit, expires_at, created_at, created_by from pw.discount_codes "
        "order by created_at desc, code"
    ).fetchall()
    return [dict(row) for row in rows]


def end_discount(connection: Connection[Any], code: str, *, now: datetime) -> str:
    """The code is not taken from now on, and is kept; orders placed with it keep their price. Its name, in capitals.

    Raises UsageError when there is none, or it has ended already.
    """
    row = connection.execute(
        "select code, expires_at from pw.discount_codes where code = %s for update", (code.strip().upper(),)
    ).fetchone()
    if row is None:
        raise UsageError(
            f"There is no discount code {code.strip()[:40]!r}.", field="code", remedy="`pw discounts list` shows them."
        )
    if row["expires_at"] is not None and row["expires_at"] <= now:
        raise UsageError(f"The discount code {row['code']} has ended already.", field="code")
    connection.execute("update pw.discount_codes set expires_at = %s where code = %s", (now, row["code"]))
    return str(row["code"])


def find_discount(connection: Connection[Any], code: str, *, now: datetime) -> Discount:
    """The code a customer gave, in any case. It is not counted here but when the order is placed.

    Raises UsageError when there is none, when it has expired or when it is used up.
    """
    row = connection.execute("select * from pw.discount_codes where code = %s", (code.strip().upper(),)).fetchone()
    if row is None:
        raise UsageError(f"There is no discount code {code.strip()[:40]!r}.", field="discount_code", remedy=_ANOTHER)
    if row["expires_at"] is not None and row["expires_at"] <= now:
        raise UsageError(f"The discount code {row['code']} has expired.", field="discount_code", remedy=_ANOTHER)
    if row["usage_limit"] is not None and row["uses"] >= row["usage_limit"]:
        raise UsageError(f"The discount code {row['code']} is used up.", field="discount_code", remedy=_ANOTHER)
    return Discount(row["code"], row["kind"], row["amount"], row["expires_at"])


def count_use(connection: Connection[Any], code: str, *, now: datetime) -> None:
    """Counts one use, in the transaction of the order that uses it: others wait for its end, so no limit is passed.

    Raises UsageError when the code has gone, expired or been used up since it was found.
    """
    counted = connection.execute(
        "update pw.discount_codes set uses = uses + 1 where code = %s "
        "and (expires_at is null or expires_at > %s) and (usage_limit is null or uses < usage_limit)",
        (code, now),
    )
    if counted.rowcount != 1:
        find_discount(connection, code, now=now)
        raise UsageError(f"The discount code {code} can't be used now.", field="discount_code", remedy=_ANOTHER)


def count_use_again(connection: Connection[Any], code: str) -> None:
    """Counts a use that was given back, for an order that lives again; a code that is full by now stays as it is."""
    connection.execute(
        "update pw.discount_codes set uses = uses + 1 where code = %s and (usage_limit is null or uses < usage_limit)",
        (code,),
    )


def give_back_use(connection: Connection[Any], code: str) -> None:
    """Takes one use back: its order was cancelled before it was paid."""
    connection.execute("update pw.discount_codes set uses = uses - 1 where code = %s and uses > 0", (code,))
