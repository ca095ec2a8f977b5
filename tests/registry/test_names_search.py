"""`pw names search`: one answer in full, many in a line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.registry.florida import Company, write
from tests.registry.test_names_load import Pw, answered, pw

__all__ = ["pw"]


def test_one_state_is_told_in_full_and_in_words(pw: Pw, tmp_path: Path) -> None:
    pw("names", "load", "FL", write(tmp_path / "20261120c.txt", [Company("L26000435750", "BLUE FOX LLC")]))

    code, out, _ = pw("names", "search", "Blue Fox, Inc.", "--state", "FL", "--no-portal")

    assert code == 0
    assert "BLUE FOX LLC (L26000435750) has the name: it is a registered entity, active." in out
    assert "The name ends in “Inc.”, the ending of a corporation; it was asked for an LLC." in out
    assert "in the way  L26000435750  BLUE FOX LLC  (active)  compared as blue fox" in out
    assert "unconfirmed Not confirmed whether Florida ignores" in out
    assert "asked loose" not in out


def test_many_states_are_told_in_a_line_each_unless_details_are_asked_for(pw: Pw) -> None:
    code, out, _ = pw("names", "search", "Blue Fox LLC", "--state", "all", "--no-portal")
    lines = out.splitlines()

    assert (code, len(lines)) == (0, 53)
    assert [line[:2] for line in lines[:3]] == ["AK", "AL", "AR"]
    assert all("a person must look" in line for line in lines[:52])
    assert "--details" in lines[-1]
    code, out, _ = pw("names", "search", "Blue Fox LLC", "--state", "FL,CO,NY,WY,NJ", "--no-portal", "--details")
    assert code == 0
    assert out.count("\nrule ") == 5
    assert "--details" not in out
    code, out, _ = pw("names", "search", "Blue Fox LLC", "--state", "FL,CO,NY,WY", "--no-portal")
    assert out.count("\nrule ") == 4


@pytest.mark.parametrize("state", ["", ",", " , "])
def test_a_state_that_is_none_is_refused_and_not_answered_with_nothing(pw: Pw, state: str) -> None:
    code, out, err = pw("names", "search", "Blue Fox LLC", "--state", state)

    assert (code, out) == (2, "")
    assert "names no state. Give two letters" in " ".join(err.split())


def test_a_remedy_is_told_once(pw: Pw) -> None:
    code, _, err = pw("names", "search", "LLC", "--state", "FL")

    assert code == 2
    assert " ".join(err.split()) == "error 'LLC' only says a legal form. Put a name before it."


def test_a_remedy_that_the_message_lacks_is_added(pw: Pw) -> None:
    code, _, err = pw("names", "search", "Blue Fox LLC", "--state", "XX")

    assert code == 2
    assert " ".join(err.split()).endswith("Give two letters: a state, DC or BC.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("LLC", "--state", "FL"), "'LLC' only says a legal form. Put a name before it."),
        (("Blue Fox LLC", "--state", "XX"), "'XX' is no jurisdiction"),
        (("Blue Fox LLC", "--state", ""), "names no state"),
        (("Blue Fox LLC", "--state", "FL", "--form", "club"), "--form 'club' is not one of: llc, corporation."),
        (("Fox \udcff LLC", "--state", "FL"), "is no text"),
    ],
)
def test_a_refused_question_is_one_json_object_with_its_reason(pw: Pw, words: tuple[str, ...], said: str) -> None:
    code, out, _ = pw("names", "search", *words, "--json")

    answer = answered(out)
    assert (code, answer["states"]) == (2, [words[2]])
    assert said in answer["error"]
