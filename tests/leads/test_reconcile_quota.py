"""The warm-up quota holds in every run, also in one that was killed."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import ANN, BOB, CAT, on_list, reconcile, three
from tests.leads.warehouse import TODAY, admissions, given_admissions, given_bounces, given_leads, states


def test_the_quota_is_a_hard_limit_and_the_worst_go_first(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings, per_day=1)
    assert (report.created, report.queued, report.quota.left) == (1, 2, 0)
    assert states(marts) == {ANN: "queued", BOB: "synced", CAT: "queued"}
    again = reconcile(marts, listmonk_server, settings, per_day=1)
    assert (again.created, again.queued) == (0, 2)
    tomorrow = reconcile(marts, listmonk_server, settings, per_day=1, today=TODAY + timedelta(days=1))
    assert (tomorrow.created, tomorrow.quota.used) == (1, 1)


def test_who_comes_back_needs_no_new_place_in_the_quota(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three())
    reconcile(marts, listmonk_server, settings, per_day=3)
    given_leads(marts, three()[1:])
    reconcile(marts, listmonk_server, settings, per_day=3)
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings, per_day=3)
    assert (report.joined, report.queued, report.quota.used) == (1, 0, 3)


def test_too_many_bounces_stop_the_newcomers_and_say_why(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_admissions(marts, 200, day=TODAY - timedelta(days=2))
    given_bounces(marts, 11)
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.queued, report.quota.limit) == (0, 3, 0)
    assert report.quota.reasons == (
        "all mail: 11 of 200 recipients bounced hard in 7 days (5.5 %, limit 5 %): nobody new is written to.",
    )


class _Killed(BaseException):
    """Stands for the process being killed: nothing of ours handles it."""


def _dying_at(deed: str, *, after: bool) -> httpx.BaseTransport:
    real = httpx.HTTPTransport()

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            dying = f"{request.method} {request.url.path}" == deed
            if dying and not after:
                raise _Killed
            response = real.handle_request(request)
            if dying:
                response.read()
                raise _Killed
            return response

        def close(self) -> None:
            real.close()

    return Transport()


@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_around_the_create_is_completed_by_the_next_without_counting_twice(
    marts: Database, listmonk_server: Listmonk, settings: Settings, after: bool
) -> None:
    given_leads(marts, three()[:1])
    with pytest.raises(_Killed):
        reconcile(
            marts, listmonk_server, settings, per_day=1, transport=_dying_at("POST /api/subscribers", after=after)
        )
    assert admissions(marts) == {ANN: TODAY}, "the place is committed before Listmonk is told"
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings, per_day=1)
    assert on_list(listmonk_server, ANN) == "unconfirmed"
    assert report.quota.used == 1
    assert (report.queued, admissions(marts)) == (2, {ANN: TODAY})
    assert listmonk_server.writes()["subscribers_created"] == 1


def test_a_place_not_used_on_its_day_counts_on_the_day_it_is_used(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    given_leads(marts, three()[:1])
    with pytest.raises(_Killed):
        reconcile(
            marts, listmonk_server, settings, per_day=1, transport=_dying_at("POST /api/subscribers", after=False)
        )
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings, per_day=1, today=tomorrow)
    assert (report.created, report.queued, admissions(marts)) == (1, 2, {ANN: tomorrow})
