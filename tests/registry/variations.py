"""Names written in other ways: each function changes a name in one feature alone.

A name is a list of slots (lists of words) and a designator. Slots with several ways of writing carry the feature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from pw_pipelines.jurisdictions.features import Feature
from pw_pipelines.jurisdictions.model import NameTest
from pw_pipelines.registry.stems import is_little, stem
from pw_pipelines.registry.words import words

# Words that no list speaks of and no rule of thumb changes but by number, and their plurals.
NOUNS = {
    "fox": "foxes", "berry": "berries", "church": "churches", "glass": "glasses", "house": "houses", "wolf": "wolves",
    "taxi": "taxis", "bus": "buses", "garden": "gardens", "onyx": "onyxes", "river": "rivers", "woman": "women",
    "tulip": "tulips", "knife": "knives", "orchard": "orchards", "virus": "viruses",
    "lantern": "lanterns", "kennel": "kennels", "prize": "prizes",
}  # fmt: skip
DISTINCT = ("zebra", "walnut", "kumquat", "marble", "pyramid", "blue", "amber", "copper", "violet")
SLOTS: dict[Feature, tuple[tuple[str, ...], ...]] = {
    Feature.NUMERALS: (("4", "four", "IV"), ("12", "twelve"), ("20", "Twenty", "XX"), ("3rd", "third")),
    Feature.ABBREVIATIONS: (("international", "intl"), ("brother", "bro"), ("saint", "st"), ("service", "svc")),
    Feature.SPELLING: (("center", "centre"), ("quick", "kwik"), ("night", "nite"), ("harbor", "harbour")),
    Feature.TENSE: (("clean", "cleaned", "cleaning"), ("carry", "carried"), ("plan", "planned", "planning")),
    Feature.CONTRACTION: (("do not", "don't", "dont"), ("is not", "isn’t")),
    Feature.INITIALS: (("ABC", "A B C", "A.B.C.", "A. B. C."), ("OK", "O K", "O.K.")),
    Feature.ACCENTS: (("cafe", "café"), ("jalapeno", "Jalapeño")),
    Feature.AMPERSAND: (("and", "&", "+"),),
}
DESIGNATORS = {
    "llc": (" LLC", ", L.L.C.", ",LLC", ' "LLC"', ' ,"LLC"', " L L C", " L.C.", " Limited Liability Company",
            ", Ltd. Liability Co.", " PLLC", " L3C", " limited company"),
    "corporation": (" Inc", ", Inc.", ",INC", " Corp.", " Corporation", " Incorporated", " P.A.", ", P. C."),
    "partnership": (" LP", ", L.P.", " LLLP", " Limited Partnership"),
    "any": (" Co.", " Company", ", Ltd."),
    "none": ("",),
}  # fmt: skip
INSERTED = {
    Feature.ARTICLES: ("the", "a", "an"),
    Feature.FOREIGN_ARTICLES: ("el", "la", "der", "de"),
    Feature.CONJUNCTIONS: ("and", "or", "plus"),
    Feature.PREPOSITIONS: ("of", "for", "in"),
    Feature.COMPANY_WORDS: ("company", "limited", "liability"),
}
MARKS = '.,-!"#$%()*/:;<=>?@[]^_{|}~'


@dataclass(frozen=True)
class Name:
    """words, each with the gap after it; plain: places of words that may be changed; end: the designator."""

    words: tuple[str, ...]
    plain: tuple[int, ...]
    end: str = " LLC"
    suffix: str = ""

    def text(self) -> str:
        return " ".join(self.words) + self.suffix + self.end

    def with_word(self, at: int, word: str) -> Name:
        return replace(self, words=(*self.words[:at], word, *self.words[at + 1 :]))

    def with_inserted(self, at: int, word: str) -> Name:
        plain = tuple(place + (place >= at) for place in self.plain)
        return replace(self, words=(*self.words[:at], word, *self.words[at:]), plain=plain)


def base(random: Random) -> tuple[Name, dict[int, Feature]]:
    """A name of two to four plain words, sometimes with a word that can be written in several ways."""
    words = [random.choice(DISTINCT), *random.sample(sorted(NOUNS), random.randint(1, 2))]
    random.shuffle(words)
    slots: dict[int, Feature] = {}
    name = Name(tuple(words), tuple(range(len(words))))
    if random.random() < 0.7:
        feature = random.choice(list(SLOTS))
        at = random.randint(1, len(words) - 1)  # between plain words
        name = name.with_inserted(at, random.choice(SLOTS[feature])[0])
        slots[at] = feature
    return name, slots


def slot_changed(random: Random, name: Name, at: int, feature: Feature) -> Name:
    """The word at `at` written in another way."""
    ways = next(ways for ways in SLOTS[feature] if name.words[at] in ways)
    return name.with_word(at, random.choice([way for way in ways if way != name.words[at]]))


def changed(random: Random, name: Name, feature: Feature, rule: NameTest, *, loose: bool = False) -> Name:
    """The name changed in `feature`, within what the rule ignores of it."""
    only = None if loose or feature not in rule.only else rule.only[feature].split()
    at = random.choice(name.plain)
    match feature:
        case Feature.CASE:
            return replace(name, words=tuple(random.choice((str.upper, str.title, str.lower))(w) for w in name.words))
        case Feature.DESIGNATOR:
            return replace(name, end=random.choice(DESIGNATORS[random.choice(only or list(DESIGNATORS))]))
        case Feature.PUNCTUATION:
            kept = rule.parts.get(feature, "")
            mark = random.choice([one for one in only or MARKS if one not in kept])
            cut = random.choice([*cuts(name.words[at]), len(name.words[at])])
            return name.with_word(at, name.words[at][:cut] + mark + name.words[at][cut:])
        case Feature.PLURAL:
            word = name.words[at]
            return name.with_word(at, NOUNS.get(word.lower(), word))
        case Feature.POSSESSIVE:
            return name.with_word(at, name.words[at] + random.choice(("'s", "’s")))
        case Feature.SPACES:
            return _spaced(random, name)
        case Feature.DOTCOM:
            return replace(name, suffix=random.choice((".com", ".net", ".org")))
        case Feature.STATE_WORDS:
            return name.with_inserted(random.choice((0, len(name.words))), random.choice(rule.state_words or ("Ohio",)))
        case Feature.ADDED_NUMBER:
            return name.with_inserted(len(name.words), random.choice(("2", "Two", "III", "12")))
        case Feature.WORD_ORDER:
            return replace(name, words=name.words[::-1])
        case Feature.SOUND:
            return name.with_word(at, sounding_alike(name.words[at]))
        case _:
            chosen = random.choice([one for one in only or INSERTED[feature] if len(one) > 1])  # `a` may be an initial
            return name.with_inserted(random.randint(0, len(name.words)), chosen)


def sounding_alike(word: str) -> str:
    """Another spelling that is heard the same."""
    for written, heard in (("x", "ks"), ("f", "ph"), ("c", "k"), ("l", "ll"), ("r", "rr"), ("s", "ss"), ("n", "nn")):
        if written in word:
            return word.replace(written, heard, 1)
    return word + word[-1]


def cuts(word: str) -> list[int]:
    """Where the word can be cut into two that no list speaks of."""
    small = word.lower()
    if not small.isalpha() or small in words().irregular_plurals:
        return []
    pieces = {at: (small[:at], small[at:]) for at in range(2, len(small) - 1)}
    return [
        at for at, both in pieces.items() if all(stem(one) in {one, one + "e"} and not is_little(one) for one in both)
    ]


def _spaced(random: Random, name: Name) -> Name:
    """Two plain neighbours written together, or a plain word apart."""
    neighbours = [at for at in name.plain if at + 1 in name.plain]
    apart = [at for at in name.plain if cuts(name.words[at])]
    if neighbours and (not apart or random.random() < 0.5):
        at = random.choice(neighbours)
        words = (*name.words[:at], name.words[at] + name.words[at + 1], *name.words[at + 2 :])
        return replace(name, words=words, plain=())
    at = random.choice(apart)
    cut = random.choice(cuts(name.words[at]))
    word = name.words[at][:cut] + " " + name.words[at][cut:]
    return replace(name.with_word(at, word), plain=())
