"""The stack every command stands on: what it sets, what it starts, what it joins, what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from pw_pipelines.db.connection import sibling_url
from pw_pipelines.db.embedded import Embedded, Server
from pw_pipelines.errors import ConfigError
from pw_pipelines.runtime.running import RunningHouse, note_path, running_house, write_note
from pw_pipelines.runtime.stack import NO_STAND_INS, open_stack
from pw_pipelines.settings import Mode, Settings, load_settings


@pytest.fixture
def on_server(postgres: Server, clone_database: Callable[[str], str], server_path: Path) -> Settings:
    """A home on a server of the operator's, with databases of this test's own."""
    return Settings(
        home=server_path / "home",
        database_url=SecretStr(clone_database("template0")),
        dagster_database_url=SecretStr(clone_database("template0")),
        sandbox_database_url=SecretStr(clone_database("template0")),
    )


def house_of(settings: Settings, **changes: object) -> RunningHouse:
    me = psutil.Process()
    facts: dict[str, object] = {
        "pid": me.pid, "created": me.create_time(), "mode": Mode.SANDBOX, "web_url": "http://127.0.0.1:1",
        "dagster_url": "http://127.0.0.1:2", "sandbox_url": "http://127.0.0.1:3", "environment": {},
    }  # fmt: skip
    return RunningHouse(**{**facts, **changes})  # type: ignore[arg-type]


def test_without_a_server_one_is_started_in_a_home_given_relatively_and_with_blanks(
    server_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(server_path)
    monkeypatch.setenv("PW_HOME", "my häuser/ein home")
    with open_stack(load_settings()) as stack:
        home = server_path.resolve() / "my häuser" / "ein home"
        assert stack.settings.home == home
        with stack.db.connect() as connection:
            assert connection.execute("select count(*) as n from pw.snapshots").fetchone() == {"n": 0}
        seen = load_settings()
        assert seen.home == home, "children and late readers find the same home from any working folder"
        assert seen.database_url is not None
        assert seen.database_url.get_secret_value() == stack.db.url
        for name in ("PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
            with psycopg.connect(os.environ[name]) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
        raw = home / "raw file"
        raw.write_bytes(b"bytes")
        assert stack.objects.exists(stack.objects.put(raw))
        assert (home / "objects").is_dir()
    assert "PW_DATABASE_URL" not in os.environ, "nothing of it stays behind"
    assert load_settings().database_url is None
    assert not Embedded(home).alive()


def test_on_a_server_of_the_operators_it_migrates_and_starts_none(on_server: Settings) -> None:
    with open_stack(on_server) as stack, stack.db.connect() as connection:
        assert connection.execute("select to_regclass('pw.snapshots') as name").fetchone() == {"name": "pw.snapshots"}
    assert not (on_server.home / "postgres").exists()


def test_a_missing_database_is_created_where_that_is_allowed(on_server: Settings, postgres: Server) -> None:
    missing = SecretStr(postgres.url(f"made_for_{os.getpid()}"))
    settings = on_server.model_copy(update={"dagster_database_url": missing})
    with open_stack(settings), psycopg.connect(missing.get_secret_value()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_missing_database_that_may_not_be_created_is_refused_with_the_sql(
    on_server: Settings, postgres: Server
) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("drop role if exists meek")
        connection.execute(sql.SQL("create role meek login password {}").format(sql.Literal("pass word/@")))
    url = f"postgresql://meek:pass%20word%2F%40@{postgres.host}:{postgres.port}/not_made"
    settings = on_server.model_copy(update={"database_url": SecretStr(url)})
    with pytest.raises(ConfigError, match='create database "not_made" owner "meek";'), open_stack(settings):
        pass


def test_an_unreachable_server_is_named_without_its_password(on_server: Settings) -> None:
    url = SecretStr("postgresql://somebody:topsecret@127.0.0.1:9/pw")
    with (
        pytest.raises(ConfigError, match=r"127\.0\.0\.1:9/pw") as caught,
        open_stack(on_server.model_copy(update={"database_url": url})),
    ):
        pass
    assert "topsecret" not in str(caught.value)


def test_without_stand_ins_of_its_own_nothing_points_at_another_homes(on_server: Settings) -> None:
    with open_stack(on_server) as stack:
        assert stack.settings.rmd_url == f"{NO_STAND_INS}/rmd"
        assert load_settings().listmonk_url == f"{NO_STAND_INS}/listmonk"


def test_asked_for_stand_ins_it_starts_them_and_ends_them(on_server: Settings) -> None:
    with open_stack(on_server, sandbox=True) as stack:
        reply = httpx.get(f"{stack.settings.sandbox_url}/_control/health", trust_env=False)
        assert reply.status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{stack.settings.sandbox_url}/_control/health", trust_env=False)


def test_it_joins_the_running_house_of_its_home(on_server: Settings) -> None:
    on_server.home.mkdir()
    write_note(on_server.home, house_of(on_server))
    with open_stack(on_server, sandbox=True) as stack:
        assert stack.settings.sandbox_url == "http://127.0.0.1:3"
        assert stack.settings.public_url == "http://127.0.0.1:1"
        assert stack.house is not None


def test_a_note_of_a_process_that_is_gone_or_whose_number_was_given_away_is_not_believed(on_server: Settings) -> None:
    on_server.home.mkdir()
    for changes in ({"pid": 2**22 + 1}, {"created": 1.0}):
        write_note(on_server.home, house_of(on_server, **changes))
        assert running_house(on_server.home) is None
    note_path(on_server.home).write_text("{half")
    assert running_house(on_server.home) is None


def test_the_note_with_its_passwords_is_its_owners_alone(on_server: Settings) -> None:
    on_server.home.mkdir()
    write_note(on_server.home, house_of(on_server, environment={"PW_DATABASE_URL": "secret"}))
    assert note_path(on_server.home).stat().st_mode & 0o077 == 0
    assert "secret" not in repr(running_house(on_server.home))


def test_a_command_in_the_other_mode_than_its_running_house_is_refused(on_server: Settings) -> None:
    on_server.home.mkdir()
    write_note(on_server.home, house_of(on_server, mode=Mode.LIVE))
    with pytest.raises(ConfigError, match="running in live mode"), open_stack(on_server):
        pass


def test_a_proxy_of_the_machines_is_not_asked_for_our_own_addresses(
    on_server: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "internal.example")
    with open_stack(on_server):
        assert os.environ["NO_PROXY"] == "internal.example,127.0.0.1,localhost,::1"
    assert os.environ["NO_PROXY"] == "internal.example"


def test_a_database_beside_the_warehouse_is_the_default_for_dagster(on_server: Settings) -> None:
    url = on_server.database_url
    assert url is not None
    settings = on_server.model_copy(update={"dagster_database_url": None})
    with open_stack(settings):
        assert os.environ["PW_DAGSTER_DATABASE_URL"] == sibling_url(url.get_secret_value(), "dagster")
