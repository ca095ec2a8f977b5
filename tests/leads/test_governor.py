"""The warm-up quota: counted in our own rows, shared by provider, braked by bounces."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.leads.desired import Lead, Wanted
from pw_pipelines.leads.governor import Past, Quota, Week, admit, brake, quota_of, read_quota
from pw_pipelines.settings import Settings
from tests.leads.warehouse import NOW, TODAY, given_admissions, given_bounces


def _wanted(email: str, rank: int = 2, provider: str = "other") -> Wanted:
    lead = Lead(email[:10], email, "C", None, (), (), "high", rank, (), TODAY)
    return Wanted(email, provider, "C", lead, {})


def _quota(limit: int = 10, used: dict[str, int] | None = None, caps: dict[str, int] | None = None) -> Quota:
    return Quota(TODAY, 10, limit, used or {}, caps or {}, ())


@pytest.mark.parametrize(
    ("week", "factor"),
    [
        (Week(), 1.0),
        (Week(3, 1), 1.0),
        (Week(200, 1), 1.0),
        (Week(200, 3), 1.0),
        (Week(200, 4), 0.5),
        (Week(200, 9), 0.5),
        (Week(200, 10), 0.0),
        (Week(20, 4), 1.0),
        (Week(20, 5), 0.0),
        (Week(0, 5), 0.0),
        (Week(200, 0, 1), 1.0),
        (Week(600, 0, 2), 0.0),
        (Week(1_000, 0, 2), 1.0),
    ],
)
def test_bounces_halve_at_2_percent_and_stop_at_5_and_complaints_stop_at_a_third_but_one_event_never_brakes(
    week: Week, factor: float
) -> None:
    assert brake(week, "all mail")[0] == factor


def test_the_reason_says_both_numbers_and_the_limit() -> None:
    assert brake(Week(400, 12), "all mail")[1] == (
        "all mail: 12 of 400 recipients bounced hard in 7 days (3.0 %, limit 2 %): the quota is halved."
    )


def test_a_provider_that_bounces_is_braked_alone() -> None:
    weeks = {"google": Week(100, 6), "other": Week(900, 0)}
    quota = quota_of(day=TODAY, per_day=200, share_pct=50, used={}, weeks=weeks)
    assert (quota.limit, quota.caps["google"]) == (200, 0)
    assert quota.reasons[0].startswith("google: 6 of 100")


def test_one_provider_gets_its_share_and_the_many_small_servers_have_none() -> None:
    waiting = [_wanted(f"g{n}@gmail.com", provider="google") for n in range(10)]
    waiting += [_wanted(f"o{n}@alpha.example") for n in range(10)]
    admission = admit(waiting, {}, _quota(10), share_pct=40)
    providers = [wanted.provider for wanted in admission.places]
    assert (providers.count("google"), providers.count("other")) == (4, 6)
    assert len(admission.waiting) == 10


def test_places_already_taken_today_count() -> None:
    waiting = [_wanted(f"o{n}@alpha.example") for n in range(5)]
    assert len(admit(waiting, {}, _quota(10, used={"other": 8}), share_pct=50).places) == 2
    assert admit(waiting, {}, _quota(10, used={"other": 12}), share_pct=50).places == ()


def test_the_worst_go_first_and_among_equals_who_waited_longest() -> None:
    waiting = [_wanted("new@a.example", 2), _wanted("old@a.example", 2), _wanted("bad@a.example", 1)]
    past = {
        "new@a.example": Past(queued_at=NOW),
        "old@a.example": Past(queued_at=NOW - timedelta(days=3)),
        "bad@a.example": Past(queued_at=NOW),
    }
    admitted = admit(waiting, past, _quota(2), share_pct=50).places
    assert [wanted.email for wanted in admitted] == ["bad@a.example", "old@a.example"]


def test_who_has_a_place_of_today_or_was_on_the_list_goes_without_a_new_one() -> None:
    waiting = [_wanted("pending@a.example"), _wanted("back@a.example"), _wanted("new@a.example")]
    past = {"pending@a.example": Past(admitted_on=TODAY), "back@a.example": Past(was_on_list=True)}
    admission = admit(waiting, past, _quota(1, used={"other": 1}), share_pct=50)
    assert {wanted.email for wanted in admission.known} == {"pending@a.example", "back@a.example"}
    assert (admission.places, [wanted.email for wanted in admission.waiting]) == ((), ["new@a.example"])


def test_a_place_of_yesterday_that_was_never_used_is_taken_again_before_newcomers() -> None:
    waiting = [_wanted("new@a.example", 1), _wanted("pending@a.example", 3)]
    past = {"pending@a.example": Past(admitted_on=TODAY - timedelta(days=1))}
    admission = admit(waiting, past, _quota(1), share_pct=50)
    assert [wanted.email for wanted in admission.places] == ["pending@a.example"]


def test_when_stopped_nobody_goes_not_even_those_with_a_place() -> None:
    waiting = [_wanted("pending@a.example"), _wanted("back@a.example")]
    past = {"pending@a.example": Past(admitted_on=TODAY), "back@a.example": Past(was_on_list=True)}
    admission = admit(waiting, past, _quota(0), share_pct=50)
    assert (admission.places, admission.known, len(admission.waiting)) == ((), (), 2)


def _read(db: Database, settings: Settings, now: datetime = NOW) -> Quota:
    with db.connect() as connection:
        return read_quota(connection, settings=settings, now=now, today=TODAY)


def test_the_quota_is_counted_in_rows_of_the_eastern_day(marts: Database, settings: Settings) -> None:
    given_admissions(marts, 30, day=TODAY)
    given_admissions(marts, 200, day=TODAY - timedelta(days=1), prefix="yesterday")
    quota = _read(marts, settings)
    assert (quota.limit, quota.used, quota.left) == (200, {"other": 30}, 170)


def test_the_brake_looks_back_seven_days_and_no_further(marts: Database, settings: Settings) -> None:
    given_admissions(marts, 200, day=TODAY - timedelta(days=6))
    given_bounces(marts, 20, at=NOW - timedelta(days=7, minutes=1))
    assert _read(marts, settings).limit == 200
    given_bounces(marts, 5, at=NOW - timedelta(days=6))
    quota = _read(marts, settings)
    assert (quota.limit, quota.reasons) == (
        100,
        ("all mail: 5 of 200 recipients bounced hard in 7 days (2.5 %, limit 2 %): the quota is halved.",),
    )


def test_soft_bounces_do_not_brake(marts: Database, settings: Settings) -> None:
    given_admissions(marts, 100, day=TODAY)
    given_bounces(marts, 50, type="soft")
    assert _read(marts, settings).limit == 200
