"""What a step fills in: its template with the facts in their places, written as the portal wants it. Pure.

A template is never run: names in braces are replaced once, by text that is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from pw_pipelines.filings.portal import Form
from pw_pipelines.filings.steps import Step, names_in
from pw_pipelines.filings.stopped import FilingStopped
from pw_pipelines.fulfillment.facts import facts

_MONEY_MARKS = r"[$,\s]"
_IN_BRACES = re.compile(r"\{([a-z0-9_]+)\}")


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """The template with each name replaced by its value; a name without one by nothing."""
    return _IN_BRACES.sub(lambda found: values.get(found.group(1), ""), template)


def applies(step: Step, values: Mapping[str, str]) -> bool:
    """Whether the facts are those of the step's `when`."""
    for name, wanted in step.when.items():
        value = values.get(name, "").strip()
        options = (wanted,) if isinstance(wanted, str) else wanted
        if not any(value == option or (option == "*" and value) for option in options):
            return False
    return True


def value_of(step: Step, values: Mapping[str, str]) -> str:
    """What the step fills in. Raises FilingStopped for a fact that is not what `map` or `write` expects."""
    text = fill_in(step.value or "", values)
    if step.map:
        if text not in step.map:
            named = ", ".join(sorted(names_in(step.value or "")))
            raise FilingStopped(f"The form has no choice for the value of {named} (`map` of {step.at}).")
        text = step.map[text]
    return _written(step, text)


def is_yes(step: Step, values: Mapping[str, str]) -> bool:
    """Whether a `check` is to be checked."""
    return step.value is None or fill_in(step.value, values).strip().casefold() in ("yes", "true", "1")


def same(step: Step, shown: str, meant: str) -> bool:
    """Whether what stands in a field is what was meant, as the step's `compare` says. Line ends never count."""
    shown, meant = shown.replace("\r\n", "\n"), meant.replace("\r\n", "\n")
    if step.compare == "digits":
        return re.sub(r"\D", "", shown) == re.sub(r"\D", "", meant)
    if step.compare == "trimmed":
        return _squeezed(shown) == _squeezed(meant)
    return shown == meant


def fits(shown: str | None, meant: str) -> bool:
    """Whether a value read from a list is the one meant; case and blanks do not count."""
    return shown is not None and _squeezed(shown).casefold() == _squeezed(meant).casefold()


def missing(form: Form, values: Mapping[str, str]) -> list[str]:
    """Facts that the steps of the form need and that have no value, in the form's order."""
    known = facts()
    wanted: dict[str, None] = {}
    for step in form.steps:
        if applies(step, values):
            for name in sorted(names_in(step.value or "") | names_in(step.to or "")):
                if name in known and not known[name].optional and not values.get(name, "").strip():
                    wanted[name] = None
    return list(wanted)


def _written(step: Step, text: str) -> str:
    if not text.strip():
        return text
    try:
        if step.write == "date_us":
            return date.fromisoformat(text.strip()).strftime("%m/%d/%Y")
        if step.write == "date_iso":
            return date.fromisoformat(text.strip()).isoformat()
        if step.write == "money":
            return f"{Decimal(re.sub(_MONEY_MARKS, '', text)):.2f}"
    except (ValueError, InvalidOperation):
        named = ", ".join(sorted(names_in(step.value or "")))
        kind = "an amount" if step.write == "money" else "a day such as 2026-12-31"
        raise FilingStopped(f"The value of {named} is not {kind}, as {step.at} needs it.") from None
    if step.write == "digits":
        return re.sub(r"\D", "", text)
    return text.upper() if step.write == "upper" else text


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
