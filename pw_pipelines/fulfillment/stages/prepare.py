"""Stage `prepare`: gathers the facts, names what is missing, and looks whether the record shows the filing already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pw_pipelines.compliance.calendar import Duty, due_on
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
        due = _due_on(work, values)
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
        raise Gate(
            "duplicate",
            f"{shown} A person decides: file it all the same, or stop it and settle it with the customer.",
            detail={"shown": shown},
        )
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


def _due_on(work: Work, values: dict[str, str]) -> date | None:
    """The day on which this very filing is, or was, due: that of its year, quarter or vintage; None where there is
    none on record."""
    look = _DUE.get(work.item.service)
    return look(values) if look else None


def _of_year(duty: Duty) -> Callable[[dict[str, str]], date | None]:
    return lambda values: next(iter(due_on(duty, int(values["year"]))), None)


def _of_quarter(values: dict[str, str]) -> date:
    year, quarter = int(values["quarter"][:4]), int(values["quarter"][-1])
    return due_on("form499q", year)[quarter] if quarter < 4 else due_on("form499q", year + 1)[0]


def _of_vintage(values: dict[str, str]) -> date:
    as_of = date.fromisoformat(values["vintage"])
    return due_on("bdc", as_of.year)[1] if as_of.month == 6 else due_on("bdc", as_of.year + 1)[0]


# Services with a due date on record, and how it follows from what is filed.
_DUE: dict[str, Callable[[dict[str, str]], date | None]] = {
    "rmd_recertification": _of_year("rmd_recertification"),
    "cpni_certification": _of_year("cpni"),
    "form_499a": _of_year("form499a"),
    "form_499q": _of_quarter,
    **dict.fromkeys(("bdc_voice", "bdc_broadband", "bdc_both"), _of_vintage),
}
