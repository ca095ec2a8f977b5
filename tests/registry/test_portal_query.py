"""What is typed into a portal's search, so that no name a state may hold to be the same stays unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.errors import UsageError
from pw_pipelines.registry.portal_query import plan, variants

PLAIN = (
    "fox", "wolf", "city", "box", "knife", "glass", "blackbird", "logistic", "larch", "season", "bluefox",
    "ranch", "cartage", "obrien", "mary", "movie", "holding", "service", "heartland", "quarry", "ibm",
)  # fmt: skip


def shown(question: str, name: str) -> bool:
    """Whether a portal that looks for these very letters shows the name."""
    return question.casefold() in name.casefold()


def plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("f", "fe")):
        return word.removesuffix("e").removesuffix("f") + "ves"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def possessive(word: str) -> str:
    return f"{word}'s"


@given(
    asked=st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4, unique=True),
    changes=st.lists(st.sampled_from((str, plural, possessive)), min_size=4, max_size=4),
    article=st.sampled_from(("", "The ", "A ")),
    joined=st.sampled_from((" ", " & ", " and ", "-")),
    end=st.sampled_from((" LLC", ", Inc.", " Corporation", "")),
)
def test_plurals_possessives_articles_and_designators_do_not_hide_a_name(
    asked: list[str], changes: list[type], article: str, joined: str, end: str
) -> None:
    registered = article + joined.join(change(word) for change, word in zip(changes, asked, strict=False)) + end
    for one, other in ((" ".join(asked), registered), (registered, " ".join(asked))):
        assert any(shown(question, other) for question in plan(one).questions), (one, other, plan(one))


@given(
    word=st.sampled_from([word for word in PLAIN if len(word) >= 6 and variants(word) == {word}]),
    at=st.integers(3, 20),
    between=st.sampled_from((" ", "-", ".", "'")),
    more=st.sampled_from(("", " heron", " Rentals")),
)
def test_a_word_written_apart_is_shown_by_the_further_questions(word: str, at: int, between: str, more: str) -> None:
    at = min(at, len(word) - 2)
    apart = word[:at] + between + word[at:] + more

    assert any(shown(question, apart) for question in plan(f"{word}{more} LLC").questions), plan(f"{word}{more} LLC")


@pytest.mark.parametrize("registered", ["I.B.M. Ltd", "IBM LLC", "I B M, Inc."])
def test_initials_are_asked_for_closed_with_stops_and_apart(registered: str) -> None:
    assert any(shown(question, registered) for question in plan("IBM LLC").questions)


@pytest.mark.parametrize("registered", ["Seven LLC", "7 Inc.", "VII L.L.C."])
def test_a_number_is_asked_for_in_words_digits_and_roman(registered: str) -> None:
    assert any(shown(question, registered) for question in plan("Seven, LLC").questions)


def test_the_telling_word_is_asked_for_and_not_the_common_one() -> None:
    assert plan("Heron Property Management Holdings LLC").questions[0] == "HERON"


def test_a_name_that_cannot_be_asked_for_in_all_its_forms_says_so() -> None:
    assert "written in more ways" in (plan("Caves LLC").unseen or "")
    assert "no word that tells it" in (plan("The Company LLC").unseen or "")


def test_a_search_by_beginnings_asks_behind_articles_too_and_never_proves_absence() -> None:
    asked = plan("The Blue Foxes LLC", "starts_with")

    assert asked.questions == ("BLUE", "THE BLUE", "A BLUE")
    assert "by their beginning only" in (asked.unseen or "")


def test_a_name_without_a_letter_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="no letter or digit"):
        plan("-- !")
