"""`pw agents`: an agent is kept, their code stands and ends, and their account is named."""

from __future__ import annotations

import getpass

import pytest

from pw_pipelines.commerce.agents import find_referral
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from tests.commands.conftest import Pw

BY = f"pw:{getpass.getuser()}"


def test_an_agent_is_kept_and_their_code_stands_until_it_ends_and_again_when_it_resumes(pw: Pw, db: Database) -> None:
    made = pw("agents", "add", "Ann@Example.com", "--name", "Ann Example", "--json").json
    code = made["code"]
    assert made == {
        "code": code, "name": "Ann Example", "email": "ann@example.com", "is_active": True, "payout_reference": None
    }  # fmt: skip
    with db.connect() as connection:
        assert find_referral(connection, code).code == code
    assert pw("agents", "end", code).code == 0
    with db.connect() as connection, pytest.raises(UsageError, match="no longer stands"):
        find_referral(connection, code)
    again = pw("agents", "end", "ann@example.com")
    assert again.code == 2 and "has ended already" in again.err
    assert pw("agents", "resume", "ANN@example.com", "--json").json["is_active"] is True
    with db.connect() as connection:
        assert find_referral(connection, code).code == code
        rows = connection.execute('select "by", what, detail::text as detail from pw.staff_actions order by action_id')
        found = rows.fetchall()
    assert [(row["by"], row["what"]) for row in found] == [
        (BY, "agent_added"), (BY, "agent_ended"), (BY, "agent_resumed")
    ]  # fmt: skip
    assert all(code in str(row["detail"]) and "Ann" not in str(row["detail"]) for row in found)


def test_the_account_of_an_agent_is_named_by_code_or_address_and_taken_away_again(pw: Pw) -> None:
    code = pw("agents", "add", "bo@example.com", "--name", "Bo", "--json").json["code"]
    told = pw("agents", "set-payout", "bo@example.com", "bo-checking")
    assert told.code == 0 and "go to the account bo-checking" in told.out
    (row,) = pw("agents", "list", "--json").json["agents"]
    assert (row["code"], row["payout_reference"], row["commissions_usd"]["pending"]) == (code, "bo-checking", "0.00")
    assert code in pw("agents", "list").out
    assert pw("agents", "set-payout", code, "--none", "--json").json["payout_reference"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "bo@example.com", "--name", "Other"), "an agent already"),
        (("add", "nobody", "--name", "X"), "no mail address"),
        (("add", "x@example.com", "--name", " "), "name"),
        (("set-payout", "REF-XXXXX", "a"), "no agent"),
        (("set-payout", "bo@example.com"), "either a reference or --none"),
        (("set-payout", "bo@example.com", "021000021 123456789"), "bank data"),
        (("set-payout", "bo@example.com", " "), "payout reference"),
        (("end", "nobody@example.com"), "no agent"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence_and_nothing_changes(
    pw: Pw, words: tuple[str, ...], says: str
) -> None:
    pw("agents", "add", "bo@example.com", "--name", "Bo", "--payout", "bo-checking")
    before = pw("agents", "list", "--json").json
    told = pw("agents", *words)
    assert told.code == 2 and says in " ".join(told.err.split()), told.err
    assert pw("agents", "list", "--json").json == before
