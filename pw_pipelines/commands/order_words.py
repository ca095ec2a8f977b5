"""What `pw orders` says of one order and of its items: as JSON, and as lines for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.markup import escape

from pw_pipelines.commands.output import stdout
from pw_pipelines.commerce.order_money import OrderMoney
from pw_pipelines.commerce.order_view import OrderView
from pw_pipelines.fulfillment import board
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.order_deeds import Ways


@dataclass(frozen=True)
class WholeOrder:
    """An order as a whole, whatever became of it. contact: who bought."""

    order: OrderView
    money: OrderMoney
    ways: Ways
    contact: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """All of it but its items' work. `why_not`: why a deed is refused now, null where it is not."""
        order, money = self.order, self.money
        return {
            "order": order.number, "status": order.status, "held_from": order.held_from, "kind": order.kind,
            "total": order.total, "currency": order.currency, "method": order.method, "placed_at": order.placed_at,
            "paid_at": order.paid_at, "delivered_at": order.delivered_at, "closed_at": order.closed_at,
            "discount_code": order.discount_code, "referral_code": order.referral_code, "customer": self.contact,
            "bill": [{"text": one.text, "amount": one.amount} for one in order.lines],
            "ordered": [
                {"service": one.service, "title": one.title, "quantity": one.quantity, "frn": one.frn,
                 "for_state": one.for_state, "price": one.unit_price}
                for one in order.items
            ],
            "money": {
                "payments": money.payments, "movements": money.movements, "tries": money.tries,
                "events": money.events,
            },
            "history": order.events, "filed": self.ways.filed,
            "why_not": {"release": self.ways.release, "cancel": self.ways.cancel, "end": self.ways.end},
        }  # fmt: skip

    def print(self) -> None:
        """For a terminal."""
        order, money = self.order, self.money
        was = f", was {order.held_from}" if order.held_from else ""
        _say(f"{order.number}, {order.status}{was}, {'paid' if order.paid_at else 'not paid'}")
        _say(f"  {order.total:,} {order.currency} by {order.method}, placed {order.placed_at:%Y-%m-%d %H:%M} UTC")
        _say("  customer: " + ", ".join(str(one) for one in self.contact.values() if one))
        for one in money.payments:
            back = f", {one['gone']:,} went back" if one["gone"] else ""
            state = one["state"].replace("_", " ")
            _say(f"  came: {one['amount']:,} {one['currency']} through {one['provider']} ({state}{back})")
        for one in money.tries:
            _say(f"  try to pay: {one['amount']:,} {one['currency']} by {one['method']}, {one['state']}")
        for one in money.events:
            if one["state"] in ("held", "received"):
                _say(f"  payment event {one['event_id']} ({one['provider']}) is {one['state']}: {one['outcome'] or ''}")
        for event in order.events:
            change = f"{event.before or 'new'} -> {event.after}: " if event.what == "status" else ""
            _say(f"  {event.at:%Y-%m-%d %H:%M} {event.by}: {change}{event.why}")
        if order.status == "held" and self.ways.release:
            _say(f"  not released: {self.ways.release}")

    def print_items(self) -> None:
        """What was ordered, of an order whose items have no work yet."""
        for one in self.order.items:
            _say(f"  ordered: {one.title}{f', {one.frn}' if one.frn else ''}")


def contact_of(connection: Connection, order: OrderView) -> dict[str, Any]:
    """Who bought: name, company, address and telephone."""
    row = connection.execute(
        "select name, company, email, phone from pw.customers where customer_id = %s", (order.customer_id,)
    ).fetchone()
    assert row is not None, "a foreign key leads here"
    return dict(row)


def _say(text: str) -> None:
    stdout.print(text, highlight=False, markup=False, soft_wrap=True)


def line_as_json(row: board.Row) -> dict[str, Any]:
    """One line of the queue."""
    return {
        "item_id": row["item_id"], "order": row["order_number"], "service": row["service"], "title": row["title"],
        "for": row["frn"] or row["company_name"], "stage": row["stage"], "state": row["state"], "gate": row["gate"],
        "why": row["gate_why"], "waits_for": board.WAITS_FOR.get(row["gate"] or ""), "since": row["since"],
        "not_before": row["not_before"], "due_on": row["due_on"], "run_id": row["run_id"],
    }  # fmt: skip


def item_as_json(page: board.ItemPage, missing: tuple[str, ...]) -> dict[str, Any]:
    """One item with all that the desk shows of it."""
    effects = ("effect_id", "key", "kind", "state", "attempts", "reference", "last_error", "intended_at", "done_at")
    documents = ("document_id", "template", "title", "edition", "pdf_digest", "signed_digest", "withdrawn_at")
    return {
        **line_as_json(page.row),
        "gate_detail": page.row["gate_detail"],
        "generation": page.item.generation,
        "attempts": page.row["attempts"],
        "last_error": page.row["last_error"],
        "missing": list(missing),
        "stages": [
            {
                "stage": one.stage,
                "state": one.state,
                "at": one.at,
                "text": one.text,
                "proofs": [list(p) for p in one.proofs],
            }
            for one in page.stages
        ],
        "effects": [{name: one[name] for name in effects} for one in page.effects],
        "documents": [{name: one[name] for name in documents} for one in page.documents],
        "approvals": [
            {name: one[name] for name in ("form_digest", "decision", "by", "at", "note")} for one in page.approvals
        ],
        "cures": [{name: one[name] for name in ("code", "state", "looked_at", "settled_at")} for one in page.cures],
    }


def print_item(page: board.ItemPage, missing: tuple[str, ...]) -> None:
    """One item for a terminal."""
    item, row = page.item, page.row
    stdout.print(f"\n[bold]{escape(item.title)}[/] (item {item.item_id}, {escape(item.subject)})", highlight=False)
    if row["gate"]:
        stdout.print(f"  waits: {row['gate']} since {row['since']:%Y-%m-%d %H:%M} UTC. {escape(row['gate_why'])}",
                     highlight=False, soft_wrap=True)  # fmt: skip
    if digest := row["gate_detail"].get("form_digest"):
        stdout.print(f"  form: {digest}", highlight=False, soft_wrap=True)
    if missing:
        stdout.print(f"  missing: {', '.join(missing)}", highlight=False, soft_wrap=True)
    for one in page.stages:
        mark = {"done": "[green]done[/]", "now": "[yellow]now[/] ", "later": "    "}[one.state]
        proofs = "; ".join(f"{title} {proof[:16] + '…' if len(proof) == 64 else proof}" for title, proof in one.proofs)
        stdout.print(f"  {mark} {one.title}{': ' + escape(proofs) if proofs else ''}", highlight=False, soft_wrap=True)
    for effect in page.effects:
        stdout.print(
            f"  effect {effect['effect_id']}: {escape(effect['key'])} is {effect['state']}"
            f"{', ' + escape(effect['reference']) if effect['reference'] else ''}",
            highlight=False,
            soft_wrap=True,
        )
