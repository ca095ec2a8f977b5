"""Keys of names, word by word."""

from collections.abc import Callable, Container, Sequence

class Keyer:
    """What is known of words, by tables that say something of each of ASCII's 128 characters:

    fold        of a name's: what it becomes, itself or another; 1 for ` and `, 0 for nothing
    coarse      of a key's behind its first, once the stems are joined: what it becomes; 0 for nothing
    sounds      of a stem's: what it is heard as; 1 for a vowel, which is heard at the beginning only, 0 for nothing
    heard_as    before that, in this order: what is written, and what it is heard as
    telltale    of a word's last: whether the word may be more than itself
    asked       words that may, whatever they end with
    learn(word) such a word's kind and stem, in ASCII. Kinds: 0, it gives its stem wherever it stands; 1, at the end of
                a name of several words it gives nothing, elsewhere the words beside it must be looked at; 2, they must
                wherever it stands. 1 and 2 alone are a name like any other word. Any word not asked for is 0, and its
                own stem. A word that was not met for long is asked for again.
    """

    def __init__(
        self,
        *,
        fold: bytes,
        coarse: bytes,
        sounds: bytes,
        heard_as: Sequence[tuple[str, str]],
        telltale: bytes,
        asked: Container[str],
        learn: Callable[[str], tuple[int, str]],
    ) -> None: ...
    def keys(self, names: list[str] | list[str | None]) -> tuple[list[str | None], list[str | None], list[int]]:
        """Keys and near keys; and the places of names that must be looked at whole, which have none here."""
