"""What an order is asked about before it is taken: the same filing twice, an FRN that nobody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pw_pipelines.commerce.orders import change
from pw_pipelines.fulfillment.items import open_items
from tests.commerce.making import pay
from tests.portal import given
from tests.portal.asking import CUSTOMER, count, cpni, post, problem
from tests.portal.conftest import Web


def paid(web: Web, number: str, *way: Any) -> None:
    with web.db.connect() as connection:
        row = connection.execute("select order_id from pw.orders where number = %s", (number,)).fetchone()
        assert row is not None
        order_id = int(str(row["order_id"]))
        pay(connection, order_id, now=given.NOW)
        for status in way:
            change(connection, order_id, status, by="test", why="on", now=given.NOW)


def test_what_is_paid_and_in_work_is_sold_again_only_on_purpose(web: Web) -> None:
    first = post(web, "compliance-orders", cpni()).json()
    assert post(web, "compliance-orders", cpni()).status_code == 201, "what nobody paid stands in nobody's way"
    paid(web, first["number"])
    said = problem(post(web, "compliance-orders", cpni()), 422, "is_another")
    assert "Annual CPNI certification for FRN 0012345678" in said["detail"]
    assert "`is_another`: true" in said["remedy"]
    assert post(web, "compliance-orders", cpni(frn="0012345679")).status_code == 201
    assert post(web, "compliance-orders", cpni(items=[{"service": "form_499a"}])).status_code == 201
    of_six = cpni(items=[{"service": "fcc_carrier_registration"}])
    problem(post(web, "compliance-orders", of_six), 422, "is_another")
    again = post(web, "compliance-orders", cpni(is_another=True)).json()
    with web.db.connect() as connection:
        rows = connection.execute(
            "select e.why from pw.order_events e join pw.orders o using (order_id) "
            "where o.number = %s and e.what = 'note'",
            (again["number"],),
        ).fetchall()
    assert [row["why"] for row in rows] == ["The customer says on purpose that this is another one (is_another)."]


def test_nobody_learns_whose_the_earlier_order_is_or_whether_there_is_one(deficient: Web) -> None:
    """The words are the same whether our own books or the public record show the filing."""
    paid(deficient, post(deficient, "compliance-orders", cpni()).json()["number"])
    stranger = {"name": "Eve", "email": "eve@example.com"}
    of_books = post(deficient, "compliance-orders", cpni(customer=stranger))
    given.carrier(deficient.db, "0012345679", "Other Telephone LLC")
    with deficient.db.connect() as connection:
        connection.execute(
            "update marts.carriers set cpni_match = '{\"received_on\": \"2026-02-20\"}' where frn = '0012345679'"
        )
    of_record = post(deficient, "compliance-orders", cpni(customer=stranger, frn="0012345679"))
    assert (of_books.status_code, of_record.status_code) == (422, 422)
    assert of_books.text.replace("0012345678", "0012345679") == of_record.text
    for inner in ("PW-2026", "Ada", "ada@", "Blue Mesa", "paid"):
        assert inner not in of_books.text


def test_a_filing_that_is_delivered_or_refunded_stands_in_nobodys_way_unless_the_ledger_holds_it(web: Web) -> None:
    for way in (("submitted", "filed", "delivered"), ("refunded",)):
        paid(web, post(web, "compliance-orders", cpni(is_another=True)).json()["number"], *way)
        assert post(web, "compliance-orders", cpni()).status_code == 201
    with web.db.connect() as connection:
        open_items(connection, now=given.NOW)
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at,
                 done_at)
               select 'filing:cpni:0012345678:2025', item_id, 'filing', %s, 'done', 1, now(), now(), now()
               from pw.item_work order by item_id limit 1""",
            ("a" * 64,),
        )
    problem(post(web, "compliance-orders", cpni()), 422, "is_another")


def test_an_order_of_another_year_stands_in_nobodys_way(web: Web) -> None:
    number = post(web, "compliance-orders", cpni()).json()["number"]
    with web.db.connect() as connection:
        connection.execute("update pw.order_items set details = details || '{\"year\": 2025}'")
    paid(web, number)
    assert post(web, "compliance-orders", cpni()).status_code == 201


def test_the_same_filing_twice_in_one_batch_is_refused_unless_another_one_is_meant(web: Web) -> None:
    one = {"frn": "12345678", "items": [{"service": "rmd_filing"}, {"service": "cpni_certification"}]}
    same = {"frn": "0012345678", "items": [{"service": "form_499a"}, {"service": "cpni_certification"}]}
    batch = {"customer": CUSTOMER, "method": "ach", "consent": True}
    reply = post(web, "compliance-orders/batch", {**batch, "orders": [one, same]})
    said = problem(reply, 422, "orders.1.items.1.service")
    assert "stands in order 1 of this batch already" in said["detail"]
    assert count(web.db, "orders") == 0
    reply = post(web, "compliance-orders/batch", {**batch, "orders": [one, {**same, "is_another": True}]})
    assert (reply.status_code, count(web.db, "orders")) == (201, 2)


def test_in_a_batch_the_order_that_needs_a_confirmation_is_named(web: Web) -> None:
    paid(web, post(web, "compliance-orders", cpni()).json()["number"])
    orders = [{"frn": frn, "items": [{"service": "cpni_certification"}]} for frn in ("0012345677", "0012345678")]
    batch = {"customer": CUSTOMER, "method": "ach", "consent": True, "orders": orders}
    problem(post(web, "compliance-orders/batch", batch), 422, "orders.1.is_another")


def test_an_frn_that_no_source_here_knows_is_ordered_for_only_when_it_is_confirmed(deficient: Web) -> None:
    unknown = problem(post(deficient, "compliance-orders", cpni(frn="9999999999")), 422, "frn")
    assert "No list of the FCC’s that we hold shows this number" in unknown["detail"]
    assert "`frn_is_confirmed`: true" in unknown["remedy"]
    problem(post(deficient, "compliance-orders", cpni(frn="12")), 422, "frn")
    given.cores(deficient.db, "9999999998", found=False, as_of=given.TODAY - timedelta(days=1))
    seen = problem(post(deficient, "compliance-orders", cpni(frn="9999999998")), 422, "frn")
    assert "CORES, the FCC’s registration system, shows nothing under this number" in seen["detail"]
    assert count(deficient.db, "orders") == 0
    new = post(deficient, "compliance-orders", cpni(frn="9999999999", frn_is_confirmed=True)).json()
    with deficient.db.connect() as connection:
        row = connection.execute(
            "select e.why from pw.order_events e join pw.orders o using (order_id) "
            "where o.number = %s and e.what = 'note'",
            (new["number"],),
        ).fetchone()
    assert row == {"why": "The customer confirms that the FRN is right (frn_is_confirmed)."}


def test_an_frn_that_cores_showed_needs_no_confirmation_though_it_stands_on_no_list(deficient: Web) -> None:
    given.cores(deficient.db, "0012345670", found=True, as_of=given.TODAY - timedelta(days=2))
    assert post(deficient, "compliance-orders", cpni(frn="0012345670")).status_code == 201


def test_in_a_batch_the_frn_that_nobody_knows_is_named(deficient: Web) -> None:
    orders: list[dict[str, Any]] = [
        {"frn": frn, "items": [{"service": "cpni_certification"}]} for frn in ("0012345678", "9999999999")
    ]
    batch = {"customer": CUSTOMER, "method": "ach", "consent": True, "orders": orders}
    problem(post(deficient, "compliance-orders/batch", batch), 422, "orders.1.frn")
    orders[1]["frn_is_confirmed"] = True
    assert post(deficient, "compliance-orders/batch", batch).status_code == 201
