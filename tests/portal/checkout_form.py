"""The checkout as a browser sends it, before the providers' stand-ins."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.work import work_due
from pw_pipelines.sandbox.payments.mounts import payment_apps
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.payments.conftest import FakeCaptures
from tests.portal.conftest import Web
from tests.served import served

if TYPE_CHECKING:
    pass


CHECK = "/tools/fcc-compliance-check?frn=0012345678&utm_source=mail&utm_campaign=cpni_missing"
CARD = {"name": "Ada Example", "email": "ada@example.com", "company": "Blue Mesa LLC", "phone": "202-555-0100"}


class Browser:
    """Sends the form as a browser does: every field that stands on the page, changed as told."""

    def __init__(self, web: Web) -> None:
        self.client = httpx.Client(base_url=web.url, timeout=30)

    def open(self, services: str = "cpni_certification", **query: str) -> dict[str, Any]:
        reply = self.client.get("/checkout", params={"frn": "0012345678", "services": services, **query})
        assert reply.status_code == 200
        return fields_of(reply.text)

    def send(self, fields: dict[str, Any], do: str = "order", **headers: str) -> httpx.Response:
        return self.client.post("/checkout", data={**fields, "do": do}, headers=headers)


def fields_of(text: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", text):
        said = {name: html.unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if said.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if said["name"] in {"offered", "service"}:
            found.setdefault(said["name"], []).append(said["value"])
        else:
            found[said["name"]] = said.get("value", "")
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    return found


def filled(fields: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**fields, **CARD, "method": "card", "consent": "yes", **changed}


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def orders(web: Web) -> list[dict[str, Any]]:
    with web.db.connect() as connection:
        return list(connection.execute("select * from pw.orders order by order_id").fetchall())


@pytest.fixture
def till(start: Callable[..., Web], web_settings: Settings) -> Iterator[tuple[Web, Settings]]:
    """The web app with the providers' stand-ins before it, whose webhooks come to it."""
    apps = payment_apps(web_settings)
    with served(Starlette(routes=[Mount(path, app) for path, app in apps.items()])) as base:
        known = with_sandbox_addresses(web_settings.model_copy(update={"sandbox_url": base}))
        providers = ("stripe_", "paypal_", "shkeeper_", "adyen_")
        web = start(**{name: getattr(known, name) for name in Settings.model_fields if name.startswith(providers)})
        for provider in ("stripe", "paypal", "adyen"):
            httpx.post(f"{base}/{provider}/_sandbox/webhook", json={"url": f"{web.url}/webhooks/{provider}"})
        yield web, known


def worked(web: Web, settings: Settings, count: int) -> None:
    """Waits for `count` events in the inbox and works them, as the job does."""
    for _ in range(100):
        with web.db.connect() as connection:
            row = connection.execute("select count(*)::int as n from pw.payment_events").fetchone()
        if row is not None and int(str(row["n"])) >= count:
            break
        time.sleep(0.1)
    tally = work_due(web.db, ground=ground_of(settings), captures=FakeCaptures(), now=settings.clock.now)
    assert tally.failures == {}
