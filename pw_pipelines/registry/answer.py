"""The question every door asks: may this name be had in these states? By file where we hold it, else by portal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from pw_pipelines.db.connection import Database
from pw_pipelines.jurisdictions.book import book, jurisdiction
from pw_pipelines.registry import near, search
from pw_pipelines.registry.equivalence import lookup_keys
from pw_pipelines.registry.model import EntityForm, NameVerdict
from pw_pipelines.registry.portal_road import PortalOutcome
from pw_pipelines.registry.verdict import check_name, judge

AskPortal = Callable[[str, str], PortalOutcome | None]
"""What one state's own portal says of a name: (code, name) -> outcome; None: it is left alone, nothing is known."""


def answer(
    db: Database, code: str, name: str, *, today: date, form: EntityForm = "llc", ask_portal: AskPortal | None = None
) -> NameVerdict:
    """The verdict on one name in one state, as of `today` (America/New_York).

    Raises UsageError for an unknown state and for a name that is none. A state whose register we do not hold is
    asked by its portal when `ask_portal` is there; otherwise a person must look.
    """
    where = jurisdiction(code)
    if where.data_source.sources:
        return search.search(db, where.code, name, today=today, form=form)
    check_name(name)  # before a portal is troubled
    outcome = ask_portal(where.code, name) if ask_portal else None
    if outcome is None:
        return judge(where, name, (), (), None, form=form)
    asked_keys = set(lookup_keys(where.name_test, name))
    same = [record for record in outcome.records if record.name_key in asked_keys]
    others = [record for record in outcome.records if record.name_key not in asked_keys]
    return judge(where, name, same, near.rank(name, others), outcome.coverage(), form=form)


def answers(
    db: Database,
    codes: Iterable[str],
    name: str,
    *,
    today: date,
    form: EntityForm = "llc",
    ask_portal: AskPortal | None = None,
) -> list[NameVerdict]:
    """As `answer` for several states."""
    return [answer(db, code, name, today=today, form=form, ask_portal=ask_portal) for code in states_of(codes)]


def states_of(asked: Iterable[str]) -> list[str]:
    """Codes of jurisdictions, each once, in the order asked; `all` stands for all 52. UsageError for another."""
    words = [word for one in asked if (word := one.strip())]
    return list(
        dict.fromkeys(
            code for word in words for code in (book() if word.lower() == "all" else [jurisdiction(word).code])
        )
    )
