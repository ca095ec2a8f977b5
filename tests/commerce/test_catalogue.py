"""The catalogue, the bundles and the ways to pay, as data."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from pw_pipelines.commerce.bundles import bundles, parse_bundles
from pw_pipelines.commerce.catalogue import PassThrough, catalogue, parse_catalogue
from pw_pipelines.commerce.payment_methods import offered_methods, payment_methods
from pw_pipelines.commerce.reference import load_commerce
from pw_pipelines.compliance.calendar import due_dates
from pw_pipelines.compliance.rules import rules
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError


def test_the_catalogue_has_the_firms_prices_and_no_others() -> None:
    published = {code: service.price_usd for code, service in catalogue().items() if service.price_usd is not None}
    assert published == {
        "fcc_compliance_check": Decimal(0),
        "fcc_carrier_registration": Decimal(1299),
        "form_499a": Decimal(499),
        "cpni_certification": Decimal(199),
        "rmd_filing": Decimal(249),
        "calea_ssi": Decimal(799),
        "stir_shaken_implementation": Decimal(499),
        "state_puc": Decimal(399),
        "neca_ocn": Decimal(2650),
        "formation_basic": Decimal(179),
        "formation_complete": Decimal(399),
        "ein": Decimal(49),
        "registered_agent": Decimal(99),
        "operating_agreement": Decimal(99),
    }
    assert catalogue()["registered_agent"].price_for("WY") == 49
    assert catalogue()["dc_agent"].price == "quote"


def test_there_are_twenty_telecom_services_and_every_other_family() -> None:
    families = Counter(service.family for service in catalogue().values())
    assert families["telecom"] == 20
    assert set(families) == {"telecom", "corporate", "privacy", "tcpa", "formation", "canada"}


def test_the_carrier_registration_is_six_services() -> None:
    assert len(catalogue()["fcc_carrier_registration"].includes) == 6


def test_what_is_filed_says_where_and_what_renews_says_by_which_service() -> None:
    duties = {due.duty for due in due_dates()}
    renewals = [service.renewal for service in catalogue().values() if service.renewal]
    assert {renewal.duty for renewal in renewals if renewal.duty} == duties
    assert all(service.portal for service in catalogue().values() if service.signer == "officer")
    assert catalogue()["rmd_filing"].renewal.service == "rmd_recertification"  # type: ignore[union-attr]


def test_every_code_a_service_cures_is_a_rule_and_the_rule_names_a_service_that_cures_it() -> None:
    cured = {code: service.code for service in catalogue().values() for code in service.cures}
    assert set(cured) == {one.code for one in rules().values() if one.service}
    assert all(cured[one.code] == one.service for one in rules().values() if one.service)


def test_a_fee_that_is_not_in_force_is_charged_from_the_day_it_begins() -> None:
    (fee,) = catalogue()["rmd_filing"].pass_through
    assert (fee.amount_usd, fee.is_charged(date(2026, 11, 22))) == (Decimal(100), False)
    dated = PassThrough.model_validate({**fee.model_dump(), "in_force_from": date(2027, 1, 1)})
    assert [dated.is_charged(day) for day in (date(2026, 12, 31), date(2027, 1, 1))] == [False, True]


GOOD = "- {code: a, family: telecom, title: t, price_usd: quote%s}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- {code: a, family: telecom, title: t, price_usd: 249.10}", "not in quotes"),
        ("- {code: a, family: telecom, title: t, price_usd: '-1'}", "greater than or equal"),
        ("- {code: a, family: telecom, title: t, price_usd: '1.001'}", "decimal"),
        ("- {code: a, family: telecom, title: t}", "price_usd"),
        (f"{GOOD % ''}\n{GOOD % ''}", "twice"),
        (GOOD % ", colour: red", "colour"),
        (GOOD % ", expedite: true", "per: state"),
        (GOOD % ", per: state, price_in_usd: {WY: '1.00'}", "needs a price in the others"),
        (GOOD % ", includes: [b]", "a: names services that are not there: b"),
        (GOOD % ", renewal: {words: yearly, service: b}", "not there: b"),
        (
            GOOD % ", pass_through: [{name: f, amount_usd: '1.00', in_force: true, note: n, state_fee: formation}]",
            "at cost",
        ),
    ],
)
def test_a_faulty_service_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_catalogue(text)


def test_the_bundles_have_the_published_prices_and_say_what_is_not_known_of_them() -> None:
    assert {code: one.price_usd for code, one in bundles().items()} == {
        "starter": Decimal(158), "professional": Decimal(458), "full_package": Decimal(538),
    }  # fmt: skip
    assert all("to be confirmed" in (one.words or "") for one in bundles().values() if not one.services)


def test_a_bundle_of_services_nobody_sells_is_refused() -> None:
    with pytest.raises(ConfigError, match="b: services that are not there: moon"):
        parse_bundles("- {code: b, title: B, price_usd: '1.00', services: [moon]}")


def test_the_surcharges_are_the_published_ones_and_paypals_is_a_setting() -> None:
    assert {name: one.percent for name, one in payment_methods().items()} == {
        "ach": 0, "card": 3, "klarna": 5, "cashapp": 3, "amazonpay": 3, "crypto": 0, "paypal": None,
    }  # fmt: skip
    assert "paypal" not in offered_methods(None)
    assert offered_methods(Decimal("3.49"))["paypal"].percent == Decimal("3.49")


def test_the_tables_say_what_the_files_say_however_often_they_are_loaded(db: Database) -> None:
    load_commerce(db)
    with db.connect() as connection:
        connection.execute("update pw.service_bundles set price = 1 where code = 'starter'")
        connection.execute("delete from pw.payment_surcharges where method = 'card'")
        connection.execute("insert into pw.payment_surcharges values ('barter', 'Barter', 'stripe', 0, true)")
    load_commerce(db)
    with db.connect() as connection:
        stored = {row["code"]: row["price"] for row in connection.execute("select * from pw.service_bundles")}
        methods = {row["method"]: row["percent"] for row in connection.execute("select * from pw.payment_surcharges")}
    assert stored == {code: one.price_usd for code, one in bundles().items()}
    assert methods == {name: one.percent for name, one in payment_methods().items()}
