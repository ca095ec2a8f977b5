"""Whatever the settings and the history: the last good sets are never let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.backups.model import BackupError
from pw_pipelines.backups.offsite import require_removable
from pw_pipelines.backups.retention import Candidate, Keep, plan

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
keeps = st.builds(
    Keep,
    hourly=st.integers(0, 30),
    daily=st.integers(0, 20),
    weekly=st.integers(0, 10),
    monthly=st.integers(0, 14),
    good=st.integers(1, 6),
)
histories = st.lists(
    st.tuples(st.integers(0, 20_000), st.booleans(), st.booleans()), max_size=60, unique_by=lambda one: one[0]
).map(
    lambda rows: [
        Candidate(f"{number:04}", NOON - timedelta(hours=hours), good, read)
        for number, (hours, good, read) in enumerate(rows)
    ]
)


@given(histories, keeps)
@settings(max_examples=400, deadline=None)
def test_the_last_good_sets_and_those_being_read_stay_whatever_is_asked(history: list[Candidate], keep: Keep) -> None:
    removed = set(plan(history, keep).remove)

    good = sorted((one for one in history if one.is_good), key=lambda one: (one.captured_at, one.set_id))
    assert not removed & {one.set_id for one in good[-keep.good :]}
    assert not removed & {one.set_id for one in history if one.is_read}
    if len(good) <= keep.good:
        assert removed == set()
    left = [one for one in good if one.set_id not in removed]
    assert len(left) >= min(keep.good, len(good))


@given(histories, keeps)
@settings(max_examples=200, deadline=None)
def test_every_set_is_either_kept_for_a_reason_or_let_go(history: list[Candidate], keep: Keep) -> None:
    made = plan(history, keep)

    assert set(made.keep) | set(made.remove) == {one.set_id for one in history}
    assert not set(made.keep) & set(made.remove)
    assert all(made.keep.values())


@given(histories, keeps)
@settings(max_examples=200, deadline=None)
def test_asked_again_after_removing_nothing_more_goes(history: list[Candidate], keep: Keep) -> None:
    removed = set(plan(history, keep).remove)

    assert plan([one for one in history if one.set_id not in removed], keep).remove == ()


@given(histories, keeps)
@settings(max_examples=200, deadline=None)
def test_a_set_nobody_proved_is_let_go_only_when_enough_good_ones_are_newer(
    history: list[Candidate], keep: Keep
) -> None:
    removed = set(plan(history, keep).remove)

    for one in history:
        if one.set_id in removed and not one.is_good:
            newer = [
                other for other in history
                if other.is_good and (other.captured_at, other.set_id) > (one.captured_at, one.set_id)
            ]  # fmt: skip
            assert len(newer) >= keep.good


def test_four_a_day_for_a_year_leave_hours_days_weeks_and_months() -> None:
    history = [Candidate(f"{number:05}", NOON - timedelta(hours=6 * number), True) for number in range(4 * 365)]

    kept = plan(history, Keep(hourly=12, daily=14, weekly=8, monthly=12, good=3)).keep

    assert sum("hourly" in why for why in kept.values()) == 12
    assert sum("daily" in why for why in kept.values()) == 14
    assert sum("weekly" in why for why in kept.values()) == 8
    assert sum("monthly" in why for why in kept.values()) == 12
    assert len(kept) < 40


def test_no_settings_can_ask_for_nothing_to_be_kept() -> None:
    with pytest.raises(ValueError, match="at least one good set"):
        Keep(hourly=1, daily=1, weekly=1, monthly=1, good=0)


@pytest.mark.parametrize(
    "name",
    ["pool/ab/" + "ab" * 32 + ".age", "journal/x/1.age", "postgres", "postgres/20260101T000000Z-abcdef", "/etc/passwd",
     "postgres/../pool/x", "postgres/20260101T000000Z-abcdef/..", "postgres/20260101T000000Z-abcdef/", "making/x/y"],
)  # fmt: skip
def test_nothing_but_a_file_of_a_set_is_ever_removed_off_site(name: str) -> None:
    with pytest.raises(BackupError):
        require_removable(name)
