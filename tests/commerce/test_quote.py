"""What a basket costs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.commerce.discounts import Discount, Referral, reductions
from pw_pipelines.commerce.quote import quote
from pw_pipelines.errors import UsageError
from tests.commerce.making import CPNI, FEES, TODAY, price

REFERRAL = Referral("REF-AB123", 1)


def of(*items: BasketItem) -> Basket:
    return Basket("compliance", items)


@pytest.mark.parametrize(
    ("method", "total"),
    [("ach", "199.00"), ("card", "204.97"), ("klarna", "208.95"), ("cashapp", "204.97"), ("amazonpay", "204.97"),
     ("crypto", "199.00"), ("paypal", "205.95")],
)  # fmt: skip
def test_each_way_to_pay_has_its_surcharge(method: str, total: str) -> None:
    assert price(CPNI, method).total == Decimal(total)


def test_the_surcharge_is_of_the_whole_amount_fees_included_and_after_discounts() -> None:
    basket = Basket("formation", (BasketItem("formation_basic", for_state="WY"),))
    found = price(basket, "card", discount=Discount("TEN", "percent", Decimal(10)))
    assert (found.subtotal, found.discount, found.fees) == (Decimal("179.00"), Decimal("17.90"), Decimal("100.00"))
    assert found.surcharge == Decimal("7.83")  # 3 % of 261.10 is 7.833
    assert found.total == Decimal("268.93")


def test_discount_and_referral_stop_at_fifteen_percent_rounded_down() -> None:
    found = price(of(BasketItem("rmd_filing")), discount=Discount("X", "percent", Decimal(50)), referral=REFERRAL)
    assert [(line.kind, line.amount) for line in found.lines[1:]] == [
        ("referral", Decimal("-12.45")), ("discount", Decimal("-24.90")),
    ]  # fmt: skip
    assert found.discount == Decimal("37.35")


def test_no_code_reduces_government_state_or_expedite_fees() -> None:
    basket = Basket("formation", (BasketItem("formation_basic", for_state="WY", expedite="next business day"),))
    found = price(basket, discount=Discount("X", "fixed", Decimal(10_000)))
    assert found.fees == 800
    assert found.discount == Decimal("26.85")  # 15 % of 179.00


def test_no_code_reduces_a_service_by_quote_whose_price_a_person_gave() -> None:
    basket = of(BasketItem("form_499q", agreed_price=Decimal("150")), BasketItem("cpni_certification"))
    found = price(basket, discount=Discount("X", "percent", Decimal(10)))
    assert (found.subtotal, found.discount, found.unknown) == (Decimal("349.00"), Decimal("19.90"), ())


def test_a_fixed_discount_is_what_it_says_below_the_cap() -> None:
    assert price(CPNI, discount=Discount("X", "fixed", Decimal(20))).discount == 20


@pytest.mark.parametrize(("day", "is_charged"), [(date(2026, 12, 31), False), (date(2027, 1, 1), True)])
def test_the_fcc_fee_is_charged_once_it_is_in_force(day: date, is_charged: bool) -> None:
    filing = catalogue()["rmd_filing"]
    (fee,) = filing.pass_through
    begins = filing.model_copy(update={"pass_through": (fee.model_copy(update={"in_force_from": date(2027, 1, 1)}),)})
    fees = dataclasses.replace(FEES, services={**FEES.services, "rmd_filing": begins})
    found = quote(of(BasketItem("rmd_filing")), method="ach", discount=None, referral=None, today=day, fees=fees)
    assert found.fees == (100 if is_charged else 0)
    assert price(of(BasketItem("rmd_filing"))).fees == 0


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (BasketItem("form_499q"), "no published price"),
        (BasketItem("bdc_both"), "no published price"),
        (BasketItem("state_puc", for_state="TX"), "the amount is not known here; a person finds it out"),
    ],
)
def test_what_has_no_price_is_said_in_a_sentence_and_cannot_be_ordered(item: BasketItem, sentence: str) -> None:
    found = price(of(item))
    assert not found.can_be_ordered
    assert [sentence in said for said in found.unknown] == [True]


def test_a_fee_in_other_money_is_not_added_to_dollars() -> None:
    found = price(Basket("formation", (BasketItem("formation_basic", for_state="BC", form="corporation"),)))
    assert found.fees == 0
    assert "CAD" in found.unknown[0]


def test_prices_in_dollars_are_not_taken_for_canadian_ones() -> None:
    found = price(Basket("compliance", (BasketItem("cpni_certification"),), currency="CAD"))
    assert (found.total, found.unknown) == (
        0, ("Annual CPNI certification is priced in US dollars; a person quotes it in other money.",),
    )  # fmt: skip


def test_a_fee_a_person_found_out_takes_the_place_of_the_unknown_one() -> None:
    found = price(of(BasketItem("state_puc", for_state="TX", agreed_fee=Decimal("75"))))
    assert (found.fees, found.total, found.unknown) == (75, 474, ())


def test_the_carrier_registration_becomes_six_pieces_of_work_at_one_price() -> None:
    found = price(of(BasketItem("fcc_carrier_registration", cures=("RMD_MISSING",))))
    assert [line.amount for line in found.lines] == [Decimal("1299.00")]
    assert len(found.items) == 6
    assert sum(item.unit_price for item in found.items) == 1299
    assert {item.sold_as for item in found.items} == {"fcc_carrier_registration"}
    assert [item.service for item in found.items if item.cures] == ["rmd_filing"]


def test_a_bundle_has_its_published_price_and_its_line_says_what_is_apart() -> None:
    found = price(Basket("bundle", bundle="professional"))
    assert (found.total, found.can_be_ordered) == (458, True)
    assert "state fees, where any are due, are billed apart" in found.lines[0].text


def test_a_bundle_whose_services_are_written_down_becomes_those_and_their_state_fees() -> None:
    known = FEES.bundles["starter"].model_copy(update={"services": ("formation_basic", "ein", "operating_agreement")})
    fees = dataclasses.replace(FEES, bundles={**FEES.bundles, "starter": known})
    basket = Basket("bundle", bundle="starter", state="wy")
    found = quote(basket, method="ach", discount=None, referral=None, today=TODAY, fees=fees)
    assert [(item.service, item.unit_price) for item in found.items] == [
        ("formation_basic", Decimal("52.68")), ("ein", Decimal("52.66")), ("operating_agreement", Decimal("52.66")),
    ]  # fmt: skip
    assert (found.subtotal, found.fees) == (158, 100)


@pytest.mark.parametrize(
    ("basket", "field", "said"),
    [
        (of(), "items", "empty"),
        (of(BasketItem("moon")), "service", "no service 'moon'"),
        (of(BasketItem("ein", quantity=2)), "quantity", "can't be ordered 2 times"),
        (of(BasketItem("form_499a", quantity=0)), "quantity", "can't be ordered 0 times"),
        (of(BasketItem("state_puc")), "state", "none is named"),
        (of(BasketItem("state_puc", for_state="ZZ")), "state", "no jurisdiction"),
        (of(BasketItem("cpni_certification", frn="12a")), "frn", "not an FRN"),
        (of(BasketItem("ein", expedite="now")), "expedite", "no expedited service"),
        (of(BasketItem("ein", agreed_price=Decimal(1))), "agreed_price", "published price"),
        (of(BasketItem("form_499q", agreed_price=Decimal("0.001"))), "agreed_price", "no amount in cents"),
        (of(BasketItem("ein"), BasketItem("ein")), "items", "stands in the basket 2 times"),
        (of(BasketItem("rmd_filing"), BasketItem("fcc_carrier_registration")), "items", "by itself or as a part"),
        (Basket("bundle", (BasketItem("ein"),)), "bundle", "names the bundle"),
        (Basket("bundle", bundle="moon"), "bundle", "no bundle 'moon'"),
        (Basket("formation", (BasketItem("ein"),)), "items", "exactly one of its packages"),
        (of(BasketItem("canada_crtc")), "kind", "order of its own kind"),
        (
            Basket("formation", (BasketItem("formation_basic", for_state="WY", expedite="yesterday"),)),
            "expedite",
            "no step of expedited service in Wyoming",
        ),
    ],
)
def test_a_malformed_basket_is_refused_naming_the_field_and_the_remedy(basket: Basket, field: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        price(basket)
    assert (refused.value.field, bool(refused.value.remedy)) == (field, True)


def test_the_same_filing_for_two_carriers_is_two_filings() -> None:
    two = of(BasketItem("cpni_certification", frn="1"), BasketItem("cpni_certification", frn="2"))
    assert price(two).total == 398


@pytest.mark.parametrize("method", ["paypal", "barter"])
def test_a_way_to_pay_that_is_not_offered_is_refused(method: str) -> None:
    fees = dataclasses.replace(FEES, methods={name: one for name, one in FEES.methods.items() if name != "paypal"})
    with pytest.raises(UsageError, match="no way to pay"):
        quote(CPNI, method=method, discount=None, referral=None, today=TODAY, fees=fees)


def test_a_discount_code_past_its_day_is_refused() -> None:
    last = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="has expired"):
        price(CPNI, discount=Discount("OLD", "percent", Decimal(5), last))


PRICED = sorted(code for code, one in catalogue().items() if one.price_usd and one.per == "order" and not one.includes)
baskets = st.builds(
    lambda codes, frns: of(*(BasketItem(code, frn=frn) for code in codes for frn in frns)),
    st.lists(st.sampled_from(PRICED), min_size=1, unique=True),
    st.lists(st.from_regex(r"[0-9]{9}[1-9]", fullmatch=True), min_size=1, max_size=3, unique=True),
)
formations = st.builds(
    lambda state, form: Basket("formation", (BasketItem("formation_basic", for_state=state, form=form),)),
    st.sampled_from(sorted(FEES.jurisdictions)),
    st.sampled_from(("llc", "corporation")),
)
discounts = st.builds(
    Discount,
    st.sampled_from(("A", "B", "C")),
    st.sampled_from(("percent", "fixed")),
    st.decimals("0.01", "100", places=2),
)
referrals = st.builds(Referral, st.from_regex(r"REF-[A-Z0-9]{5}", fullmatch=True), st.integers(1, 9))


@settings(deadline=None)
@given(
    st.one_of(baskets, formations),
    st.sampled_from(sorted(FEES.methods)),
    st.none() | discounts,
    st.none() | referrals,
)
def test_lines_add_up_to_the_total_to_the_cent_and_nothing_is_negative(
    basket: Basket, method: str, discount: Discount | None, referral: Referral | None
) -> None:
    found = price(basket, method, discount=discount, referral=referral)
    assert sum(line.amount for line in found.lines) == found.total
    assert found.total == found.subtotal - found.discount + found.fees + found.surcharge
    assert min(found.subtotal, found.discount, found.fees, found.surcharge, found.total) >= 0
    assert found.discount * 100 <= found.subtotal * 15
    assert sum(item.unit_price * item.quantity for item in found.items) == found.subtotal
    assert all(line.amount == line.amount.quantize(Decimal("0.01")) for line in found.lines)


@settings(deadline=None)
@given(
    st.decimals("0.01", "99999.99", places=2),
    st.lists(st.one_of(discounts, referrals), max_size=4, unique_by=lambda code: code.code).flatmap(
        lambda codes: st.tuples(st.just(codes), st.permutations(codes))
    ),
)
def test_the_order_in_which_codes_are_given_changes_nothing(
    base: Decimal, codes: tuple[list[Discount | Referral], list[Discount | Referral]]
) -> None:
    one, other = (reductions(base, given_codes) for given_codes in codes)
    assert one == other
    assert sum(taken.amount for taken in one) * 100 <= base * 15


@settings(deadline=None)
@given(baskets.flatmap(lambda b: st.tuples(st.just(b), st.permutations(b.items))), st.none() | discounts)
def test_the_order_of_the_items_changes_no_amount(
    both: tuple[Basket, list[BasketItem]], discount: Discount | None
) -> None:
    basket, shuffled = both
    one = price(basket, "card", discount=discount)
    other = price(dataclasses.replace(basket, items=tuple(shuffled)), "card", discount=discount)
    assert (one.total, one.discount, one.surcharge) == (other.total, other.discount, other.surcharge)


def test_expedited_service_of_a_bundle_whose_parts_nobody_named_is_quoted_by_a_person_and_not_given_away() -> None:
    [step, *_] = [one.words for one in FEES.jurisdictions["AK"].expedited.options]
    assert price(Basket("bundle", bundle="starter", state="AK")).can_be_ordered
    assert not price(Basket("bundle", bundle="starter", state="AK", expedite=step)).can_be_ordered
