"""A stand-in of PayPal: orders, capture, its certificate, its own verdict on a webhook, and the events."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.payments import keys, messages, signing
from pw_pipelines.sandbox.payments.counter import Cells, Counter, here
from pw_pipelines.sandbox.payments.sender import ANY_2XX, PAYPAL, Sender

OUTCOMES = {"paid": "Approve and pay", "declined": "Approve, then decline"}
TOKEN = "A21.sandbox"  # noqa: S105 - worth nothing


def create_app(  # noqa: PLR0915  # one closure over one stand-in's state
    *, client: tuple[str, str], webhook_id: str, folder: Path, webhook: Callable[[], str], now: Callable[[], datetime]
) -> Starlette:
    """One app with one webhook. `folder`: where its certificate is kept."""
    sender = Sender("paypal", webhook, ANY_2XX, PAYPAL)

    def tell(kind: str, resource: Cells) -> None:
        raw = messages.encoded(messages.paypal_event(kind, resource, now()))
        sender.send(kind, lambda: (raw, signing.paypal(raw, keys.signer(folder, now()), webhook_id, now())))

    def pay(session: Cells, outcome: str, more: Cells) -> None:
        if outcome in OUTCOMES:
            session["declines"] = outcome == "declined"
            session["status"] = "APPROVED"
            cents = session["cents"] + sender.manner.cents
            tell("CHECKOUT.ORDER.APPROVED", messages.paypal_order(session["order"], cents, id=session["id"]))
        elif outcome == "refund":
            refund = messages.paypal_refund(session["order"], int(more["cents"]), session["capture"])
            tell("PAYMENT.CAPTURE.REFUNDED", refund)
        elif outcome == "dispute":
            disputed = {"seller_transaction_id": session["capture"], "custom": session["order"]}
            tell("CUSTOMER.DISPUTE.CREATED", {"dispute_id": "PP-D-1", "disputed_transactions": [disputed]})
        else:
            raise KeyError(outcome)

    counter = Counter("PayPal", sender, now, OUTCOMES, pay)

    def made(body: Cells, at: str) -> Cells:
        [unit] = body["purchase_units"]
        order = messages.identity("")[:17].upper()
        context = body["payment_source"]["paypal"]["experience_context"]
        cents = round(float(unit["amount"]["value"]) * 100)
        counter.sessions[order] = {
            "id": order, "order": unit["custom_id"], "cents": cents, "status": "CREATED",
            "return_url": context["return_url"],
        }  # fmt: skip
        return {
            "id": order,
            "status": "PAYER_ACTION_REQUIRED",
            "links": [{"href": f"{at}/pay/{order}", "rel": "payer-action", "method": "GET"}],
        }

    def captured(session: Cells) -> Cells:
        cents = session["cents"] + sender.manner.cents
        related = {"related_ids": {"order_id": session["id"]}}
        capture = messages.paypal_capture(session["order"], cents, supplementary_data=related)
        session["capture"] = capture["id"]
        if session["declines"]:
            tell("PAYMENT.CAPTURE.DENIED", {**capture, "status": "DECLINED"})
        else:
            session["status"] = "COMPLETED"
            tell("PAYMENT.CAPTURE.COMPLETED", capture)
        return {"id": session["id"], "status": session["status"]}

    async def token(request: Request) -> Response:
        right = base64.b64encode(":".join(client).encode()).decode()
        if request.headers.get("Authorization") != f"Basic {right}":
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 32_400})

    async def create(request: Request) -> Response:
        if (no := _stranger(request)) is not None:
            return no
        raw = (await request.body()).decode()
        key = request.headers.get("PayPal-Request-Id")
        try:
            answer = counter.once(key, raw, lambda: made(json.loads(raw), here(request)))
        except (KeyError, ValueError) as error:
            return _error(422, "UNPROCESSABLE_ENTITY", "MISSING_REQUIRED_PARAMETER", str(error))
        if answer is None:
            return _error(422, "UNPROCESSABLE_ENTITY", "PREVIOUS_REQUEST_DIFFERS", "The request id was used before.")
        return JSONResponse(answer, 201)

    async def capture(request: Request) -> Response:
        if (no := _stranger(request)) is not None:
            return no
        session = counter.sessions.get(request.path_params["id"])
        if session is None:
            return _error(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "There is no such order.")
        key = f"capture {request.headers.get('PayPal-Request-Id')}"
        if key not in counter.answers and session["status"] != "APPROVED":
            issue = "ORDER_ALREADY_CAPTURED" if session["status"] == "COMPLETED" else "ORDER_NOT_APPROVED"
            return _error(422, "UNPROCESSABLE_ENTITY", issue, issue)
        return JSONResponse(counter.once(key, session["id"], lambda: captured(session)), 201)

    async def certificate(_request: Request) -> Response:
        return Response(keys.signer(folder, now()).chain, media_type="application/x-pem-file")

    async def verdict(request: Request) -> Response:
        if (no := _stranger(request)) is not None:
            return no
        raw = await request.body()
        fields = json.loads(raw)
        body = raw[raw.index(b',"webhook_event":') + len(b',"webhook_event":') : -1]  # as received, byte for byte
        text = f"{fields['transmission_id']}|{fields['transmission_time']}|{webhook_id}|{zlib.crc32(body)}"
        public = keys.signer(folder, now()).key.public_key()
        try:
            public.verify(base64.b64decode(fields["transmission_sig"]), text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return JSONResponse({"verification_status": "FAILURE"})
        return JSONResponse({"verification_status": "SUCCESS"})

    return counter.app(
        [
            Route("/v1/oauth2/token", token, methods=["POST"]),
            Route("/v2/checkout/orders", create, methods=["POST"]),
            Route("/v2/checkout/orders/{id}/capture", capture, methods=["POST"]),
            Route("/v1/notifications/certs/{name}", certificate, methods=["GET"]),
            Route("/v1/notifications/verify-webhook-signature", verdict, methods=["POST"]),
        ]
    )


def _stranger(request: Request) -> Response | None:
    if request.headers.get("Authorization") == f"Bearer {TOKEN}":
        return None
    return JSONResponse({"error": "invalid_token"}, 401)


def _error(status: int, name: str, issue: str, words: str) -> Response:
    return JSONResponse({"name": name, "message": words, "details": [{"issue": issue, "description": words}]}, status)
