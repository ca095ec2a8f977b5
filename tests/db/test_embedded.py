"""The embedded server: one per home, shared by processes, whole after every kind of end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.db.embedded import Embedded
from pw_pipelines.errors import ConfigError
from tests.runtime.houses import eventually

HOLD = """
import sys
from pathlib import Path
from pw_pipelines.db.embedded import Embedded
with Embedded(Path(sys.argv[1]), durable=False).running() as server:
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(server_path: Path) -> Iterator[Path]:
    home = server_path / "a home, ünïcode & $HOME"
    yield home
    assert not Embedded(home).alive(), "a test left its server running"
    assert eventually(lambda: not _keepers(home)), "a test left its keeper running"


def _keepers(home: Path) -> list[int]:
    folder = str(home / "postgres")
    return [process.pid for process in psutil.process_iter(["cmdline"]) if folder in (process.info["cmdline"] or [])]


def _postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split("\n", 1)[0])


def _holder(home: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.stdout.close()
    return process


def _let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


def test_the_awkward_password_survives_every_url(home: Path) -> None:
    with Embedded(home, durable=False).running() as server:
        assert set("!@$()*,/:;=?[]") <= set(server.password)
        with Database(server.url("postgres")).connect() as connection:
            assert connection.execute("select current_setting('timezone') as zone").fetchone() == {"zone": "UTC"}
        assert server.password not in repr(server)
        assert server.password not in repr(Database(server.url("postgres")))


def test_the_last_one_out_stops_it_and_not_the_first(home: Path) -> None:
    other = _holder(home)
    with Embedded(home, durable=False).running() as server:
        first = _postmaster(home)
        _let_go(other)
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert _postmaster(home) == first, "it is the same server"
    assert not Embedded(home).alive()


def test_a_killed_owner_neither_corrupts_it_nor_leaves_it_running(home: Path) -> None:
    owner = _holder(home)
    embedded = Embedded(home, durable=False)
    with psycopg.connect(embedded.connect_url("postgres"), autocommit=True) as connection:
        connection.execute("create table kept as select 7 as seven")
    owner.kill()
    _reap(owner)
    assert eventually(lambda: not embedded.alive()), "the keeper stops what nobody uses"
    with embedded.running() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select seven from kept").fetchone() == (7,)


def test_a_killed_server_is_recovered_and_keeps_its_port(home: Path) -> None:
    embedded = Embedded(home, durable=False)
    with embedded.running() as server:
        os.kill(_postmaster(home), signal.SIGKILL)
        assert eventually(lambda: not embedded.alive())
        again = embedded.revive()
        assert again.port == server.port
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_half_made_cluster_is_made_again(home: Path) -> None:
    making = home / "postgres" / "data.making"
    making.mkdir(parents=True)
    (making / "PG_VERSION").write_text("18\n")  # initdb writes it first: it says nothing about being whole
    with Embedded(home, durable=False).running() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not making.exists()


def test_a_stale_pid_file_of_a_stranger_is_not_believed(home: Path) -> None:
    embedded = Embedded(home, durable=False)
    with embedded.running():
        pass
    (home / "postgres/data/postmaster.pid").write_text(f"{os.getpid()}\n{home}\n0\n0\n\n\n")
    assert not embedded.alive()
    (home / "postgres/data/postmaster.pid").unlink()


def test_a_cluster_whose_password_is_lost_is_not_touched(home: Path) -> None:
    embedded = Embedded(home, durable=False)
    with embedded.running():
        pass
    facts = home / "postgres" / "server.json"
    facts.rename(facts.with_suffix(".away"))
    with pytest.raises(ConfigError, match=r"server\.json is missing .* remove"):
        embedded.running().__enter__()
    assert (home / "postgres/data/PG_VERSION").exists()


def test_nobody_else_can_read_the_password(home: Path) -> None:
    with Embedded(home, durable=False).running():
        assert (home / "postgres/server.json").stat().st_mode & 0o077 == 0
        assert not (home / "postgres/password.tmp").exists()


def _reap(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
