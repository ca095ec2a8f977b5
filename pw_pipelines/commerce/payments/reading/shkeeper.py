"""SHKeeper: paid is `paid: true` with PAID or OVERPAID. The money is the invoice's whole balance, however many
transactions it came in: each callback tells all of it again.
Source: vsys-host/shkeeper.io, callback.py.
"""

from __future__ import annotations

from pw_pipelines.commerce.payments.reading.said import Ground, Said, decimal_text, unreadable
from pw_pipelines.commerce.payments.verify.parts import json_object, text


def read(raw: bytes, _key: str, _ground: Ground) -> Said:  # noqa: PLR0911  # one answer per status
    """What a SHKeeper callback says."""
    body = json_object(raw)
    if body is None:
        return unreadable("it is no JSON object")
    if "payout_id" in body:
        return Said("nothing", "A payout of ours, no payment.")
    order, status = text(body.get("external_id")), text(body.get("status")) or ""
    if status == "unconfirmed":
        return Said("wait", "SHKeeper: a transaction is seen and not confirmed yet.", order, session=order)
    money = decimal_text(_as_text(body.get("balance_fiat")), body.get("fiat"))
    if order is None or money is None:
        return unreadable("the callback has no external_id or no balance")
    if body.get("paid") is True and status in {"PAID", "OVERPAID"}:
        return Said("paid", f"SHKeeper: {status}.", order, order, money, session=order)
    if status == "PARTIAL":
        return Said("wait", f"SHKeeper: paid in part, {money}.", order, order, money, session=order)
    return Said("person", f"SHKeeper: status {status or 'missing'} with paid {body.get('paid')!r}.", order, order)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
