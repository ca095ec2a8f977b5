"""Puts what people of the trade maintain where SQL can join it: rules with prices, due dates, sources, segments."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.calendar import due_dates
from pw_pipelines.compliance.rules import Rule, rules
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.sources.contract import contracts


def load_reference(db: Database) -> None:
    """Makes pw.compliance_rules, pw.due_dates, pw.sources, pw.segments and the tables of commerce/reference.py say
    exactly what the files say. Idempotent.

    Raises ConfigError when a rule names a service the catalogue does not have.
    """
    from pw_pipelines.commerce.reference import load_commerce
    from pw_pipelines.leads.segments import load_segments

    load_segments(db)
    load_commerce(db)
    with db.connect(application="pw-reference") as connection:
        _replace(connection, "pw.compliance_rules", ("code",), _rule_rows())
        _replace(connection, "pw.due_dates", ("duty", "year", "nominal_on"), _due_rows())
        _replace(connection, "pw.sources", ("source",), _source_rows())


def _rule_rows() -> list[dict[str, Any]]:
    return [_rule_row(position, rule) for position, rule in enumerate(rules().values(), start=1)]


def _rule_row(position: int, rule: Rule) -> dict[str, Any]:
    services = catalogue()
    if rule.service is not None and rule.service not in services:
        raise ConfigError(
            f"compliance/rules.yaml: {rule.code} names the service {rule.service!r}, which commerce/catalogue.yaml "
            f"does not have; known: {', '.join(services)}."
        )
    return {
        "code": rule.code,
        "kind": rule.kind,
        "title": rule.title,
        "severity": rule.severity,
        "severity_rank": rule.severity_rank,
        "certainty": rule.certainty,
        "scope": rule.scope,
        "citation": rule.citation,
        "explanation": rule.explanation,
        "remedy": rule.remedy,
        "service": rule.service,
        "price_usd": services[rule.service].price_usd if rule.service else None,
        "sources": list(rule.sources),
        "question": rule.question,
        "detection": rule.detection,
        "due_words": rule.due.words,
        "due_duty": rule.due.duty,
        "due_on": rule.due.on,
        "position": position,
        "is_enabled": rule.enabled,
    }


def _due_rows() -> list[dict[str, Any]]:
    return [
        {
            "duty": due.duty,
            "year": due.year,
            "nominal_on": due.nominal_on,
            "due_on_et": due.due_on,
            "late_after_on_et": due.late_after,
        }
        for due in due_dates()
    ]


def _source_rows() -> list[dict[str, Any]]:
    return [
        {
            "source": one.source,
            "title": one.title,
            "absence_sightings": one.absence.sightings if one.absence else None,
            "absence_distinct_bytes": one.absence.distinct_bytes if one.absence else None,
        }
        for one in contracts().values()
    ]


def _replace(
    connection: Connection[dict[str, object]], table: str, key: tuple[str, ...], rows: list[dict[str, Any]]
) -> None:
    """Upserts `rows` and deletes every other row of `table`."""
    if not rows:
        connection.execute(f"delete from {table}")
        return
    columns = list(rows[0])
    kept = ", ".join(f"excluded.{name}" for name in columns)
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    mine = ", ".join(f"{table.split('.')[1]}.{name}" for name in columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into {table} ({', '.join(columns)}) values ({', '.join(f'%({name})s' for name in columns)}) "
            f"on conflict ({', '.join(key)}) do update set {changed} where ({mine}) is distinct from ({kept})",
            rows,
        )
    keep = [tuple(row[name] for name in key) for row in rows]
    found = connection.execute(f"select {', '.join(key)} from {table}").fetchall()
    for row in found:
        if tuple(row[name] for name in key) not in keep:
            condition = " and ".join(f"{name} = %s" for name in key)
            connection.execute(f"delete from {table} where {condition}", tuple(row[name] for name in key))
