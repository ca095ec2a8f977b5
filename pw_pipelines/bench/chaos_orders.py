"""The orders of `pw bench chaos`: of mixed services, with everything answered, a few of them twice on purpose."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import httpx

from pw_pipelines.bench.paid_orders import ANSWERS, BenchFailed, BenchHouse, Ordered
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.order_details import ComplianceDetails, Details, FormationDetails
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.sandbox.payments import messages, signing

SIGNER = "Morgan Q. Sample"
STAFF = "bench"
WEIGHTS = {
    "cpni_certification": 4, "rmd_filing": 3, "form_499a": 2, "calea_ssi": 2, "registered_agent": 2,
    "operating_agreement": 2, "formation_basic": 2, "bdc_voice": 2,
}  # fmt: skip
QUOTED = {"bdc_voice": Decimal("249.00")}  # services whose price a person agrees
TWICE_OF = 20  # of so many orders one is placed a second time, for the same carrier and service
TWICE_SERVICE = "cpni_certification"
_COMPANIES = ("registered_agent", "operating_agreement", "formation_basic")
_MORE = {
    "carrier_phone": "307-555-0100", "contact_name": "Robin Example", "contact_title": "Compliance Manager",
    "contact_phone": "307-555-0101", "contact_email": "robin@example.com", "is_voice_provider": "yes",
    "is_gateway": "no", "is_intermediate": "no", "is_foreign": "no", "implementation": "complete",
    "comm_type": "Interconnected VoIP", "revenue_total": "125000.00", "revenue_end_user": "100000.00",
    "revenue_interstate": "30000.00", "revenue_international": "10000.00", "voice_lines_residential": "40",
    "voice_lines_business": "12", "ssi_officer": "Robin Example", "ssi_phone": "307-555-0102", "state": "WY",
    "principal_address": "410 Invented Avenue, Cheyenne, WY 82001", "management": "members", "form": "llc",
    "mailing_address": "410 Invented Avenue, Cheyenne, WY 82001", "members": "Morgan Q. Sample; 100; 1000",
}  # fmt: skip
_REDELIVERIES = 120  # a provider goes on for days; here a second apart


@dataclass(frozen=True)
class Wanted:
    """One order of the bench. `second_of`: the order it repeats on purpose."""

    order: Ordered
    service: str
    email: str
    second_of: Ordered | None = None


def place_all(house: BenchHouse, count: int) -> list[Wanted]:
    """`count` orders, unpaid; the repeated ones come last, so that the first ones are under way by then."""
    mixed = [service for round_ in range(max(WEIGHTS.values())) for service, n in WEIGHTS.items() if n > round_]
    twice = max(1, count // TWICE_OF)
    services = itertools.islice(itertools.cycle(mixed), count - twice)
    first = [_place(house, number, service) for number, service in enumerate(services, 1)]
    repeated = itertools.islice((one for one in first if one.service == TWICE_SERVICE), twice)
    return [*first, *(_place(house, len(first) + n, one.service, of=one) for n, one in enumerate(repeated, 1))]


def place_some(house: BenchHouse, numbers: Sequence[int]) -> list[Wanted]:
    """One order to each number, unpaid, of mixed services; the number says for whom, so none may come twice."""
    mixed = [service for round_ in range(max(WEIGHTS.values())) for service, n in WEIGHTS.items() if n > round_]
    return [_place(house, number, mixed[(number - 1) % len(mixed)]) for number in numbers]


def _place(house: BenchHouse, number: int, service: str, *, of: Wanted | None = None) -> Wanted:
    email = f"signer-{number}@example.com"
    subject = number if of is None else int(of.email.removeprefix("signer-").partition("@")[0])
    company = f"Harbor and Finch {subject} LLC"
    frn = None if service in _COMPANIES else f"{9_000_000_000 + subject}"
    item = BasketItem(
        service, frn=frn, agreed_price=QUOTED.get(service),
        for_state="WY" if service in ("registered_agent", "formation_basic") else None,
    )  # fmt: skip
    details: Details = (
        FormationDetails("WY", "llc", company)
        if service == "formation_basic"
        else ComplianceDetails(frn=frn, carrier_name=company)
    )
    basket = Basket("formation" if service == "formation_basic" else "compliance", (item,))
    order = house.place(
        email, basket, details, answers_of(service, company), by=STAFF if service in QUOTED else "customer"
    )
    return Wanted(order, service, email, of.order if of else None)


def answers_of(service: str, company: str) -> dict[str, str]:
    """An answer to everything the service's playbook asks for."""
    said = {**ANSWERS, **_MORE, "carrier_name": company, "company_name": company, "signer_name": SIGNER}
    found = {}
    for name in playbook_of(service, "WY").facts:
        fact = facts()[name]
        if name in said:
            found[name] = said[name]
        elif not fact.optional and fact.source in ("customer", "record") and fact.default is None:
            found[name] = "As our written procedures say; they are kept with our records and reviewed each year."
    return found


def pay(house: BenchHouse, orders: Sequence[Wanted], *, stopping: Callable[[], bool], every: float) -> None:
    """The provider's signed webhooks, one every so many seconds, each redelivered as it is until it is acknowledged,
    and one of seven delivered once more although it was.

    Raises BenchFailed when one is not acknowledged in two minutes.
    """
    with httpx.Client(timeout=20) as client:
        for number, wanted in enumerate(orders):
            if stopping():
                return
            session = messages.stripe_session(wanted.order.number, wanted.order.cents)
            event = messages.stripe_event("checkout.session.completed", session, house.settings.clock.now())
            raw = messages.encoded(event)
            for _ in range(2 if number % 7 == 0 else 1):
                _deliver(client, house, wanted, raw)
            time.sleep(every)


def _deliver(client: httpx.Client, house: BenchHouse, wanted: Wanted, raw: bytes) -> None:
    said = "no answer"
    for _ in range(_REDELIVERIES):
        headers = signing.stripe(raw, "whsec_sandbox", house.settings.clock.now())
        try:
            reply = client.post(f"{house.web}/webhooks/stripe", content=raw, headers=headers)
        except httpx.HTTPError as error:
            said = type(error).__name__
        else:
            if reply.status_code == httpx.codes.OK:
                return
            said = str(reply.status_code)
        time.sleep(1)
    event = json.loads(raw)["id"]
    raise BenchFailed(f"The webhook {event} of {wanted.order.number} was not acknowledged; the last time: {said}.")
