"""A page for people who want to see the documents arrive; the real ERPNext has its desk here."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, Response

from pw_pipelines.sandbox.erpnext.store import Document, Session

NEWEST = 50
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ERPNext stand-in</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1b1b}
div{overflow-x:auto}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid #ddd;white-space:nowrap}.m{text-align:right}.n{font-size:1.4rem}</style>
<h1>ERPNext (stand-in)</h1><p>Invented customers in an invented world; no money is behind it.</p>"""
_STATES = ("draft", "submitted", "cancelled")


def show(session: Session) -> Response:
    """How many documents of each type there are, and the newest of them."""
    told = ", ".join(f"{number:,} {doctype}" for doctype, number in session.totals().items()) or "nothing yet"
    rows = "".join(_row(document) for document in session.newest(NEWEST))
    return HTMLResponse(
        f"""{_HEAD}<p class="n">{escape(told)}</p><p>The newest {NEWEST}:</p><div><table>
<tr><th>changed<th>type<th>name<th>customer<th>our key<th class="m">amount<th class="m">outstanding<th>state<th>status
{rows}</table></div></html>"""
    )


def _row(document: Document) -> str:
    amount = document.get("grand_total", document.get("paid_amount"))
    currency = document.get("currency") or document.get("paid_from_account_currency") or ""
    left = document.get("outstanding_amount")
    key = document.get("custom_order_id") or document.get("custom_payment_ref") or ""
    customer = document.get("customer") or document.get("party") or document.get("customer_name")
    state = "" if document["doctype"] == "Customer" else _STATES[document["docstatus"]]
    cells = [document["modified"][:19], document["doctype"], document["name"], customer, key]
    money = [f"{amount:,.2f} {currency}" if amount is not None else "", f"{left:,.2f}" if left is not None else ""]
    tail = [state, document.get("status", "")]
    return (
        "<tr>"
        + "".join(f"<td>{escape(str(cell))}" for cell in cells)
        + "".join(f'<td class="m">{escape(cell)}' for cell in money)
        + "".join(f"<td>{escape(str(cell))}" for cell in tail)
    )
