"""Stage `prepare`: gathers the facts, names what is missing, and looks whether the record shows the filing already."""

from __future__ import annotations

from datetime import date

from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.calendar import next_due
from pw_pipelines.fulfillment import gathering, private_data
from pw_pipelines.fulfillment.already import shown_already
from pw_pipelines.fulfillment.facts import fact_of, facts, keep_values, known_values
from pw_pipelines.fulfillment.model import Connection, Gate
from pw_pipelines.fulfillment.work import Work


def run(work: Work) -> str:
    """Raises Gate: `details` with the names of what is missing, `duplicate` when the record shows the filing, `held`
    for an item ordered more than once, until a person says for which year it is filed."""
    if work.playbook.procedure == "free":
        return "Nothing is to be done for it."
    with work.connect() as connection:
        values = _gather(work, connection)
        due = _due_on(work)
        connection.execute("update pw.item_work set due_on = %s where item_id = %s", (due, work.item.item_id))
        missing = _missing(work, connection, values)
        shown = shown_already(connection, work.item, values)
    if work.item.quantity > 1 and "years_settled" not in values:
        raise Gate(
            "held",
            f"Ordered {work.item.quantity} times: a person settles which years or quarters, states `years_settled`, "
            "and places the others as orders of their own.",
        )
    if missing:
        raise Gate("details", f"{len(missing)} details are missing.", detail={"missing": missing})
    if shown is not None and values.get("file_anyway") != "yes":
        raise Gate("duplicate", f"{shown} State `file_anyway` to file all the same.", detail={"shown": shown})
    return f"{len(work.playbook.facts)} facts are known."


def _gather(work: Work, connection: Connection) -> dict[str, str]:
    """Everything known; what the order, the firm and the record say is kept where nobody said otherwise."""
    item, now = work.item, work.now()
    today = work.ground.clock.today()
    rows = connection.execute("select name, source from pw.item_answers where item_id = %s", (item.item_id,)).fetchall()
    stated = {row["name"] for row in rows if row["source"] in ("customer", "staff")}
    wanted = set(work.playbook.facts) | {"order_number", "firm_name", "firm_address", "today", "year", "rmd_number"}
    sources = {
        "order": gathering.from_order(item),
        "firm": gathering.from_firm(item, work.settings, today),
        "record": {
            name: value
            for name, value in gathering.from_record(connection, item.frn).items()
            if name not in work.playbook.ask_anew
        },
        "default": {name: fact.default for name, fact in facts().items() if fact.default is not None},
    }
    known = known_values(connection, item.item_id)
    found: set[str] = set(stated)
    for source, said in sources.items():
        fresh = {
            name: value for name, value in said.items()
            if name in wanted and name not in found and not fact_of(name).private
            # the day of the first try stays: what was drawn up must not change by itself overnight
            and not (name in known and name in ("today", "year", "prior_year", "quarter", "vintage"))
        }  # fmt: skip
        found |= said.keys()
        changed = {name: value for name, value in fresh.items() if known.get(name) != value}
        if changed:
            keep_values(connection, item.item_id, changed, source=source, by="prepare", now=now)
    return known_values(connection, item.item_id)


def _missing(work: Work, connection: Connection, values: dict[str, str]) -> list[str]:
    vault: private_data.Vault = work.ground.vault
    missing = []
    for name in work.playbook.facts:
        fact = fact_of(name)
        if fact.optional:
            continue
        is_known = vault.has(connection, work.item.item_id, name) if fact.private else bool(values.get(name))
        if not is_known:
            missing.append(name)
    return missing


def _due_on(work: Work) -> date | None:
    """The next day on which this filing is due; what is late already has none that could be met."""
    renewal = catalogue()[work.item.service].renewal
    if renewal is None or renewal.duty is None:
        return None
    return next_due(renewal.duty, work.ground.clock.today()).due_on
