"""Details of an item that somebody gives: checked, kept among the answers or, when private, in the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.answer_kinds import clean
from pw_pipelines.fulfillment.facts import fact_of, facts, keep_values, known_values
from pw_pipelines.fulfillment.model import STAGES, Connection, FulfillmentError, ItemView, Stage
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.private_data import Vault

AFTER_FILING = ("confirm", "deliver", "book", "done")
# Details a person of the firm settles, beyond those the playbook asks the customer for; see stages/prepare.py.
STAFF_ONLY = frozenset({"years_settled", "file_anyway"})
SUBJECT = frozenset({"frn", "company_name", "state"})  # whom it is about: with them the record is read anew


@dataclass(frozen=True)
class Given:
    """What was kept, by name, and what is still missing."""

    kept: frozenset[str]
    missing: tuple[str, ...]
    goes_on: bool


def missing_of(connection: Connection, vault: Vault, item_id: int) -> tuple[str, ...]:
    """Names of the facts that are neither optional nor known: the playbook's, and what a document or form lacks."""
    item = items.read_item(connection, item_id)
    lacking = item.gate_detail.get("missing", ()) if item.gate == "details" else ()
    known, private = known_values(connection, item_id), vault.names(connection, item_id)
    return tuple(
        name
        for name in dict.fromkeys([*playbook_of(item.service, item.for_state).facts, *lacking])
        if (fact := facts().get(name)) is not None
        and (name in lacking or not fact.optional)
        and not (name in private if fact.private else known.get(name))
    )


def give(
    connection: Connection,
    vault: Vault,
    item_id: int,
    values: Mapping[str, str],
    *,
    source: str,
    by: str,
    now: datetime,
) -> Given:
    """Keeps these values, all or none; opens the gate `details` when nothing is missing any more.

    Once documents are drawn up a customer gives what is missing and changes nothing else: it may be signed already.

    What is changed after documents were drawn up takes the item back to them: a form never says other than what was
    signed with it.

    Raises UsageError for a value that is none, or a name that is not asked for; FulfillmentError when
    the filing was sent already: what was filed is not changed here afterwards.
    """
    item = items.read_item(connection, item_id)
    connection.execute("select 1 from pw.item_work where item_id = %s for update", (item_id,))
    if item.state in ("done", "stopped") or item.stage in AFTER_FILING:
        raise FulfillmentError(f"Item {item_id} is filed or ended; its details are not changed any more.")
    lacking = missing_of(connection, vault, item_id)
    allowed = set(lacking)
    if source == "staff" or item.stage == "prepare":
        allowed |= set(playbook_of(item.service, item.for_state).facts) | (STAFF_ONLY if source == "staff" else set())
    cleaned: dict[str, str] = {}
    for name, value in values.items():
        if name not in allowed:
            raise UsageError(f"{name!r} is not asked for by {item.service}.", field=name)
        cleaned[name] = clean(fact_of(name), value)
    for name, value in cleaned.items():
        if fact_of(name).private:
            vault.put(connection, item_id, name, value, now=now)
    open_ones = {name: value for name, value in cleaned.items() if not fact_of(name).private}
    before = known_values(connection, item_id)
    keep_values(connection, item_id, open_ones, source=source, by=by, now=now)
    changed = {name for name in cleaned if name not in STAFF_ONLY and open_ones.get(name, "") != before.get(name)}
    if changed:
        _take_back(connection, item, "prepare" if changed & SUBJECT else "documents", by=by, now=now)
    missing = missing_of(connection, vault, item_id)
    goes_on = not missing and items.reopen(
        connection,
        item_id,
        gates=["details", *(["duplicate"] if "file_anyway" in cleaned else [])],
        by=by,
        why="The details are complete.",
        now=now,
    )
    return Given(frozenset(cleaned), missing, goes_on)


def _take_back(connection: Connection, item: ItemView, to: Stage, *, by: str, now: datetime) -> None:
    if STAGES.index(item.stage) <= STAGES.index(to):
        return
    connection.execute("update pw.item_work set stage = %s where item_id = %s", (to, item.item_id))
    items.record(
        connection,
        item.item_id,
        now,
        stage=item.stage,
        what="note",
        by=by,
        text=f"Details changed; taken back to {to}.",
    )
