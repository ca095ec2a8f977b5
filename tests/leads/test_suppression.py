"""A no is written down once and for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.leads.suppression import (
    Opinion,
    opinions_read_back,
    record,
    strongest,
    suppress,
    tell,
)
from pw_pipelines.resources.listmonk import BounceRow, Subscriber
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.warehouse import NOW, suppressions

ANN = "ann@alpha.example"


def _person(status: str = "enabled", **subscriptions: str) -> Subscriber:
    return Subscriber(1, ANN, status, {}, {int(key[1:]): value for key, value in subscriptions.items()})


def _bounce(kind: str) -> BounceRow:
    return BounceRow(ANN, kind, "postfix-dsn", NOW, {})


@pytest.mark.parametrize(
    ("person", "bounces", "known", "reasons"),
    [
        (_person(l9="unconfirmed"), [], set(), set()),
        (_person(l9="unsubscribed"), [], set(), {"unsubscribed"}),
        (_person(l3="unsubscribed", l9="unconfirmed"), [], set(), {"unsubscribed"}),
        (_person("disabled"), [], set(), {"disabled"}),
        (_person("blocklisted", l9="unsubscribed"), [], set(), {"blocklisted"}),
        (_person("blocklisted", l9="unsubscribed"), ["hard"], set(), {"bounced"}),
        (_person("blocklisted", l9="unsubscribed"), ["complaint"], set(), {"complained"}),
        (_person("blocklisted", l9="unsubscribed"), [], {"bounced"}, set()),
        (_person(l9="unconfirmed"), ["soft", "soft"], set(), set()),
        (_person(l9="unsubscribed"), [], {"manual"}, set()),
        (_person(l9="unsubscribed"), [], {"customer"}, {"unsubscribed"}),
    ],
)
def test_what_is_read_back_is_one_reason_for_one_event(
    person: Subscriber, bounces: list[str], known: set[str], reasons: set[str]
) -> None:
    known_reasons = {ANN: frozenset(known)} if known else {}
    found = opinions_read_back([person], [_bounce(kind) for kind in bounces], known_reasons, NOW)
    assert {opinion.reason for opinion in found} == reasons


def test_a_repeated_no_keeps_its_first_date(marts: Database) -> None:
    suppress(marts, ANN, reason="manual", origin="manual", now=NOW)
    with marts.connect() as connection:
        assert record(connection, [Opinion(ANN, "manual", NOW + timedelta(days=5), "manual")]) == 0
        row = connection.execute("select since from pw.suppressions").fetchone()
    assert row is not None
    assert row["since"] == NOW


@pytest.mark.parametrize(("email", "reason"), [("no address", "manual"), ("@x.example", "manual"), (ANN, "because")])
def test_nonsense_is_refused(marts: Database, email: str, reason: str) -> None:
    with pytest.raises(UsageError):
        suppress(marts, email, reason=reason, origin="manual", now=NOW)
    assert suppressions(marts) == {}


def test_an_address_counts_under_the_persons_own_word_first() -> None:
    assert strongest({"bounced", "blocklisted", "unsubscribed"}) == "unsubscribed"


@pytest.mark.parametrize(("reason", "subscription"), [("manual", "unsubscribed"), ("customer", None)])
def test_listmonk_is_told_at_once(
    listmonk_server: Listmonk, settings: Settings, reason: str, subscription: str | None
) -> None:
    listmonk_server.api.post("/api/subscribers", json={"email": ANN, "lists": [9], "attribs": {}})
    with Client(listmonk_server.settings(settings)) as client:
        assert tell(client, ANN, reason=reason, list_id=9)
        assert not tell(client, ANN, reason=reason, list_id=9), "the second time there is nothing to do"
        assert not tell(client, "nobody@alpha.example", reason=reason, list_id=9)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert stored["subscriptions"].get("9") == subscription
