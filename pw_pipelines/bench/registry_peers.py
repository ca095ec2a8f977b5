"""What the register's loading and searching are measured against: plain COPY, pandas, one look-up by number."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from tempfile import TemporaryFile

from psycopg import sql

from pw_pipelines.bench.measure import seconds
from pw_pipelines.db.connection import Database
from pw_pipelines.registry import partitions, staging
from pw_pipelines.snapshots.books import Connection

_CHUNK = 1 << 20
TAKEN = ("corporation_number", "corporation_name", "status", "filing_type", "city", "file_date",
         "last_transaction_date", "state_country")  # fmt: skip
_BY_NUMBER = b"select * from registry.entities where state = 'FL' and record_id = %s"


def plain_copy(db: Database) -> float:
    """Seconds of copying Florida's rows, as they stand, into a table like theirs and making its unique index.

    Rows are written to a file first: nothing is read, cut, checked or keyed while the clock runs.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, staging.COPIED))
    with TemporaryFile() as finished:
        with db.connect() as connection, connection.cursor() as cursor:
            source = sql.SQL("copy (select {} from registry.entities where state = 'FL') to stdout").format(columns)
            with cursor.copy(source) as copy:
                for data in copy:
                    finished.write(data)
        finished.seek(0)

        def copied() -> None:
            with db.connect() as connection:
                staging.create(connection, "plain", state="FL", snapshot_id="x", what="entities", ranked=False)
                into = sql.SQL("copy registry.plain ({}) from stdin").format(columns)
                with connection.cursor() as cursor, cursor.copy(into) as copy:
                    while data := finished.read(_CHUNK):
                        copy.write(data)
            with db.connect() as connection:
                partitions.index(connection, "plain", "record")

        taken = seconds(copied)
    with db.connect() as connection:
        staging.drop(connection, ["plain"])
    return taken


def read_fwf(db: Database, path: Path, *, whole: bool) -> float | None:
    """Seconds of `pandas.read_fwf` and `to_sql`; None when pandas is not installed.

    whole: all fields of the published layout, as somebody who loads the file writes them; else only the eight that
    the register takes from it.
    """
    if importlib.util.find_spec("pandas") is None:
        return None
    from sqlalchemy import create_engine

    from pw_pipelines.sources.fixed_width import layout

    at = layout("florida_cordata")
    fields = tuple(at.fields) if whole else TAKEN
    pandas = importlib.import_module("pandas")
    engine = create_engine(db.url.replace("postgresql://", "postgresql+psycopg://", 1))

    def read() -> None:
        frame = pandas.read_fwf(
            path, colspecs=[(at[name].start, at[name].stop) for name in fields], names=list(fields), header=None,
            dtype=str, encoding="latin-1",
        )  # fmt: skip
        frame.to_sql("plain_pandas", engine, if_exists="replace", index=False, chunksize=10_000)

    taken = seconds(read)
    engine.dispose()
    return taken


def by_number(connection: Connection, number: str) -> None:
    """One record by its number."""
    connection.execute(_BY_NUMBER, (number,)).fetchall()
