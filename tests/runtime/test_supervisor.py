"""The supervisor, with small programs in Dagster's place: one set of processes, and none when it is over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import psycopg
import pytest

from pw_pipelines.db.embedded import Embedded
from tests.runtime.houses import StartedHouse, eventually, get, house


def test_it_starts_and_stops_twice_in_a_row_on_the_same_addresses(server_path: Path) -> None:
    seen = []
    nobody_elses = {"PW_WEB_PORT": "21733"}  # below the ports that the system hands out, and no other test's
    for _ in range(2):
        with house(server_path / "home", **nobody_elses) as started:
            started.await_ready()
            seen.append(started.addresses["web"])
            assert get(started.addresses["web"]) == str(started.home)
            assert started.stop() == 0, started.said()
            assert started.living() == []
            assert not started.ready_file.exists()
    assert seen[0] == seen[1], "a closed port is free again at once"


def test_killed_with_9_it_leaves_nobody_behind_and_starts_again_as_one_set(server_path: Path) -> None:
    home = server_path / "home"
    with house(home) as started:
        started.await_ready()
        with psycopg.connect(Embedded(home).connect_url("pw"), autocommit=True) as connection:
            connection.execute("create table public.kept as select 1 as one")
        children = started.addresses["processes"]
        started.process.kill()
        started.process.wait()
        assert eventually(lambda: not any(map(_lives, children.values()))), "children die with their supervisor"
        assert len(_workers(started)) == 1, "the run worker outlives them"
        with house(home) as again:
            again.await_ready()
            assert "left behind" in again.said()
            assert get(again.addresses["web"]) == str(home.resolve())
            assert len(_workers(again)) == 1
            assert len([line for line in again.living() if "keeper.py" in line]) == 1
            with psycopg.connect(Embedded(home).connect_url("pw")) as connection:
                assert connection.execute("select one from public.kept").fetchone() == (1,)
            assert again.stop() == 0


def test_killed_with_9_and_not_started_again_postgresql_is_stopped_too(server_path: Path) -> None:
    with house(server_path / "home") as started:
        started.await_ready()
        assert Embedded(started.home).alive()
        started.process.kill()
        assert eventually(lambda: not Embedded(started.home).alive())


def test_a_second_one_in_the_same_home_is_refused_and_told_where_the_first_is(server_path: Path) -> None:
    with house(server_path / "home") as first:
        first.await_ready()
        with house(server_path / "home", READY_FILE=str(server_path / "second.ready")) as second:
            assert second.process.wait(20) == 1
            assert first.addresses["web"] in second.said()
            assert first.addresses["dagster"] in second.said()
            assert get(first.addresses["web"]) == str(first.home), "the first is not disturbed"
            second.home = server_path / "nowhere"
        first.stop()


def test_two_homes_live_side_by_side_on_ports_of_their_own(server_path: Path) -> None:
    with house(server_path / "one") as one, house(server_path / "two") as two:
        one.await_ready()
        two.await_ready()
        assert get(one.addresses["web"]) == str(one.home)
        assert get(two.addresses["web"]) == str(two.home)
        assert one.stop() == 0
        assert get(two.addresses["web"]) == str(two.home), "stopping one leaves the other alone"
        assert two.stop() == 0


def test_a_home_with_blanks_and_letters_of_the_world_works(server_path: Path) -> None:
    with house(server_path / "my $home & häuser 家") as started:
        started.await_ready()
        assert get(started.addresses["web"]) == str(started.home)
        assert started.stop() == 0
        assert started.living() == []


def test_started_in_the_background_of_a_script_it_still_stops(server_path: Path) -> None:
    with house(server_path / "home", ignore_sigint=True) as started:
        started.await_ready()
        assert started.stop(signal.SIGTERM) == 0
        assert started.living() == []


def test_a_second_ctrl_c_kills_what_does_not_want_to_stop(server_path: Path) -> None:
    with house(server_path / "home", SMALL_HOUSE='{"stubborn": true}') as started:
        started.await_ready()
        started.process.send_signal(signal.SIGINT)
        assert eventually(lambda: "Ctrl-C again kills" in started.said())
        assert started.stop(seconds=5) == 0
        assert started.living() == []


def test_a_child_that_dies_is_started_again_but_not_for_ever(server_path: Path) -> None:
    with house(server_path / "home") as started:
        started.await_ready()
        for time_dead in range(1, 7):
            assert eventually(lambda: _answers(started.addresses["web"])) or time_dead == 7
            with pytest.raises(OSError):
                get(started.addresses["web"] + "/die")
            if time_dead < 6:
                told = "web ended with code 3"
                assert eventually(lambda n=time_dead, told=told: started.said().count(told) == n), started.said()
        assert started.process.wait(20) == 1
        assert "ended 6 times in 10 minutes; stopping everything" in " ".join(started.said().split())
        assert started.living() == []


def test_a_child_that_does_not_start_ends_everything_with_its_last_words(server_path: Path) -> None:
    with house(server_path / "home", SMALL_HOUSE='{"broken": true}') as started:
        assert started.process.wait(30) == 1
        assert "ended with code 7 before it was ready" in started.said()
        assert "the reason it is broken" in started.said()
        assert started.living() == []


def test_postgresql_killed_under_the_house_comes_back_where_it_was(server_path: Path) -> None:
    with house(server_path / "home") as started:
        started.await_ready()
        url = Embedded(started.home).connect_url("pw")
        postmaster = int((started.home / "postgres/data/postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(postmaster, signal.SIGKILL)
        assert eventually(lambda: _selects(url)), started.said()
        assert started.stop() == 0
        assert started.living() == []


def _workers(started: StartedHouse) -> list[str]:
    return [line for line in started.living() if line.endswith("import time; time.sleep(600)")]


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _answers(url: str) -> bool:
    try:
        get(url)
    except OSError:
        return False
    return True


def _selects(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
