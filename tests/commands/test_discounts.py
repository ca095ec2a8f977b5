"""`pw discounts`: codes are made, shown and ended, and what was made is what an order takes."""

from __future__ import annotations

import getpass
from decimal import Decimal

import pytest

from pw_pipelines.commerce.discounts import count_use, find_discount
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.settings import load_settings
from tests.commands.conftest import Pw

BY = f"pw:{getpass.getuser()}"


def deeds(db: Database) -> list[tuple[str, str, str]]:
    with db.connect() as connection:
        rows = connection.execute(
            "select \"by\", what, detail ->> 'code' as code from pw.staff_actions order by action_id"
        ).fetchall()
    return [(str(row["by"]), str(row["what"]), str(row["code"])) for row in rows]


def test_a_code_is_made_shown_taken_and_ended_each_with_whose_deed_it_was(pw: Pw, db: Database) -> None:
    told = pw("discounts", "add", "spring10", "--percent", "10", "--uses", "2", "--until", "2099-12-31")
    assert told.code == 0, told.err
    assert told.out == "SPRING10: 10 % off service fees, 2 use(s), until 2100-01-01 00:00 New York.\n"
    now = load_settings().clock.now()
    with db.connect() as connection:
        assert find_discount(connection, "Spring10", now=now).amount == Decimal(10)
        count_use(connection, "SPRING10", now=now)
    (row,) = pw("discounts", "list", "--json").json["discounts"]
    assert (row["code"], row["kind"], row["amount"], row["uses"], row["usage_limit"], row["is"], row["created_by"]) == (
        "SPRING10", "percent", "10.00", 1, 2, "taken", BY
    )  # fmt: skip
    assert "SPRING10" in pw("discounts", "list").out
    assert pw("discounts", "end", "spring10", "--json").json["is"] == "ended"
    with db.connect() as connection, pytest.raises(UsageError, match="has expired"):
        find_discount(connection, "SPRING10", now=load_settings().clock.now())
    again = pw("discounts", "end", "spring10")
    assert again.code == 2 and "ended already" in again.err
    assert pw("discounts", "list", "--json").json["discounts"][0]["is"] == "ended"
    assert deeds(db) == [(BY, "discount_added", "SPRING10"), (BY, "discount_ended", "SPRING10")]


def test_a_fixed_one_without_limits_is_made_too(pw: Pw) -> None:
    made = pw("discounts", "add", "GOODWILL", "--fixed", "49.50", "--json").json
    assert (made["kind"], made["amount"], made["usage_limit"], made["expires_at"]) == ("fixed", "49.50", None, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("A",), "either --percent or --fixed"),
        (("A", "--percent", "1", "--fixed", "1"), "either --percent or --fixed"),
        (("A", "--percent", "101"), "can't be"),
        (("A", "--percent", "0"), "can't be"),
        (("A", "--percent", "NaN"), "can't be"),
        (("A", "--fixed", "-5"), "can't be"),
        (("A", "--fixed", "1e30"), "can't be"),
        (("A", "--fixed", "1.005"), "two decimals"),
        (("A", "--fixed", "ten"), "is no amount"),
        (("A", "--percent", "5", "--uses", "0"), "may never be used"),
        (("A", "--percent", "5", "--until", "soon"), "is no day"),
        (("A", "--percent", "5", "--until", "2020-01-01"), "have expired"),
        (("A B", "--percent", "5"), "can't be a code"),
        (("<b>", "--percent", "5"), "can't be a code"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence_and_nothing_is_kept(
    pw: Pw, words: tuple[str, ...], says: str
) -> None:
    told = pw("discounts", "add", *words)
    assert told.code == 2 and says in " ".join(told.err.split()), told.err
    assert pw("discounts", "list", "--json").json == {"discounts": []}


def test_a_code_stands_once_and_one_nobody_made_can_not_end(pw: Pw) -> None:
    assert pw("discounts", "add", "ONCE", "--percent", "5").code == 0
    twice = pw("discounts", "add", "once", "--percent", "6")
    assert twice.code == 2 and "stands already" in twice.err
    assert pw("discounts", "end", "NOBODYS").code == 2
