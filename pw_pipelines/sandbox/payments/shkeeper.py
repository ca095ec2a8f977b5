"""A stand-in of SHKeeper: one invoice per external_id, a callback per transaction, sent again until exactly 202."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.sandbox.payments.counter import Cells, Counter
from pw_pipelines.sandbox.payments.sender import SHKEEPER, Sender

OUTCOMES = {"paid": "Send all of it", "part": "Send a half"}


def create_app(*, api_key: str, now: Callable[[], datetime]) -> Starlette:
    """One SHKeeper; where it calls stands in each request."""
    sender = Sender("shkeeper", lambda: "", frozenset({202}), SHKEEPER)

    def pay(invoice: Cells, outcome: str, more: Cells) -> None:
        shares = {"paid": invoice["cents"] - invoice["came"], "part": invoice["cents"] // 2, "sent": more.get("cents")}
        came = int(shares[outcome]) + sender.manner.cents
        txid = uuid.uuid4().hex
        invoice["came"] += came
        invoice["txids"].append(txid)
        notice = {"status": "unconfirmed", "external_id": invoice["order"], "crypto": "BTC", "addr": "bc1qinvented",
                  "txid": txid, "amount": "0.01"}  # fmt: skip
        callback = messages.shkeeper_callback(
            invoice["order"], invoice["came"], invoice["cents"], txids=list(invoice["txids"])
        )
        url = str(invoice["callback_url"])
        sender.url = lambda: url
        for what, body in (("unconfirmed", notice), (str(callback["status"]), callback)):
            raw = messages.encoded(body)
            sender.send(what, lambda raw=raw: (raw, signing.shkeeper(raw, api_key, now())))  # type: ignore[misc]

    counter = Counter("SHKeeper", sender, now, OUTCOMES, pay)

    async def request_payment(request: Request) -> Response:
        if request.headers.get("X-Shkeeper-Api-Key") != api_key:
            return JSONResponse({"status": "error", "message": "Bad API key"})
        try:
            body = json.loads(await request.body())
            cents, order = round(float(body["amount"]) * 100), str(body["external_id"])
            invoice = counter.sessions.setdefault(order, {"order": order, "came": 0, "txids": [], "return_url": ""})
            invoice |= {"cents": cents, "callback_url": body["callback_url"]}
        except (KeyError, ValueError) as error:
            return JSONResponse({"status": "error", "message": str(error), "traceback": "…"})
        return JSONResponse(
            {
                "status": "success",
                "id": len(counter.sessions),
                "amount": "0.00512345",
                "exchange_rate": "97000",
                "wallet": "bc1qinvented",
                "display_name": "Bitcoin",
                "recalculate_after": 0,
            }
        )

    async def coins(_request: Request) -> Response:
        return JSONResponse({"status": "success", "crypto": ["BTC"], "crypto_list": [{"name": "BTC"}]})

    return counter.app(
        [
            Route("/api/v1/crypto", coins, methods=["GET"]),
            Route("/api/v1/{coin}/payment_request", request_payment, methods=["POST"]),
        ]
    )
