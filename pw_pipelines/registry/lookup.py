"""The keys under which a name that differs from another in spaces alone may stand; one key cannot follow them."""

from __future__ import annotations

from collections.abc import Iterable

from pw_pipelines.registry.keys import (
    BOOK,
    body,
    body_of,
    coarse,
    initials_closed_up,
    key_of,
    plain_words,
    stems_of,
    without_designator,
)

MOST_LOOKUPS = 120
_LONGEST_IN_THIRDS = 24


def lookup_keys(name: str) -> tuple[str, ...]:
    """The keys under which a name that differs in spaces may stand, its own first: words written together or apart.

    Covers any of the words written together, one word written as two, the whole written together and then as two or
    three words, and the name's end written together with its designator (FOXLLC; FOX.COM as FOXCOM). No more than
    MOST_LOOKUPS, the likelier first.
    """
    parts = body(name)
    if not parts:
        return ()
    found: dict[str, None] = {key_of(parts): None}
    seen: set[str] = set()  # stems written together: most ways give the same
    whole = plain_words(name)
    for ways in (_with_end(whole), _together(parts), _apart(parts), _apart(["".join(parts)])):
        for way in ways:
            read = [initials_closed_up(way) if min(map(len, way)) == 1 else way]
            if BOOK[way[-1]][1] or way[0] == "www":
                read.append(body_of(way))
            for one in read:
                if (joined := stems_of(one)) not in seen:
                    seen.add(joined)
                    found.setdefault(coarse(joined))
            if len(found) >= MOST_LOOKUPS:
                return tuple(found)
    for joined in _thirds("".join(parts)):
        if joined not in seen:
            seen.add(joined)
            found.setdefault(coarse(joined))
            if len(found) >= MOST_LOOKUPS:
                break
    return tuple(found)


def _with_end(whole: list[str]) -> Iterable[list[str]]:
    """The last word before the designators and internet endings written together with them, one by one."""
    end = len(without_designator(whole))
    for upto in range(end + 1, len(whole) + 1):
        yield [*whole[: end - 1], "".join(whole[end - 1 : upto]), *whole[upto:]]
    if len(whole) > 1 and whole[0] == "www":
        yield [whole[0] + whole[1], *whole[2:end]]


def _together(parts: list[str]) -> Iterable[list[str]]:
    """Every way to write neighbours together; of long names only one pair, and all."""
    yield ["".join(parts)]
    borders = len(parts) - 1
    choices = range(1, 2**borders) if borders <= 6 else [1 << at for at in range(borders)]
    for choice in choices:
        way = [parts[0]]
        for at, part in enumerate(parts[1:]):
            if choice >> at & 1:
                way[-1] += part
            else:
                way.append(part)
        yield way


def _apart(parts: list[str]) -> Iterable[list[str]]:
    """One word written as two."""
    for at, part in enumerate(parts):
        for cut in range(1, len(part)):
            yield [*parts[:at], part[:cut], part[cut:], *parts[at + 1 :]]


def _thirds(word: str) -> Iterable[str]:
    """One long word written as three, as the stems of the three together, each made from what is known of its pieces;
    there are hundreds."""
    length = len(word)
    if length > _LONGEST_IN_THIRDS:
        return
    ends = [BOOK[word[second:]] for second in range(2, length)]
    for first in range(1, length - 1):
        start = word[:first]
        begun = BOOK[start][0]
        for second in range(first + 1, length):
            middle = word[first:second]
            end, ends_a_name = ends[second - 2]
            if (second == first + 1 and (first == 1 or second == length - 1)) or start == "www" or ends_a_name:
                # Single letters side by side are initials, and an end may be a designator: read as a name is.
                way = initials_closed_up([start, middle, word[second:]])
                yield stems_of(way)
                yield stems_of(body_of(way))
            else:
                yield begun + BOOK[middle][0] + end or word
