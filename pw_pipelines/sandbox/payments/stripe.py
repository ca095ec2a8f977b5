"""A stand-in of Stripe: checkout sessions, their page, and the events of what happens to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.sandbox.payments.counter import Cells, Counter, here
from pw_pipelines.sandbox.payments.sender import ANY_2XX, STRIPE, Sender

OUTCOMES = {"paid": "Pay", "later": "Pay by bank (takes days)", "expired": "Let it expire"}


def create_app(*, secret_key: str, webhook_secret: str, webhook: Callable[[], str], now: Callable[[], datetime]) -> Starlette:  # fmt: skip  # noqa: E501
    """One account with one webhook endpoint."""
    sender = Sender("stripe", webhook, ANY_2XX, STRIPE)

    def tell(kind: str, obj: Cells) -> None:
        raw = messages.encoded(messages.stripe_event(kind, obj, now()))
        sender.send(kind, lambda: (raw, signing.stripe(raw, webhook_secret, now())))

    def pay(session: Cells, outcome: str, more: Cells) -> None:
        cents, intent = session["cents"] + sender.manner.cents, session["payment_intent"]
        public = messages.stripe_session(
            session["order"], cents, id=session["id"], payment_intent=intent, currency=session["currency"],
            metadata=session["metadata"],
        )  # fmt: skip
        unpaid = {**public, "payment_status": "unpaid"}
        if outcome == "paid":
            tell("payment_intent.succeeded", {"id": intent, "object": "payment_intent", "amount": cents,
                                              "currency": session["currency"],
                                              "metadata": session["intent_metadata"]})  # fmt: skip
            tell("checkout.session.completed", public)
        elif outcome == "later":
            tell("checkout.session.completed", unpaid)
        elif outcome in {"arrived", "bounced"}:
            kind = "succeeded" if outcome == "arrived" else "failed"
            tell(f"checkout.session.async_payment_{kind}", public if outcome == "arrived" else unpaid)
        elif outcome == "expired":
            tell("checkout.session.expired", {**unpaid, "status": "expired"})
        elif outcome == "refund":
            charge = messages.stripe_charge(session["order"], session["cents"], intent, refunded=int(more["cents"]))
            tell("charge.refunded", charge)
        elif outcome == "dispute":
            tell("charge.dispute.created", messages.stripe_dispute(cents, intent))
        else:
            raise KeyError(outcome)

    counter = Counter("Stripe", sender, now, OUTCOMES, pay)

    def made(form: Cells, at: str) -> Cells:
        session = messages.identity("cs_test_")
        cents = int(form["line_items[0][price_data][unit_amount]"]) * int(form["line_items[0][quantity]"])
        ends = int((now() + timedelta(hours=24)).timestamp())
        stored = {
            "id": session,
            "order": form["client_reference_id"],
            "cents": cents,
            "currency": form["line_items[0][price_data][currency]"],
            "payment_intent": messages.identity("pi_"),
            "metadata": _under(form, "metadata"),
            "intent_metadata": _under(form, "payment_intent_data[metadata]"),
            "return_url": form["success_url"],
        }
        counter.sessions[session] = stored
        return {
            "id": session,
            "object": "checkout.session",
            "mode": form["mode"],
            "status": "open",
            "payment_status": "unpaid",
            "amount_total": cents,
            "currency": stored["currency"],
            "client_reference_id": stored["order"],
            "metadata": stored["metadata"],
            "payment_intent": None,
            "expires_at": ends,
            "livemode": False,
            "url": f"{at}/pay/{session}",
        }

    async def create(request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {secret_key}":
            return _error(401, "invalid_request_error", "Invalid API Key provided.")
        asked = (await request.body()).decode()
        form = dict(parse_qsl(asked))
        try:
            answer = counter.once(request.headers.get("Idempotency-Key"), asked, lambda: made(form, here(request)))
        except (KeyError, ValueError) as error:
            return _error(400, "invalid_request_error", f"Missing or wrong param: {error}.")
        if answer is None:
            return _error(400, "idempotency_error", "Keys can only be used with the same parameters.")
        return JSONResponse(answer)

    return counter.app([Route("/v1/checkout/sessions", create, methods=["POST"])])


def _under(form: Cells, name: str) -> Cells:
    """The fields `name[key]` of a form."""
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


def _error(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"type": kind, "code": kind, "message": message}}, status)
