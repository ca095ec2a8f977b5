"""A stand-in of Adyen: hosted sessions, captures, and the standard webhook."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.payments import messages
from pw_pipelines.sandbox.payments.counter import Cells, Counter, here
from pw_pipelines.sandbox.payments.sender import ADYEN, ANY_2XX, Sender

OUTCOMES = {"paid": "Pay", "refused": "Be refused", "left": "Leave"}


def create_app(
    *, api_key: str, account: str, hmac_key: str, webhook: Callable[[], str], now: Callable[[], datetime]
) -> Starlette:
    """One merchant account with one standard webhook. It captures by itself, except Klarna."""
    sender = Sender("adyen", webhook, ANY_2XX, ADYEN)
    payments: dict[str, Cells] = {}

    def tell(session: Cells, code: str, cents: int, **changed: object) -> str:
        item = messages.adyen_item(
            session["order"], cents, code, merchantAccountCode=account, paymentMethod=session["method"], **changed
        )
        raw = messages.encoded(messages.adyen_body(item, hex_key=hmac_key))
        sender.send(code, lambda: (raw, {"Content-Type": "application/json"}))
        return str(item["pspReference"])

    def pay(session: Cells, outcome: str, more: Cells) -> None:
        cents = session["cents"] + sender.manner.cents
        if outcome == "paid":
            session["psp"] = tell(session, "AUTHORISATION", cents)
            payments[session["psp"]] = session
        elif outcome == "refused":
            tell(session, "AUTHORISATION", cents, success="false", reason="Refused")
        elif outcome == "left":
            tell(session, "OFFER_CLOSED", cents)
        elif outcome in {"refund", "dispute"}:
            code = "REFUND" if outcome == "refund" else "CHARGEBACK"
            tell(session, code, int(more.get("cents", cents)), originalReference=session["psp"])
        else:
            raise KeyError(outcome)

    counter = Counter("Adyen", sender, now, OUTCOMES, pay)

    def made(body: Cells, at: str) -> Cells:
        session = messages.identity("CS")
        if body["merchantAccount"] != account:
            raise KeyError("merchantAccount")
        [method] = body["allowedPaymentMethods"]
        counter.sessions[session] = {
            "order": body["reference"], "cents": int(body["amount"]["value"]), "method": method,
            "return_url": body["returnUrl"],
        }  # fmt: skip
        ends = (now() + timedelta(hours=1)).isoformat(timespec="seconds")
        return {"id": session, "mode": body["mode"], "url": f"{at}/pay/{session}", "expiresAt": ends,
                "amount": body["amount"], "reference": body["reference"]}  # fmt: skip

    async def create(request: Request) -> Response:
        if request.headers.get("X-API-Key") != api_key:
            return _error(401, "000", "HTTP Status Response - Unauthorized")
        raw = (await request.body()).decode()
        try:
            answer = counter.once(
                request.headers.get("Idempotency-Key"), raw, lambda: made(json.loads(raw), here(request))
            )
        except (KeyError, ValueError) as error:
            return _error(422, "100", f"Required field is missing or wrong: {error}")
        if answer is None:
            return _error(422, "704", "request already processed or in progress")
        return JSONResponse(answer, 201)

    async def capture(request: Request) -> Response:
        if request.headers.get("X-API-Key") != api_key:
            return _error(401, "000", "HTTP Status Response - Unauthorized")
        psp = request.path_params["psp"]
        body = json.loads(await request.body())
        session = payments.get(psp)
        if session is None:
            return _error(422, "167", "Original pspReference required for this operation")

        def take() -> Cells:
            code = tell(session, "CAPTURE", int(body["amount"]["value"]), originalReference=psp)
            return {"status": "received", "pspReference": code, "paymentPspReference": psp}

        return JSONResponse(counter.once(request.headers.get("Idempotency-Key"), psp, take), 201)

    return counter.app(
        [
            Route("/v71/sessions", create, methods=["POST"]),
            Route("/v71/payments/{psp}/captures", capture, methods=["POST"]),
        ]
    )


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"status": status, "errorCode": code, "message": message, "errorType": "validation"}, status)
