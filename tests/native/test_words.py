"""Compiled code makes the very keys that `keys.name_keys` makes, whatever a name holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines import native
from pw_pipelines.registry import keying, keys

pytestmark = pytest.mark.skipif(not native.IS_COMPILED, reason="no C compiler where the project was installed")

# letters that are heard as others, one after the other and over each other
SOUNDS = st.lists(st.sampled_from(["x", "ph", "ck", "ght", "kn", "wr", "ce", "ci", "cy", "h", "a", "s", "e", "y", "7"]),
                  min_size=1, max_size=14).map("".join)  # fmt: skip
NAMES = st.lists(st.one_of(SOUNDS, st.text("aeiouyghklnstx0", min_size=1, max_size=30)), min_size=1, max_size=5)
LONG = st.sampled_from(["x" * 60, "x" * 130, "x" * 1_100, "fox " * 70, "& " * 40, "a" * 1_024, "PHOENIX & " * 102])


def plain(names: list[str]) -> tuple[list[str | None], list[str | None]]:
    return keys.many(names)


@given(st.lists(st.one_of(NAMES.map(" ".join), LONG), min_size=1, max_size=20))
def test_keys_are_the_same_both_ways(names: list[str]) -> None:
    assert keying.many(names) == plain(names)
    assert keying.many(names) == plain(names), "known by now"


def test_words_push_each_other_out_and_keys_stay_right() -> None:
    names = [f"q{number * 2_654_435_761 % 2**32:x}z WALKERS LLC" for number in range(300_000)]

    first = [keying.many(names[at : at + 5_000]) for at in range(0, 300_000, 5_000)]
    again = [keying.many(names[at : at + 5_000]) for at in range(0, 300_000, 5_000)]

    assert first == again
    assert first[::20] == [plain(names[at : at + 5_000]) for at in range(0, 300_000, 100_000)]


def test_what_is_asked_of_words_is_asked_for_those_alone() -> None:
    asked: list[str] = []

    def learn(word: str) -> tuple[int, str]:
        asked.append(word)
        return (1, word) if word == "llc" else (2, word) if word == "co" else (0, word.removesuffix("s"))

    table = bytes(range(128))
    keyer = native.words.Keyer(
        fold=bytes([32] * 32) + table[32:], coarse=table, sounds=table, heard_as=(), telltale=bytes(
            chr(code) == "s" for code in range(128)), asked={"llc", "co"}, learn=learn)  # fmt: skip

    assert keyer.keys(["blue foxs llc", "blue foxs", "llc", "blue co foxs", None, "café", " "]) == (
        ["bluefox", "bluefox", "llc", None, None, None, None],
        ["blue fox", "blue fox", "lc", None, None, None, None],
        [3, 5, 6],
    )
    assert asked == ["foxs", "llc", "co"]


def keyer_of(learn: Callable[[str], tuple[int, str]], **other: Any) -> native.words.Keyer:
    """A keyer whose tables change nothing and that asks about `fox` alone."""
    table = bytes(range(128))
    told = {"fold": table, "coarse": table, "sounds": table, "heard_as": (), "telltale": bytes(128), "asked": {"fox"}}
    return native.words.Keyer(**(told | other), learn=learn)


def test_what_learning_raises_is_raised() -> None:
    def learn(word: str) -> tuple[int, str]:
        raise LookupError(word)

    keyer = keyer_of(learn)

    with pytest.raises(LookupError, match="fox"):
        keyer.keys(["blue", "fox"])
    assert keyer.keys(["blue"]) == (["blue"], ["blue"], [])


def test_a_stem_of_any_length_goes_the_plain_way_where_it_has_no_room() -> None:
    assert keyer_of(lambda word: (0, "bk" * 2_000)).keys(["fox", "blue"]) == ([None, "blue"], [None, "blue"], [0])
    assert keyer_of(lambda word: (0, word)).keys(["bk" * 400]) == ([None], [None], [0])


def test_who_is_asked_may_change_the_list_and_ask_again() -> None:
    names = ["blue", "fox", "red"] * 3

    def learn(word: str) -> tuple[int, str]:
        names.clear()
        return 0, keyer.keys(["green"])[0][0] or ""

    keyer = keyer_of(learn)

    assert keyer.keys(names)[0] == ["blue", "green", "red"] * 3


@pytest.mark.parametrize(
    ("told", "said"),
    [((3, "fox"), "kind 0, 1 or 2"), ((-1, "fox"), "kind"), ((256, "fox"), "kind"), ((0, "é"), "ASCII")],
)
def test_an_answer_that_cannot_be_is_refused(told: tuple[int, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        keyer_of(lambda word: told).keys(["fox"])


def test_tables_that_do_not_fit_are_refused() -> None:
    for wrong, said in (
        ({"fold": bytes(127)}, "128"),
        ({"heard_as": (("", "a"),)}, "1 to 4"),
        ({"heard_as": (("x", "kssss"),)}, "1 to 4"),
        ({"heard_as": (("x", "ks"),) * 17}, "16 pairs"),
    ):
        with pytest.raises(ValueError, match=said):
            keyer_of(lambda word: (0, word), **wrong)
