"""What analysts see of a table before they query it: its columns, and ten rows without anybody's contact data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import dagster as dg
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pw_pipelines.errors import ConfigError

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, object]]

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 12  # more do not fit Dagster's dialog
_CELL_CHARACTERS = 60
# Columns of the marts that name a person or reach one, and free evidence that may quote such columns.
_PERSONAL = re.compile(r"^(contact_|email$|evidence$)|_(email|phone|fax|address)$")


APPLICATION = "pw assets"  # name of the connections that describe tables


class TableColumns(BaseModel):
    """One table of columns.yaml: column -> (type, description), and which of them are personal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    personal: tuple[str, ...]
    columns: dict[str, tuple[str, str]]

    def schema_metadata(self) -> dg.TableSchema:
        """As Dagster shows it."""
        return dg.TableSchema(
            columns=[dg.TableColumn(name, kind, description) for name, (kind, description) in self.columns.items()]
        )


@lru_cache(maxsize=1)
def core_tables() -> Mapping[str, TableColumns]:
    """columns.yaml. Raises ConfigError naming the table that is malformed."""
    text = (resources.files("pw_pipelines.assets") / "columns.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as quick where libyaml is there
    try:
        tables = {name: TableColumns.model_validate(table) for name, table in yaml.load(text, loader).items()}  # noqa: S506  # both are safe loaders
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"assets/columns.yaml is not valid: {error}") from error
    for name, table in tables.items():
        unknown = set(table.personal) - set(table.columns)
        if unknown:
            raise ConfigError(f"assets/columns.yaml, {name}: personal names {sorted(unknown)}, which are no columns.")
    return tables


@dataclass(frozen=True)
class Preview:
    """Which rows of which table, and which columns."""

    schema: str
    table: str
    columns: tuple[str, ...]
    snapshot_id: str | None = None


def core_preview(table: str, snapshot_id: str | None = None) -> Preview:
    """Preview of a core table: every column that is neither personal nor the snapshot's id, keys left out."""
    known = core_tables()[table]
    shown = [
        name
        for name in known.columns
        if name not in known.personal and name != "snapshot_id" and not name.endswith(("_key", "_keys"))
    ]
    return Preview("core", table, tuple(shown[:PREVIEW_COLUMNS]), snapshot_id)


def is_personal(column: str) -> bool:
    """Whether a column of the marts names a person, reaches one, or may quote what does."""
    return _PERSONAL.search(column) is not None


def preview(connection: Connection, wanted: Preview) -> dg.MarkdownMetadataValue:
    """The first rows as a Markdown table. Columns must come from our own data files, never from outside."""
    from psycopg import sql

    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in wanted.columns),
        sql.Identifier(wanted.schema, wanted.table),
    )
    if wanted.snapshot_id is not None:
        query += sql.SQL(" where snapshot_id = {}").format(sql.Literal(wanted.snapshot_id))
    query += sql.SQL(" limit {}").format(sql.Literal(PREVIEW_ROWS))
    rows = connection.execute(query).fetchall()
    return dg.MetadataValue.md(markdown_table(wanted.columns, [[row[name] for name in wanted.columns] for row in rows]))


def count(connection: Connection, schema: str, table: str, *, snapshot_id: str | None = None) -> int:
    """Rows of a table, or of one snapshot in it."""
    from psycopg import sql

    query = sql.SQL("select count(*) as n from {}").format(sql.Identifier(schema, table))
    if snapshot_id is not None:
        query += sql.SQL(" where snapshot_id = {}").format(sql.Literal(snapshot_id))
    row = connection.execute(query).fetchone()
    return int(str(row["n"])) if row else 0


def table_of(connection: Connection, header: Sequence[str], query: str) -> dg.MarkdownMetadataValue:
    """What a query of our own finds, as a Markdown table of the columns `header`."""
    rows = connection.execute(query.encode()).fetchall()
    return dg.MetadataValue.md(markdown_table(header, [[row[name] for name in header] for row in rows]))


def number_of(connection: Connection, query: str) -> int:
    """The number `n` that a query of our own counts."""
    row = connection.execute(query.encode()).fetchone()
    return int(str(row["n"])) if row else 0


def columns_of(connection: Connection, schema: str, table: str) -> list[tuple[str, str]]:
    """Names and types of a table's columns as they are, in order."""
    rows = connection.execute(
        """select attname, format_type(atttypid, atttypmod) as type from pg_attribute
           where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum""",
        (f"{schema}.{table}",),
    ).fetchall()
    return [(str(row["attname"]), str(row["type"])) for row in rows]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; long cells are cut, characters that would break it are replaced."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    text = " ".join(text.split()).replace("|", "¦").replace("<", "‹")
    return text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"
