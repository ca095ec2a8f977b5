"""The verdict on a name in one state: taken, clear, or a person must look; each with its reasons.

Pure: what the register holds is handed in. Caution goes first. `taken` needs a record that surely is the same under
the state's own rule and surely blocks; `clear` needs data that is whole and fresh, and nothing left to ask.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.features import Feature
from pw_pipelines.jurisdictions.model import Jurisdiction, NameTest
from pw_pipelines.registry import equivalence, keys, restricted
from pw_pipelines.registry.blocking import Judged, effect
from pw_pipelines.registry.model import Answer, Blocking, Coverage, EntityForm, NameVerdict, Near, Record
from pw_pipelines.registry.wording import how_alike
from pw_pipelines.registry.words import words

LONGEST = 300  # no state's record holds a longer name
SHOWN = 10  # near names
_SOFT_HYPHEN = "\u00ad"  # comes along when a name is copied from a page
EXPLAINED = 3  # records of which it is said in what exactly they differ; the rest are only named
# Tenses are told by a word's ending, which takes FLEMING for a form of FLEM: enough to ask, not to refuse.
_GUESSED = frozenset({Feature.TENSE})
_FAMILY = {
    "distinguishable": "distinguishable upon the records",
    "deceptively_similar": "same or deceptively similar",
    "substantially_identical": "substantially identical",
    "likely_to_confuse": "likely to confuse or mislead",
    "graded": "graded: same, not distinguishable, distinguishable",
}
# What a summary says where it speaks of the family itself; then the family is not said again.
_FAMILY_TOLD = {
    "distinguishable": "distinguish", "deceptively_similar": "deceptively similar",
    "substantially_identical": "substantially identical", "likely_to_confuse": "likely to confuse", "graded": "graded",
}  # fmt: skip
_ENDING_OF = {"llc": "an LLC", "corporation": "a corporation", "partnership": "a partnership"}
_NEAR_FEATURE = {"sound": Feature.SOUND, "word order": Feature.WORD_ORDER}


@dataclass
class _Case:
    """A name asked for in a state, and what was found for and against it."""

    where: Jurisdiction
    asked: str
    compared: equivalence.Asked
    taken: list[Blocking] = field(default_factory=list)
    doubtful: list[Blocking] = field(default_factory=list)
    alike: list[Near] = field(default_factory=list)
    others: list[Record] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    ask: list[str] = field(default_factory=list)


def judge(
    jurisdiction: Jurisdiction,
    asked: str,
    candidates: Sequence[Record],
    near: Sequence[Near],
    coverage: Coverage | None,
    *,
    form: EntityForm = "llc",
) -> NameVerdict:
    """The verdict on `asked` in one state.

    candidates  records found under `equivalence.lookup_keys`; those that differ under the state's rule are near names
    near        names like it
    coverage    what the data is worth; None: no register of the state was looked into
    Raises UsageError for a text that can be no name.
    """
    check_name(asked)
    rule = jurisdiction.name_test
    found = _Case(jurisdiction, asked, equivalence.Asked(rule, asked))
    as_of = coverage.as_of if coverage else None
    for record in candidates:
        if record.name:
            _compare(found, record, effect(jurisdiction, record, form, as_of))
    _explain_others(found)
    _others_are_alike(found)
    _near_names(found, near)
    _the_name_itself(found)
    _the_form(found, form)
    words_found = restricted.find(jurisdiction, asked, form)
    found.ask += [f"The name holds “{one.word}”: {one.why}." for one in words_found]
    found.ask += _worth(jurisdiction, coverage)
    verdict: Answer = "taken" if found.taken else "a person must look" if found.doubtful or found.ask else "clear"
    return NameVerdict(
        state=jurisdiction.code,
        name=asked,
        verdict=verdict,
        rule=_rule_in_words(rule),
        statute=rule.statute_for(form),
        keys=_keys(rule, asked),
        blocking=tuple(found.taken + found.doubtful),
        near=_shown(found, near),
        restricted=tuple(one.as_row() for one in words_found),
        data=_data(jurisdiction, coverage),
        reasons=tuple(_reasons(jurisdiction, verdict, found, coverage, form)),
        look=jurisdiction.search.url,
        unconfirmed=tuple(_unconfirmed(jurisdiction)),
    )


def is_taken_by(
    jurisdiction: Jurisdiction,
    asked: str,
    candidates: Sequence[Record],
    coverage: Coverage | None,
    *,
    form: EntityForm = "llc",
) -> bool:
    """Whether `judge` calls the name taken for one of these records. Quick: nothing is explained."""
    found = _Case(jurisdiction, asked, equivalence.Asked(jurisdiction.name_test, asked))
    as_of = coverage.as_of if coverage else None
    return any(
        found.compared.compare(record.name) == "same"
        and effect(jurisdiction, record, form, as_of).effect == "blocks"
        and _doubt(found, record.name, is_same=True) is None
        for record in candidates
        if record.name
    )


def _rule_in_words(rule: NameTest) -> str:
    told = _FAMILY_TOLD[rule.family] in rule.summary.lower()
    family = None if told else f"{_FAMILY[rule.family].capitalize()}."
    return " ".join(text for text in (family, rule.summary, rule.blocks.words) if text)


def check_name(asked: str) -> None:
    """Raises UsageError, with the sentence for the asker, when a text can be no company's name anywhere."""
    if wrong := _wrong_with(asked):
        said, remedy = wrong
        raise UsageError(f"{said} {remedy}", field="name", remedy=remedy)


def _wrong_with(asked: str) -> tuple[str, str] | None:
    """What is wrong with a text as a name, and what to do about it."""
    if not asked.strip():
        return "No name is given.", "Give the name as it would be filed."
    if len(asked) > LONGEST:
        return f"The name has {len(asked)} characters; no register holds more than {LONGEST}.", "Shorten it."
    if wrong := _wrong_characters(asked):
        return wrong
    parts = keys.plain_words(asked)
    if not any(letter.isalnum() for letter in asked) or not parts:
        return f"{asked!r} is no name: it has no letter or digit.", "Give the name as it would be filed."
    rest = keys.without_designator(parts)
    known = words().designators
    if any(" ".join(one) in known or ("".join(one) in known and len(one) > 1) for one in (parts, rest)):
        return f"{asked!r} only says a legal form.", "Put a name before it."
    return None


def _wrong_characters(asked: str) -> tuple[str, str] | None:
    if any("\ud800" <= letter <= "\udfff" or letter == "\ufffd" for letter in asked):
        return f"{asked!a} is no text: it is not UTF-8.", "Write it in UTF-8."
    if odd := next((one for one in asked if _is_no_character_of_names(one)), None):
        return f"The name holds a character that no register keeps: {ascii(odd)[1:-1]}.", "Leave it out."
    letters = {letter for letter in keys.plain_marks(asked) if letter.isalpha() and not keys.plain_words(letter)}
    if letters:
        foreign = ", ".join(sorted(letters)[:5])
        return f"The name holds {foreign}: registers are kept in Latin letters.", "Write it in those."
    return None


def _is_no_character_of_names(one: str) -> bool:
    """Whether it steers, as line ends and turned writing do, or is a picture; marks such as ™ and ° are neither."""
    category = unicodedata.category(one)
    return (category in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"} and one != _SOFT_HYPHEN) or (
        category in {"So", "Sk"} and one > "\uffff"
    )


def _compare(found: _Case, record: Record, judged: Judged) -> None:
    """Puts a candidate where it belongs: in the way, perhaps in the way, free, or another name."""
    name = record.name
    sameness = found.compared.compare(name)
    if sameness == "different":
        found.others.append(record)
    elif judged.effect == "frees":
        found.free.append(f"{name} ({record.record_id}) has the name, but is not in the way. {judged.why}")
        found.alike.append(Near(record.record_id, name, record.status, "same, but not in the way", 100.0))
    else:
        doubt = _doubt(found, name, is_same=sameness == "same")
        why = " ".join(one for one in (doubt, judged.why) if one)
        keys_of = _keys(found.where.name_test, name)
        blocking = Blocking(record.record_id, name, record.status, keys_of["asked"], why, record.name_kind,
                            keys_of.get("asked_loose"))  # fmt: skip
        (found.doubtful if doubt or judged.effect == "unknown" else found.taken).append(blocking)


def _doubt(found: _Case, name: str, *, is_same: bool) -> str | None:
    """Why it is not sure that the state holds the two names to be the same; None: it is sure."""
    rule, asked = found.where.name_test, found.asked
    if not is_same:
        if len(found.doubtful) >= EXPLAINED:
            return "The same if what is not confirmed makes no difference."
        unsure = (
            _listed(equivalence.unconfirmed_between(rule, asked, name))
            or "where its words begin and end, and which are plurals or numbers"
        )
        return f"The same if these make no difference, which is not confirmed: {unsure}."
    if not _GUESSED & set(rule.ignores):
        return None
    guessed = _GUESSED & set(equivalence.differ_in(rule, asked, name))
    return f"The same if it is right that they differ only in: {_listed(tuple(guessed))}." if guessed else None


def _explain_others(found: _Case) -> None:
    """Candidates that are other names under the rule, as near names with what tells them apart."""
    for place, record in enumerate(found.others[:SHOWN]):
        rule = found.where.name_test
        apart = equivalence.honoured_between(rule, found.asked, record.name) if place < EXPLAINED else ()
        how, score = (f"same but for {_listed(apart)}", 99.0) if apart else ("alike", 95.0)
        found.alike.append(Near(record.record_id, record.name, record.status, how, score))


def _others_are_alike(found: _Case) -> None:
    """What other names of the same letters, nearly, ask of a person: they are more like it than any near name."""
    rule = found.where.name_test
    key, near_key = keys.name_keys(found.asked)
    for record in found.others:
        other_key, other_near_key = keys.name_keys(record.name)
        if rule.near_is_judged and key == other_key:
            found.ask.append(
                f"{record.name} ({record.record_id}) is like it (letters); a person judges whether it is too like."
            )
        elif Feature.SOUND not in rule.honours and near_key == other_near_key:
            found.ask.append(
                f"{record.name} ({record.record_id}) is like it (sound); whether {Feature.SOUND.about} is ignored is "
                "not confirmed."
            )


def _near_names(found: _Case, near: Sequence[Near]) -> None:
    """What names like it ask: where a person judges those, all; elsewhere what no text says makes a difference."""
    rule = found.where.name_test
    known = {one.id for one in (*found.taken, *found.doubtful)} | {one.id for one in found.alike}
    known -= {record.record_id for record in found.others}
    for one in near:
        if one.id in known:
            continue
        feature, how = _NEAR_FEATURE.get(one.how), how_alike(one.how)
        if found.compared.compare(one.name) != "different":
            found.ask.append(
                f"{one.name} ({one.id}), found by being near ({how}), is or may be the same under the rule."
            )
        elif rule.near_is_judged:
            found.ask.append(f"{one.name} ({one.id}) is like it ({how}); a person judges whether it is too like.")
        elif feature is not None and feature not in rule.honours:
            found.ask.append(
                f"{one.name} ({one.id}) is like it ({how}); whether {feature.about} is ignored is not confirmed."
            )


def _the_name_itself(found: _Case) -> None:
    where, asked, rule = found.where, found.asked, found.where.name_test
    if rule.max_length is not None and len(asked) > rule.max_length:
        found.ask.append(
            f"The name has {len(asked)} characters, spaces included; {where.name} takes {rule.max_length} at most."
        )
    if keys.is_all_little(asked):
        found.ask.append("The name is nothing but words that name tests leave out; what is compared then is not known.")
    if rule.approval_is_compulsory:
        found.ask.append(f"{where.name} approves every name itself; nobody else can call it free.")


def _the_form(found: _Case, form: EntityForm) -> None:
    """What the form asked for leaves open: the name is filed with an ending of that form, under that form's test."""
    where, rule, ending = found.where, found.where.name_test, restricted.ending(found.asked)
    if ending is not None and ending.form in _ENDING_OF and ending.form != form:
        found.ask.append(
            f"The name ends in “{ending.words}”, the ending of {_ENDING_OF[ending.form]}; it was asked for "
            f"{_ENDING_OF[form]}. Ask for the form that is meant, or with its ending."
        )
    if ending is None and Feature.DESIGNATOR in rule.honours:
        found.ask.append(
            f"The name does not end in a legal form, and {where.name} tells names apart by that. Ask for it as it will "
            "be filed, with its ending."
        )
    if form == "corporation" and rule.corporation_statute is None:
        found.ask.append("The rule cited was read for LLCs; the test for corporations was not read.")


def _worth(where: Jurisdiction, coverage: Coverage | None) -> list[str]:
    if coverage is None:
        return [f"No register of {where.name} was looked into. Look at {where.search.url}."]
    if not coverage.is_usable:
        return [coverage.why_not or f"The data of {where.name} is not whole or not fresh."]
    if coverage.as_of is None or (coverage.rows <= 0 and coverage.asked is None):
        return [f"There is no whole copy of the register of {where.name}; absence from it proves nothing."]
    if coverage.asked is not None and where.name_test.family != "distinguishable":
        return [
            f"{where.name} refuses names that are merely alike, and its portal was asked for the same letters only."
        ]
    return []


def _reasons(
    where: Jurisdiction, verdict: Answer, found: _Case, coverage: Coverage | None, form: EntityForm
) -> list[str]:
    reasons = [f"{one.name} ({one.id}) has the name: {_inside(one.why)}" for one in found.taken]
    reasons += [f"{one.name} ({one.id}) may stand in the way. {one.why}" for one in found.doubtful]
    reasons += found.free + found.ask
    if verdict == "clear" and coverage is not None:
        names = f"None of {coverage.rows:,} names in the data of {coverage.as_of}"
        if coverage.asked is not None:
            names = f"{coverage.asked} None of the {coverage.rows:,} names seen on {coverage.as_of}"
        reasons.insert(
            0,
            f"{names} is the same under the rule of {where.name_test.statute_for(form)}. "
            "What the data leaves out is listed with it.",
        )
    if verdict == "taken" and where.name_test.consent:
        reasons.append(f"Ways through in {where.name}: {where.name_test.consent}.")
    return list(dict.fromkeys(reasons))


def _inside(sentence: str) -> str:
    """A sentence as the rest of another."""
    return sentence[:1].lower() + sentence[1:]


def _unconfirmed(where: Jurisdiction) -> list[str]:
    rule, listed = where.name_test, where.restricted_words
    said = []
    if rule.unconfirmed:
        said.append(f"Not confirmed whether {where.name} ignores: {_listed(rule.unconfirmed)}.")
    if not listed.was_read:
        said.append(
            f"No list of {where.name}'s restricted words was read; only those controlled everywhere were sought."
        )
    elif not listed.is_complete:
        said.append(f"{where.name}'s list of restricted words goes on beyond what was read.")
    return said


def _keys(rule: NameTest, asked: str) -> dict[str, str]:
    """A name's comparison key; where what may be ignored makes another, that too."""
    strict, loose = equivalence.strict_key(rule, asked), equivalence.loose_key(rule, asked)
    return {"asked": strict} if strict == loose else {"asked": strict, "asked_loose": loose}


def _shown(found: _Case, near: Sequence[Near]) -> tuple[Near, ...]:
    standing = {one.id for one in (*found.taken, *found.doubtful)}
    by_id = {one.id: one for one in (*near, *found.alike) if one.id not in standing}
    return tuple(sorted(by_id.values(), key=lambda one: (-one.score, one.name, one.id))[:SHOWN])


def _data(where: Jurisdiction, coverage: Coverage | None) -> dict[str, object]:
    gaps = dict.fromkeys((*(coverage.gaps if coverage else ()), *where.data_source.gaps))
    return {
        "as_of": coverage.as_of.isoformat() if coverage and coverage.as_of else None,
        "rows": coverage.rows if coverage else 0,
        "gaps": list(gaps),
    }


def _listed(features: Sequence[Feature]) -> str:
    return ", ".join(feature.value.replace("_", " ") for feature in features)
