"""The decision of who joins, changes, leaves and stays: a pure function of sets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.leads.changes import Changes, subscribers_to_change, why_gone
from pw_pipelines.leads.desired import Lead, Wanted
from pw_pipelines.resources.listmonk import Subscriber
from tests.leads.warehouse import TODAY

LIST = 9
ANN, BOB = "ann@alpha.example", "bob@beta.example"
REASONS = ["complained", "unsubscribed", "manual", "customer", "bounced", "blocklisted", "disabled"]


def _wanted(email: str, **attribs: Any) -> Wanted:
    lead = Lead("0000000001", email, "Carrier", None, ("RMD_MISSING",), (), "critical", 1, ("s",), TODAY)
    return Wanted(email, "other", "Carrier", lead, {"frn": "0000000001", **attribs})


def _member(email: str, status: str = "enabled", subscription: str = "unconfirmed", **attribs: Any) -> Subscriber:
    return Subscriber(7, email, status, attribs, {LIST: subscription})


def _changes(
    desired: Collection[Wanted] = (),
    actual: Collection[Subscriber] = (),
    suppressed: dict[str, set[str]] | None = None,
    **more: Any,
) -> Changes:
    return subscribers_to_change(
        {wanted.email: wanted for wanted in desired},
        {member.email: member for member in actual},
        {email: frozenset(reasons) for email, reasons in (suppressed or {}).items()},
        list_id=LIST,
        **more,
    )


def test_nothing_wanted_and_nobody_there_changes_nothing() -> None:
    assert _changes() == Changes()


def test_who_is_wanted_and_not_there_joins() -> None:
    assert [wanted.email for wanted in _changes([_wanted(ANN)]).join] == [ANN]


def test_who_is_there_and_right_is_untouched() -> None:
    changes = _changes([_wanted(ANN)], [_member(ANN, frn="0000000001", note="theirs")])
    assert (len(changes.untouched), changes.update, changes.join) == (1, (), ())


def test_only_the_attributes_that_differ_are_written() -> None:
    changes = _changes([_wanted(ANN, codes=["A"])], [_member(ANN, frn="0000000001", codes=["B"], note="theirs")])
    assert [update.attribs for update in changes.update] == [{"codes": ["A"]}]


def test_an_attribute_that_vanished_there_is_written_again() -> None:
    assert [update.attribs for update in _changes([_wanted(ANN)], [_member(ANN)]).update] == [{"frn": "0000000001"}]


def test_who_is_no_longer_wanted_is_taken_off_with_the_reason() -> None:
    changes = _changes([], [_member(ANN, frn="0000000001")], ours={ANN: "cured"})
    assert [(departure.member.email, departure.reason) for departure in changes.remove] == [(ANN, "cured")]


def test_who_carries_our_attributes_is_ours_even_when_our_books_are_lost() -> None:
    assert [departure.reason for departure in _changes([], [_member(ANN, frn="0000000001")]).remove] == ["no lead"]


def test_who_was_put_there_by_somebody_else_stays() -> None:
    changes = _changes([], [_member(ANN)])
    assert ([member.email for member in changes.strangers], changes.remove) == ([ANN], ())


def test_who_may_stay_stays() -> None:
    changes = _changes([], [_member(ANN, frn="0000000001")], kept={ANN}, ours={ANN: "evidence too old"})
    assert (len(changes.left_alone), changes.remove) == (1, ())


@pytest.mark.parametrize(
    ("status", "subscription"),
    [("blocklisted", "unsubscribed"), ("disabled", "unconfirmed"), ("enabled", "unsubscribed")],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_an_opt_out_in_listmonk_is_left_exactly_as_it_is(status: str, subscription: str, wanted: bool) -> None:
    member = _member(ANN, status, subscription, frn="0000000009")
    assert _changes([_wanted(ANN)] if wanted else [], [member]) == Changes(left_alone=(member,))


@pytest.mark.parametrize("reason", REASONS)
def test_no_suppressed_address_ever_joins_or_is_updated(reason: str) -> None:
    absent = _changes([_wanted(ANN)], [], {ANN: {reason}})
    present = _changes([_wanted(ANN)], [_member(ANN, frn="old")], {ANN: {reason}})
    assert (absent.join, absent.update, present.join, present.update) == ((), (), (), ())


@pytest.mark.parametrize(
    ("reasons", "fate"),
    [
        ({"manual"}, "unsubscribe"),
        ({"complained"}, "unsubscribe"),
        ({"bounced"}, "unsubscribe"),
        ({"customer"}, "remove"),
        ({"customer", "manual"}, "unsubscribe"),
    ],
)
def test_a_no_is_remembered_in_listmonk_and_a_customer_is_only_taken_off(reasons: set[str], fate: str) -> None:
    changes = _changes([_wanted(ANN)], [_member(ANN, frn="0000000001")], {ANN: reasons})
    assert [departure.member.email for departure in getattr(changes, fate)] == [ANN]


def test_a_no_is_remembered_also_for_people_put_there_by_somebody_else() -> None:
    assert len(_changes([], [_member(ANN)], {ANN: {"manual"}}).unsubscribe) == 1


_EMAILS = [f"p{number}@alpha.example" for number in range(6)]
_members = st.builds(
    _member,
    st.sampled_from(_EMAILS),
    st.sampled_from(["enabled", "disabled", "blocklisted"]),
    st.sampled_from(["unconfirmed", "confirmed", "unsubscribed"]),
    frn=st.sampled_from(["", "0000000001"]),
)


@given(
    st.sets(st.sampled_from(_EMAILS)),
    st.lists(_members, unique_by=lambda member: member.email),
    st.dictionaries(st.sampled_from(_EMAILS), st.sets(st.sampled_from(REASONS), min_size=1)),
    st.sets(st.sampled_from(_EMAILS)),
)
def test_whatever_is_read_each_address_has_one_fate_and_a_no_always_wins(
    desired: set[str], actual: list[Subscriber], suppressed: dict[str, set[str]], kept: set[str]
) -> None:
    changes = _changes([_wanted(email) for email in desired], actual, suppressed, kept=kept)
    there = {member.email: member for member in actual}
    fates = [
        *(update.member.email for update in changes.update),
        *(departure.member.email for departure in (*changes.remove, *changes.unsubscribe)),
        *(member.email for member in (*changes.untouched, *changes.left_alone, *changes.strangers)),
    ]
    assert sorted(fates) == sorted(there), "everybody on the list has exactly one fate"
    assert {wanted.email for wanted in changes.join} == desired - set(there) - set(suppressed)
    for update in changes.update:
        assert update.member.email not in suppressed
        assert (update.member.status, update.member.subscriptions[LIST] == "unsubscribed") == ("enabled", False)
    for departure in (*changes.remove, *changes.unsubscribe):
        assert departure.member.subscriptions[LIST] != "unsubscribed", "an opt-out is never removed"


def test_applying_the_changes_leaves_nothing_to_change() -> None:
    desired = [_wanted(ANN, codes=["A"]), _wanted(BOB)]
    first = _changes(desired, [_member(ANN, frn="old"), _member("old@x.example", frn="1")])
    after = [_member(update.member.email, **{**update.member.attribs, **update.attribs}) for update in first.update] + [
        _member(wanted.email, **wanted.attribs) for wanted in first.join
    ]
    second = _changes(desired, after)
    assert (second.join, second.update, second.remove, len(second.untouched)) == ((), (), (), 2)


@pytest.mark.parametrize(
    ("recalled", "deficient", "leads", "why"),
    [
        ({"s1"}, {"1"}, {"1"}, "snapshot recalled"),
        (set(), {"1"}, {"1"}, "contact changed"),
        (set(), {"1"}, set(), "no contact any more"),
        (set(), set(), set(), "cured"),
    ],
)
def test_why_an_address_is_no_longer_wanted(recalled: set[str], deficient: set[str], leads: set[str], why: str) -> None:
    found = why_gone(frn="1", snapshot_ids=["s1"], recalled=recalled, deficient=deficient, leads=leads)
    assert found == why
