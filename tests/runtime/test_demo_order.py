"""The demo's customer: from a lead to a paid order, over HTTP, with the provider's stand-in and its signed webhooks."""

from __future__ import annotations

import httpx
import pytest

from pw_pipelines.runtime.demo_order import Failed, OrderDemo
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.checkout_form import till, worked
from tests.portal.conftest import Web, start, web_settings

__all__ = ["start", "till", "web_settings"]


def lead(web: Web, services: list[str]) -> None:
    ids = given.fresh_books(web.db)
    given.carrier(web.db, name="Blue Mesa Communications, LLC")
    given.finding(web.db, "CPNI_MISSING", [ids["fcc_cpni"]])
    with web.db.connect() as connection:
        connection.execute(
            "insert into marts.deficiency_leads (frn, name, email, contact_name, codes, services, severity_rank) "
            "values ('0012345678', 'Blue Mesa Communications, LLC', 'ada@example.com', 'Ada', '{CPNI_MISSING}', %s, 2)",
            (services,),
        )


def test_a_lead_checks_orders_pays_and_the_payment_is_worked(till: tuple[Web, Settings]) -> None:
    web, settings = till
    lead(web, ["cpni_certification"])
    with httpx.Client(base_url=web.url, timeout=30) as client:
        demo = OrderDemo(web.db, settings, client)
        assert "CPNI_MISSING" in demo.check()[0]
        assert demo.quote()[0].startswith("204.97 USD by card")
        assert "placed once" in demo.place()[0]
        assert "in the inbox: " in demo.pay()[0]
        worked(web, settings, 2)
        assert "204.97 came" in demo.paid()[0]
    with web.db.connect() as connection:
        rows = connection.execute("select kind, state from pw.book_entries order by entry_id").fetchall()
    assert [(row["kind"], row["state"]) for row in rows] == [(kind, "wanted") for kind in ("customer", "sales_order")]


def test_without_a_lead_that_can_be_sold_anything_the_demo_says_so(till: tuple[Web, Settings]) -> None:
    web, settings = till
    lead(web, ["rmd_recertification"])
    with httpx.Client(base_url=web.url, timeout=30) as client, pytest.raises(Failed, match="published price"):
        OrderDemo(web.db, settings, client).check()
