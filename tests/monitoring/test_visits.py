"""From the first page to the payment: what is kept of where a visitor came from, and what is told of it, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.monitoring import events, sending, visit
from pw_pipelines.monitoring.visit import CURRENT, Visit
from pw_pipelines.resources.umami import Umami
from pw_pipelines.sandbox import umami as stand_in
from pw_pipelines.settings import Settings
from tests.commerce.making import ordered, pay
from tests.monitoring.conftest import Client, client_of

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
}
LINK = "?utm_source=listmonk&utm_medium=email&utm_campaign=rmd-gap&gclid=abc"
CHECK = "/tools/fcc-compliance-check"


def rows(db: Database, query: str) -> list[dict[str, Any]]:
    with db.connect() as connection:
        return [dict(row) for row in connection.execute(query.encode())]


def outbox(db: Database) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows(db, "select * from pw.analytics_events order by event_id")}


@pytest.fixture
def http(watched: Settings) -> Iterator[Client]:
    with client_of(watched) as client:
        yield client


def test_a_campaigns_link_is_kept_until_the_checkout(http: Client, db: Database) -> None:
    first = http.get(f"{CHECK}{LINK}", headers=BROWSER)
    assert re.fullmatch(
        r"pw_campaign=[\w-]+; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", first.headers["set-cookie"]
    )

    http.get(f"{CHECK}?frn=0012345678", headers=BROWSER)
    http.get("/checkout?services=cpni_certification", headers=BROWSER)

    told = outbox(db)
    assert list(told) == ["check-started", "check-answered", "checkout-started"]
    assert {row["visitor"] for row in told.values()} == {told["check-started"]["visitor"]}
    for row in told.values():
        assert parse_qs(urlsplit(row["url"]).query) == parse_qs(LINK[1:])
    touches = rows(db, "select * from pw.visit_touches")
    assert [touch["first_touch"]["utm_campaign"] for touch in touches] == ["rmd-gap"]


def test_the_last_link_counts_for_umami_and_the_first_is_not_forgotten(http: Client, db: Database) -> None:
    http.get(f"{CHECK}{LINK}", headers=BROWSER)
    http.get(f"{CHECK}?frn=0012345678&utm_source=bing&msclkid=m1", headers=BROWSER)

    (touch,) = rows(db, "select * from pw.visit_touches")
    assert touch["first_touch"]["utm_source"] == "listmonk"
    assert touch["last_touch"] == {"utm_source": "bing", "msclkid": "m1"}
    assert outbox(db)["check-answered"]["url"] == f"{CHECK}?utm_source=bing&msclkid=m1"


def test_without_a_campaign_there_is_no_cookie(http: Client, db: Database) -> None:
    reply = http.get(f"{CHECK}?frn=0012345678", headers=BROWSER)

    assert "pw_campaign" not in reply.headers.get("set-cookie", "")
    assert outbox(db)["check-answered"]["url"] == CHECK
    assert rows(db, "select * from pw.visit_touches") == []


@pytest.mark.parametrize("asks", [{"DNT": "1"}, {"Sec-GPC": "1"}])
def test_who_asks_not_to_be_tracked_is_not(http: Client, db: Database, asks: dict[str, str]) -> None:
    http.get(f"{CHECK}{LINK}", headers=BROWSER)  # had a cookie before
    reply = http.get(f"{CHECK}?frn=0012345678", headers={**BROWSER, **asks})

    assert "pw_campaign=; Path=/; Max-Age=0" in reply.headers["set-cookie"]
    assert outbox(db) == {}


@pytest.mark.parametrize("agent", ["python-httpx/0.28", "curl/8.1", "", "Mozilla/5.0 (compatible; Googlebot/2.1)"])
def test_a_program_is_no_visitor(http: Client, db: Database, agent: str) -> None:
    http.get(f"{CHECK}{LINK}&frn=0012345678", headers={"User-Agent": agent})

    assert outbox(db) == {}


def test_what_is_typed_wrongly_was_asked_and_not_answered(http: Client, db: Database) -> None:
    http.get(f"{CHECK}?frn=hello", headers=BROWSER)

    assert list(outbox(db)) == ["check-started"]


@pytest.mark.parametrize("cookie", ["%%%", "e30", "A" * 4_000, "eyJ2Ijoi", "W10", "eyJ2IjoxLCJsIjpbXX0"])
def test_a_cookie_that_is_none_of_ours_says_nothing(cookie: str) -> None:
    headers = {"user-agent": BROWSER["User-Agent"]}

    assert visit.of_request({}, cookie, headers) == Visit()


def test_an_address_of_mail_in_a_link_is_kept_nowhere() -> None:
    query = {"utm_source": "listmonk", "utm_term": "ann@example.com", "utm_content": " Ann <ann@example.com> "}
    headers = {"user-agent": BROWSER["User-Agent"]}
    seen = visit.of_request(query, "", headers)
    assert seen is not None
    assert seen.last == {"utm_source": "listmonk"}


def test_a_visit_survives_its_cookie_whatever_the_link_said() -> None:
    odd = dict.fromkeys(visit.PARAMETERS, "ü&=?\r\n;" * 40)
    headers = {"user-agent": BROWSER["User-Agent"]}
    begun = visit.of_request(odd, "", headers)
    assert begun is not None

    assert re.fullmatch(r"[\w-]{0,3000}", begun.as_cookie())
    again = visit.of_request({}, begun.as_cookie(), headers)
    assert again is not None
    assert again.last in (begun.last, {})


def place_and_pay(db: Database, now: datetime) -> str:
    """An order of a visitor's, paid an hour later by an event of the provider's; its number."""
    token = CURRENT.set(Visit({"utm_source": "a"}, {"utm_source": "b", "gclid": "g"}, "1" * 32))
    try:
        with db.connect() as connection:
            placed = ordered(connection, now=now)
            events.order_placed(connection, placed.order_id, now=now)
    finally:
        CURRENT.reset(token)
    with db.connect() as connection:
        pay(connection, placed.order_id, now=now + timedelta(hours=1))
    return placed.number


def test_money_is_told_with_its_amount_by_the_visit_that_ordered(db: Database, now: datetime) -> None:
    number = place_and_pay(db, now)

    told = outbox(db)
    (order,) = rows(db, "select total, currency from pw.orders")
    paid = told["payment-complete"]
    assert paid["data"]["amount"] == float(order["total"])
    assert paid["data"]["currency"] == order["currency"]
    assert paid["visitor"] == told["order-placed"]["visitor"]
    assert paid["url"] == "/checkout/received?utm_source=b&gclid=g"
    assert number not in str(told)
    assert "example.com" not in str(told)


def test_an_order_that_nobody_placed_in_a_browser_is_not_told(db: Database, now: datetime) -> None:
    with db.connect() as connection:
        placed = ordered(connection, now=now)
        events.order_placed(connection, placed.order_id, now=now)
        pay(connection, placed.order_id, now=now)

    assert outbox(db) == {}


def test_what_is_not_committed_is_not_told(db: Database, now: datetime) -> None:
    token = CURRENT.set(Visit(visitor="1" * 32))
    try:
        with pytest.raises(RuntimeError), db.connect() as connection:
            placed = ordered(connection, now=now)
            events.order_placed(connection, placed.order_id, now=now)
            raise RuntimeError("the deed fails")
    finally:
        CURRENT.reset(token)

    assert outbox(db) == {}


class Server:
    """Umami's stand-in, asked in this process; `answer` replaces what it says."""

    def __init__(self) -> None:
        self.site = stand_in._Site(stand_in.WEBSITE)
        self.answer: Callable[[httpx.Request], httpx.Response] | None = None
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.answer is not None:
            return self.answer(request)
        return self._through(request)

    def _through(self, request: httpx.Request) -> httpx.Response:
        import anyio
        from starlette.requests import Request

        async def ask() -> httpx.Response:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": request.content, "more_body": False}

            headers = [(name.lower(), value) for name, value in request.headers.raw]
            scope = {"type": "http", "method": "POST", "headers": headers, "path": "/api/send", "query_string": b""}
            reply = await self.site.send(Request(scope, receive))
            return httpx.Response(reply.status_code, content=bytes(reply.body))

        return anyio.run(ask)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def umami(watched: Settings, server: Server) -> Iterator[Umami]:
    with Umami(watched, transport=httpx.MockTransport(server)) as client:
        yield client


def send(db: Database, umami: Umami, now: datetime, minutes: float = 0) -> sending.Round:
    return sending.send_waiting(db, umami, lambda: now + timedelta(minutes=minutes))


def test_the_outbox_is_sent_once_and_is_attributed(db: Database, umami: Umami, server: Server, now: datetime) -> None:
    place_and_pay(db, now)

    assert send(db, umami, now).sent == 2
    assert send(db, umami, now, 60).sent == 0

    placed, paid = server.site.events
    assert (placed["name"], paid["name"]) == ("order-placed", "payment-complete")
    assert placed["session"] == paid["session"]
    assert paid["attribution"] == {"utm_source": "b", "gclid": "g"}
    assert paid["timestamp"] == int((now + timedelta(hours=1)).timestamp())


def test_a_reply_without_a_session_is_a_failure(db: Database, watched: Settings, server: Server, now: datetime) -> None:
    place_and_pay(db, now)
    program = watched.model_copy(update={"umami_user_agent": "python-httpx/0.28"})

    with Umami(program, transport=httpx.MockTransport(server)) as umami:
        told = send(db, umami, now)

    assert told.sent == 0
    assert told.refusal is not None
    assert "takes us for a program" in told.refusal
    assert told.waiting == 2
    assert not server.site.events


def test_an_unknown_website_stops_the_sending(db: Database, watched: Settings, server: Server, now: datetime) -> None:
    place_and_pay(db, now)
    other = watched.model_copy(update={"umami_website_id": "5a0db0c5-0000-4000-8000-00000000ffff"})

    with Umami(other, transport=httpx.MockTransport(server)) as umami:
        told = send(db, umami, now)

    assert server.asked == 1
    assert told.refusal == "Umami refused an event with 400: Website not found."
    assert told.waiting == 2


def test_what_may_have_been_counted_is_never_sent_again(
    db: Database, umami: Umami, server: Server, now: datetime
) -> None:
    place_and_pay(db, now)

    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    server.answer = lost
    assert send(db, umami, now).unknown == 2
    server.answer = None

    assert send(db, umami, now, 600).sent == 0
    assert {row["state"] for row in outbox(db).values()} == {"unknown"}


def test_what_was_not_taken_is_sent_later(db: Database, umami: Umami, server: Server, now: datetime) -> None:
    place_and_pay(db, now)
    server.answer = lambda _request: httpx.Response(503)

    assert send(db, umami, now).away == "Umami answered 503; it stored nothing."
    server.answer = None

    assert send(db, umami, now, 1).sent == 1  # the other one; the first rests
    assert send(db, umami, now, 6).sent == 1


def test_a_sender_that_died_leaves_an_unknown(db: Database, umami: Umami, server: Server, now: datetime) -> None:
    place_and_pay(db, now)
    with db.connect() as connection:
        connection.execute(
            "update pw.analytics_events set state = 'sending', not_before = %s", (now - timedelta(seconds=1),)
        )

    assert send(db, umami, now).unknown == 2
    assert server.asked == 0


def test_what_is_old_is_dropped_and_what_was_sent_is_forgotten(db: Database, umami: Umami, now: datetime) -> None:
    place_and_pay(db, now - timedelta(days=20))

    assert send(db, umami, now).dropped == 2
    assert sending.forget_old(db, now + timedelta(days=100), days=90) == 1  # the payment; its order may be paid late
    assert sending.forget_old(db, now + timedelta(days=400), days=90) == 1
