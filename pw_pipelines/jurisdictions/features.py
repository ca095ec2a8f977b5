"""What two names may differ in. A state's test ignores some of it, honours some, and of the rest nobody has read."""

from __future__ import annotations

from enum import StrEnum


class Feature(StrEnum):
    """A kind of difference between two names; `about` says which."""

    about: str

    def __new__(cls, value: str, about: str) -> Feature:
        member = str.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    CASE = "case", "capitals against small letters"
    ACCENTS = "accents", "letters with and without accents"
    PUNCTUATION = "punctuation", "punctuation and symbols, but not `&` and `+`"
    AMPERSAND = "ampersand", "`&` or `+` against the word `and`"
    DESIGNATOR = "designator", "words of the legal form at the end (LLC, Inc., Limited Partnership), in any spelling"
    ARTICLES = "articles", "the articles the, a, an"
    FOREIGN_ARTICLES = "foreign_articles", "articles, conjunctions and prepositions of other languages (el, la, y, de)"
    CONJUNCTIONS = "conjunctions", "conjunctions (and, or, nor, but, plus), there or not"
    PREPOSITIONS = "prepositions", "prepositions (of, for, in, on, at, by, to), there or not"
    PLURAL = "plural", "singular against plural"
    POSSESSIVE = "possessive", "the possessive 's or s'"
    SPACES = "spaces", "spaces between words"
    INITIALS = "initials", "spaces and full stops between single letters (A B C, A.B.C., ABC)"
    NUMERALS = "numerals", "a number as digits, as a word, or in Roman letters"
    ABBREVIATIONS = "abbreviations", "a word against its usual abbreviation (international, intl)"
    SPELLING = "spelling", "other spellings of one word (center, centre; quick, kwik)"
    TENSE = "tense", "tenses of one word (clean, cleaned, cleaning)"
    CONTRACTION = "contraction", "a contraction against its words (don't, do not)"
    WORD_ORDER = "word_order", "the order of the words"
    SOUND = "sound", "another spelling that sounds the same"
    DOTCOM = "dotcom", "an internet ending (.com, .net, .org) or www"
    STATE_WORDS = "state_words", "words for the state itself, added"
    COMPANY_WORDS = "company_words", "the words company, limited, liability, wherever they stand"
    ADDED_NUMBER = "added_number", "a number added to the name"


# Not part of a comparison key: names that differ in these are found as near names and shown to a person.
FOUND_NEAR = frozenset({Feature.WORD_ORDER, Feature.SOUND})
