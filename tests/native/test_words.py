"""Compiled code makes the very keys that `keys.name_keys` makes, whatever a name holds."""

from __future__ import annotations

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


def test_what_learning_raises_is_raised() -> None:
    def learn(word: str) -> tuple[int, str]:
        raise LookupError(word)

    table = bytes(range(128))
    keyer = native.words.Keyer(fold=table, coarse=table, sounds=table, heard_as=(), telltale=bytes(128), asked={"fox"},
                               learn=learn)  # fmt: skip

    with pytest.raises(LookupError, match="fox"):
        keyer.keys(["blue", "fox"])
    assert keyer.keys(["blue"]) == (["blue"], ["blue"], [])


def test_tables_that_do_not_fit_are_refused() -> None:
    table = bytes(128)

    def keyer(**other: object) -> native.words.Keyer:
        told = {"fold": table, "coarse": table, "sounds": table, "heard_as": (), "telltale": table, "asked": set(),
                "learn": lambda word: (0, word)}  # fmt: skip
        return native.words.Keyer(**(told | other))  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="128"):
        keyer(fold=bytes(127))
    with pytest.raises(ValueError, match="1 to 4"):
        keyer(heard_as=(("", "a"),))
    with pytest.raises(ValueError, match="1 to 4"):
        keyer(heard_as=(("x", "kssss"),))
    with pytest.raises(ValueError, match="16 pairs"):
        keyer(heard_as=(("x", "ks"),) * 17)
