"""The facts that documents and filings need: their names and questions (`facts.yaml`), and an item's values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pw_pipelines.errors import UsageError
from pw_pipelines.yaml_data import Strict, read_entries

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.model import Connection

FILE = "facts.yaml"
Kind = Literal["text", "multiline", "date", "yes_no", "choice", "number", "money", "email", "phone", "ssn", "state"]


class Fact(Strict):
    """One fact; see the head of facts.yaml for the fields."""

    name: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    ask: str
    kind: Kind
    source: Literal["order", "record", "firm", "customer"] = Field(default="customer", alias="from")
    private: bool = False
    optional: bool = False
    default: str | None = None
    choices: dict[str, str] = Field(default_factory=dict)


@lru_cache(maxsize=1)
def facts() -> dict[str, Fact]:
    """Every fact by its name. Raises ConfigError naming the fact and the field that is wrong."""
    text = (resources.files("pw_pipelines.fulfillment") / FILE).read_text(encoding="utf-8")
    return read_entries(text, Fact, file=f"fulfillment/{FILE}", key="name", what="facts")


def fact_of(name: str) -> Fact:
    """Raises UsageError for a name that facts.yaml does not have."""
    try:
        return facts()[name]
    except KeyError:
        raise UsageError(f"{name!r} is no fact of fulfillment/{FILE}.") from None


def known_values(connection: Connection, item_id: int) -> dict[str, str]:
    """What is known of an item's facts that are not private, by name. Private ones are the vault's."""
    rows = connection.execute("select name, value from pw.item_answers where item_id = %s", (item_id,)).fetchall()
    return {row["name"]: row["value"] for row in rows}


def keep_values(
    connection: Connection, item_id: int, values: Mapping[str, str], *, source: str, by: str, now: datetime
) -> None:
    """Keeps values of facts that are not private; a later one replaces an earlier one.

    Raises UsageError for a private one, which belongs in the vault, and for an unknown name.
    """
    for name, value in values.items():
        if fact_of(name).private:
            raise UsageError(f"{name} is private: it is kept encrypted, not among the answers.", field=name)
        connection.execute(
            """insert into pw.item_answers (item_id, name, value, source, given_at, given_by)
               values (%s, %s, %s, %s, %s, %s)
               on conflict (item_id, name) do update set value = excluded.value, source = excluded.source,
                 given_at = excluded.given_at, given_by = excluded.given_by""",
            (item_id, name, value, source, now, by),
        )
