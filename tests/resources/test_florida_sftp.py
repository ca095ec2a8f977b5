"""Florida's file server as a client meets it: whole files or none, a known key, and no day taken for granted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.errors import SourceRefused, SourceUnavailable, UsageError
from pw_pipelines.resources.florida_sftp import FloridaSftp, days_to_fetch
from pw_pipelines.resources.ssh_door import fingerprint
from pw_pipelines.sandbox import companies_florida as florida
from pw_pipelines.settings import Settings
from tests.fixtures_registers import Registers

DAY = date(2026, 11, 20)
NoSleep = tuple[list[float], Callable[[float], None]]
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def settings(registers: Registers, tmp_path: Path) -> Settings:
    """The stand-in's address; a home of this test's own, which has met no server yet."""
    return registers.settings.model_copy(update={"home": tmp_path / "own", "http_attempts": 3})


@pytest.fixture
def client(settings: Settings, no_sleep: NoSleep) -> Iterator[FloridaSftp]:
    with FloridaSftp(settings, sleep=no_sleep[1]) as client:
        yield client


def test_the_days_there_are_come_from_the_listing_alone(client: FloridaSftp) -> None:
    days = client.days("sunbiz_cor_daily")
    assert max(days) == date(2026, 11, 21), "the file of a day is there by the next morning"
    assert days[DAY].path.endswith("doc/cor/20261120c.txt")
    assert not {file.path for file in days.values()} & {
        file.path for file in client.days("sunbiz_events_daily").values()
    }
    assert client.days("sunbiz_fic_daily").keys() == days.keys()


def test_a_daily_file_comes_whole_under_its_own_name(client: FloridaSftp, registers: Registers, tmp_path: Path) -> None:
    fetched = client.fetch_day("sunbiz_cor_daily", tmp_path, DAY)
    assert fetched.path.name == "20261120c.txt"
    assert fetched.path.read_bytes() == b"".join(florida.daily(registers.companies, DAY))
    assert (fetched.as_of, fetched.media_type) == (DAY, "text/plain")


def test_the_quarterly_file_is_of_the_day_before_it_was_put_there(client: FloridaSftp, tmp_path: Path) -> None:
    fetched = client.fetch_quarterly("sunbiz_cor", tmp_path)
    assert (fetched.path.name, fetched.as_of) == ("cordata.zip", date(2026, 10, 8))
    assert fetched.path.stat().st_size == client.quarterly("sunbiz_cor").size


# paramiko's own reading-ahead thread may meet the broken line while it still asks; what it raises there is lost anyway.
@pytest.mark.filterwarnings("ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning")
def test_a_download_that_breaks_goes_on_where_it_stopped(
    client: FloridaSftp, registers: Registers, tmp_path: Path, no_sleep: NoSleep
) -> None:
    whole = client.fetch_quarterly("sunbiz_cor", tmp_path).path.read_bytes()
    registers.misbehave("sunbiz", "cut", match="cordata.zip")
    again = client.fetch_quarterly("sunbiz_cor", tmp_path)
    assert again.path.read_bytes() == whole
    assert any("broke off" in note and "went on at byte" in note for note in again.notes), again.notes
    assert no_sleep[0] == [1.0]


@pytest.mark.parametrize("fault", ["cut", "truncated"])
def test_a_file_that_never_comes_whole_is_no_file(
    client: FloridaSftp, registers: Registers, tmp_path: Path, fault: str
) -> None:
    registers.misbehave("sunbiz", fault, times=None, match="20261120c.txt")
    with pytest.raises(SourceUnavailable, match=r"20261120c\.txt could not be read in 3 tries"):
        client.fetch_day("sunbiz_cor_daily", tmp_path, DAY)
    assert list(tmp_path.glob("*.txt*")) == []


def test_a_file_that_grows_while_it_is_read_is_read_again(
    client: FloridaSftp, registers: Registers, tmp_path: Path
) -> None:
    registers.misbehave("sunbiz", "grown", times=1, match="20261119c.txt")
    fetched = client.fetch_day("sunbiz_cor_daily", tmp_path, date(2026, 11, 19))
    assert fetched.path.read_bytes() == b"".join(florida.daily(registers.companies, date(2026, 11, 19)))
    assert any("bytes before and" in note for note in fetched.notes), fetched.notes


def test_a_file_that_grows_each_time_is_no_file(client: FloridaSftp, registers: Registers, tmp_path: Path) -> None:
    registers.misbehave("sunbiz", "grown", times=None, match="20261119c.txt")
    with pytest.raises(SourceUnavailable, match="after it was read"):
        client.fetch_day("sunbiz_cor_daily", tmp_path, date(2026, 11, 19))
    assert list(tmp_path.glob("2026*")) == []


def test_a_missing_file_is_said_to_be_missing_now(client: FloridaSftp, registers: Registers, tmp_path: Path) -> None:
    registers.misbehave("sunbiz", "missing", match="20261118c.txt")
    with pytest.raises(SourceUnavailable, match=r"there is no .*20261118c"):
        client.fetch_day("sunbiz_cor_daily", tmp_path, date(2026, 11, 18))
    with pytest.raises(SourceUnavailable, match="file of 1999-01-01"):
        client.fetch_day("sunbiz_cor_daily", tmp_path, date(1999, 1, 1))


def test_a_slow_server_is_waited_for(client: FloridaSftp, registers: Registers, tmp_path: Path) -> None:
    registers.misbehave("sunbiz", "slow", seconds=0.2, match="20261120c.txt")
    assert client.fetch_day("sunbiz_cor_daily", tmp_path, DAY).path.stat().st_size > 0


def test_the_key_of_the_first_meeting_is_kept_and_another_one_refused(settings: Settings, no_sleep: NoSleep) -> None:
    with FloridaSftp(settings, sleep=no_sleep[1]) as client:
        client.days("sunbiz_cor_daily")
    kept = settings.home / "keys" / "sunbiz_known_hosts"
    name, kind, _ = kept.read_text().split()
    other = paramiko.ECDSAKey.generate()
    kept.write_text(f"{name} {kind} {other.get_base64()}\n")
    with FloridaSftp(settings, sleep=no_sleep[1]) as client, pytest.raises(SourceRefused) as refused:
        client.days("sunbiz_cor_daily")
    text = str(refused.value)
    assert "another host key" in text and fingerprint(other) in text and str(kept) in text
    assert "Nothing was sent or read" in text and "PubAccess" not in text
    assert no_sleep[0] == [], "a refusal is not repeated"


def test_a_key_told_by_a_setting_counts_alone(registers: Registers, settings: Settings) -> None:
    key = paramiko.ECDSAKey.from_private_key_file(str(registers.settings.home / "sandbox" / "sunbiz_host_key"))
    known = settings.model_copy(update={"sunbiz_host_key": fingerprint(key)})
    with FloridaSftp(known) as client:
        assert client.days("sunbiz_cor_daily")
    assert not (settings.home / "keys").exists()
    wrong = settings.model_copy(update={"sunbiz_host_key": "SHA256:" + "A" * 43})
    with FloridaSftp(wrong) as client, pytest.raises(SourceRefused, match="PW_SUNBIZ_HOST_KEY"):
        client.days("sunbiz_cor_daily")


def test_a_refused_login_is_not_repeated_and_says_where_the_right_one_stands(
    settings: Settings, no_sleep: NoSleep
) -> None:
    wrong = settings.model_copy(update={"sunbiz_user": "public"})
    with FloridaSftp(wrong, sleep=no_sleep[1]) as client, pytest.raises(SourceRefused, match="PW_SUNBIZ_PASSWORD"):
        client.days("sunbiz_cor_daily")
    assert no_sleep[0] == []


def test_a_server_nobody_reaches_is_asked_again_and_then_left_for_later(settings: Settings, no_sleep: NoSleep) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = settings.model_copy(update={"sunbiz_port": port})
    with FloridaSftp(nowhere, sleep=no_sleep[1]) as client, pytest.raises(SourceUnavailable, match="could not be read"):
        client.days("sunbiz_cor_daily")
    assert no_sleep[0] == [1.0, 2.0]


def test_a_set_that_does_not_exist_is_a_mistake_of_the_caller(client: FloridaSftp, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known: sunbiz_cor_daily"):
        client.days("sunbiz_weekly")
    with pytest.raises(UsageError, match="known: sunbiz_cor"):
        client.fetch_quarterly("sunbiz_cor_daily", tmp_path)


# -- the cursor ---------------------------------------------------------------------------------------------------


def test_after_a_gap_every_day_that_lies_there_is_fetched_oldest_first() -> None:
    july = [date(2026, 7, day) for day in range(1, 11)]
    lies_there = [day for day in july if not 2 <= day.day <= 6]
    assert days_to_fetch([july[0]], lies_there, None) == [july[6], july[7], july[8], july[9]]


def test_a_day_that_comes_late_is_taken_when_it_comes() -> None:
    have = [DAY, DAY + timedelta(days=2)]
    assert days_to_fetch(have, [*have, DAY + timedelta(days=1)], DAY) == [DAY + timedelta(days=1)]


@given(st.lists(DAYS), st.lists(DAYS), st.none() | DAYS)
def test_what_is_fetched_lies_there_is_lacked_and_is_no_older_than_the_whole_copy(
    have: list[date], listing: list[date], since: date | None
) -> None:
    wanted = days_to_fetch(have, listing, since)
    assert wanted == sorted(set(wanted))
    assert set(wanted) == {day for day in listing if day not in have and (since is None or day >= since)}
    assert days_to_fetch([*have, *wanted], listing, since) == []
