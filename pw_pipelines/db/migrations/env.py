"""Alembic's door: connects to `config.attributes["url"]` and runs what is missing, one starter at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from pw_pipelines.db.tables import Base

ADVISORY_LOCK = 7_269_001  # any number, the same for every process of this project


def include_name(name: str | None, type_: str, parent_names: object) -> bool:
    """Only our schemas: dbt's and Dagster's tables are not Alembic's."""
    return type_ != "schema" or name in {"pw", "core", "registry"}


def run() -> None:
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text("create schema if not exists pw"))
        connection.execute(text("create schema if not exists core"))
        connection.execute(text("create schema if not exists registry"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=include_name,
            version_table_schema="pw",
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
