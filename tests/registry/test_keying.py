"""The quick way makes the very keys that the plain way makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.registry import keying, keys
from pw_pipelines.registry.words import words

WORDS = st.sampled_from(
    sorted(
        {part for phrase in words().designators for part in phrase.split()}
        | words().little | words().dotcom | set(words().numbers) | set(words().abbreviations)
        | {"www", "a", "b", "l", "c", "x1", "&", "+", "l.l.c.", "o'brien", "blue", "foxes", "housing", "-", "café", "ß"}
    )
)  # fmt: skip
NAMES = st.one_of(
    st.lists(WORDS, max_size=6).map(" ".join),
    st.lists(WORDS, max_size=6).map(",".join),
    st.text(max_size=30),
    st.none(),
    st.sampled_from(["A\nB LLC", "TAB\tLLC", "NUL\x00 LLC", "C\rD", "\x85 LLC", "LLC", "The", "ABC LLC", "A B C LLC"]),
)


@given(st.lists(NAMES, min_size=1, max_size=20))
def test_a_block_of_names_has_the_keys_of_each_name(names: list[str | None]) -> None:
    assert keying.many(names) == keys.many(names)
