"""Connecting, creating and migrating the warehouse."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from alembic import command
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from pw_pipelines.db.connection import (
    Database,
    _alembic,
    create_databases,
    migrate,
    pending_revisions,
    sibling_url,
)
from pw_pipelines.db.embedded import Server
from pw_pipelines.errors import ConfigError


def test_a_role_that_may_not_create_databases_is_told_the_sql(postgres: Server) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("drop role if exists humble")
        connection.execute(sql.SQL("create role humble login password {}").format(sql.Literal("p@ss/w:rd?")))
    url = f"postgresql://humble:p%40ss%2Fw%3Ard%3F@{postgres.host}:{postgres.port}/postgres"
    with pytest.raises(ConfigError, match='create database "not_there" owner "humble";'):
        create_databases(url, ("not_there",))


def test_a_sibling_url_keeps_an_awkward_password(postgres: Server) -> None:
    with psycopg.connect(sibling_url(postgres.url("postgres"), "template1")) as connection:
        assert connection.info.dbname == "template1"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u%20ser:p%40ss%20w%2F%3A%3F%23%5B%5D@db.example:6432/pw?sslmode=require",
        "postgresql://user@/pw?host=%2Frun%2Fpostgresql",
        "postgresql://user:pw@[2001:db8::1]:5432/pw",
    ],
)
def test_a_sibling_url_says_the_same_but_the_database(url: str) -> None:
    before, after = conninfo_to_dict(url), conninfo_to_dict(sibling_url(url, "dagster"))
    assert after == {**before, "dbname": "dagster"}
    made = make_url(sibling_url(url, "dagster"))
    assert (made.username, made.password or None) == (before["user"], before.get("password"))


def test_creating_databases_twice_is_harmless(postgres: Server) -> None:
    create_databases(postgres.url("postgres"), ("made_twice",))
    create_databases(postgres.url("postgres"), ("made_twice",))


def test_a_migrated_warehouse_has_nothing_pending_and_an_empty_one_everything(
    db: Database, clone_database: Callable[[str], str]
) -> None:
    assert pending_revisions(db.url) == []
    assert pending_revisions(clone_database("template0"))[0] == "0001"


def test_a_warehouse_of_a_newer_version_is_refused_in_words(db: Database) -> None:
    with db.connect() as connection:
        connection.execute("update pw.alembic_version set version_num = '9999'")
    with pytest.raises(ConfigError, match="newer version"):
        migrate(db.url)


def test_every_migration_can_be_taken_back_and_made_again(clone_database: Callable[[str], str]) -> None:
    url = clone_database("template0")

    def shape() -> list[tuple[object, ...]]:
        with psycopg.connect(url) as connection:
            return connection.execute(
                """select 'table', table_schema || '.' || table_name, column_name, data_type
                   from information_schema.columns where table_schema in ('pw', 'registry')
                   union all select 'trigger', event_object_table, trigger_name, action_statement
                   from information_schema.triggers
                   union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
                   from pg_constraint where connamespace = 'pw'::regnamespace order by 1, 2, 3, 4"""
            ).fetchall()

    migrate(url)
    made = shape()
    command.downgrade(_alembic(url), "0001")
    assert len(shape()) < len(made) / 2
    migrate(url)
    assert shape() == made


def test_an_error_inside_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.connect() as connection:
        connection.execute("create table public.halfway (a int)")
        _ = 1 / 0
    with db.connect() as connection:
        assert connection.execute("select to_regclass('public.halfway') as name").fetchone() == {"name": None}
