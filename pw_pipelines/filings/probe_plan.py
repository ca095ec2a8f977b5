"""What of a portal's file can be looked at without filing, page by page, and what can't, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pw_pipelines.filings.portal import Form, Login, Portal
from pw_pipelines.filings.sights import Meant, Use
from pw_pipelines.filings.steps import Step

A_LATER_PAGE = "It stands on a later page, which is seen only when the form is filled."
AFTER_A_FILING = "It shows only after a filing."
IN_A_RESULT = "It shows only in a list with a filing in it."
WHEN_REFUSED = "It shows only when the portal refuses something."
WHEN_UPLOADED = "It shows only once a file was uploaded."
LOOKUP = "Look-up"
_TYPED = ("fill", "select", "check", "choose", "upload")
_ASKABLE = ("open", "wait", "fill", "click")
Numbered = tuple[int, Step]


@dataclass
class Leg:
    """One page that is looked at.

    way    what leads there; steps: those of the page; uses: their selectors
    then   the press that leads on to the next page, where nothing had to be filled in before it
    asks   look-up: the steps that ask it
    """

    form: str
    page: str = ""
    way: list[Numbered] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    then: tuple[Step, int] | None = None
    asks: list[Numbered] = field(default_factory=list)
    is_lookup: bool = False
    signed_in: bool = False


def legs_of(code: str, form: Form) -> Iterator[Leg]:
    """The pages of a form that can be looked at, and then its look-up's."""
    leg = Leg(code)
    has_typed = False
    for number, step in enumerate(form.steps, start=1):
        if step.do in ("open", "wait"):
            if leg.steps:
                yield leg
                leg = Leg(code)
            leg.way.append((number, step))
            leg.uses += list(_until(code, "", step))
            continue
        if step.do == "page" and not leg.page:
            leg.page = str(step.name)
        leg.steps.append(step)
        leg.uses += list(uses_of_step(code, leg.page, step))
        has_typed = has_typed or step.do in _TYPED
        if step.do in ("click", "next", "submit"):
            if step.do == "click" and not has_typed:
                leg.then = (step, number)
                yield leg
                leg = Leg(code, uses=list(_until(code, "", step)))
                continue
            break
    if leg.steps or leg.way:
        yield leg
    if form.lookup is not None and form.lookup.api is None:
        yield _lookup_leg(code, form)


def _lookup_leg(code: str, form: Form) -> Leg:
    lookup = form.lookup
    assert lookup is not None
    leg = Leg(code, page=LOOKUP, is_lookup=True, signed_in=lookup.signed_in)
    numbered = list(enumerate(lookup.steps, start=1))
    first = next((at for at, (_, step) in enumerate(numbered) if step.do not in ("open", "wait")), len(numbered))
    leg.way = numbered[:first]
    for _, step in leg.way:
        leg.uses += list(_until(code, LOOKUP, step))
    for number, step in numbered[first:]:
        leg.steps.append(step)
        leg.uses += list(uses_of_step(code, LOOKUP, step))
        if step.do in ("click", "next"):
            if all(step.do in _ASKABLE for step in lookup.steps) and number == len(numbered):
                leg.asks = numbered[first:]
            break
    return leg


def login_leg(login: Login) -> Leg:
    """The sign-in's page."""
    leg = Leg("login")
    for step in login.steps:
        if step.do not in ("open", "wait"):
            leg.steps.append(step)
            leg.uses += list(uses_of_step("login", "", step))
    return leg


def uses_of_step(code: str, page: str, step: Step) -> Iterator[Use]:
    """The selectors a step looks for on its own page."""
    if step.do == "page":
        yield Use(code, str(step.name), "page", "fields", meant="fields")
    elif step.do == "expect" and step.until and step.until.selector:
        yield Use(code, page, "expect", step.until.selector, meant="sight")
    elif step.at is not None:
        meant: Meant = "group" if step.do == "choose" else "control"
        yield Use(code, page, step.do, step.at, meant=meant, says=step.says, is_optional=bool(step.when))


def unseen_of(code: str, form: Form) -> Iterator[tuple[Use, str | None]]:
    """Every selector of the form, with why a probe can't see it; None: it stands on a page."""
    page = ""
    for step in form.steps:
        if step.do == "page":
            page = str(step.name)
        for use in uses_of_step(code, page, step):
            yield use, None
        for use in _until(code, page, step):
            yield use, WHEN_UPLOADED if step.do == "upload" else None
    taken = form.confirmation
    after = {"success": taken.success.selector, "number": taken.number.selector, "download": taken.download}
    after |= {name: reading.selector for name, reading in taken.reads.items()}
    for name, selector in after.items():
        if selector:
            yield Use(code, "Confirmation", name, selector, meant="sight"), AFTER_A_FILING
    if (lookup := form.lookup) is None or lookup.api is not None:
        return
    for step in lookup.steps:
        for use in (*uses_of_step(code, LOOKUP, step), *_until(code, LOOKUP, step)):
            yield use, None
    if lookup.nothing and lookup.nothing.selector:
        yield Use(code, LOOKUP, "nothing found", lookup.nothing.selector, meant="sight"), None
    within = {name: reading.selector for name, reading in lookup.fields.items()}
    for name, selector in {"rows": lookup.rows, "files": lookup.files, **within}.items():
        if selector:
            yield Use(code, LOOKUP, name, selector, meant="sight"), IN_A_RESULT


def errors_of(portal: Portal) -> Iterator[tuple[Use, str]]:
    """The selectors of the portal's own errors."""
    for error in portal.errors:
        if error.selector:
            use = Use("errors", error.reference or "", error.text or "seen", error.selector, meant="sight")
            yield use, WHEN_REFUSED


def _until(code: str, page: str, step: Step) -> Iterator[Use]:
    if step.until and step.until.selector and step.do != "expect":
        use = "wait" if step.do == "wait" else "until"
        yield Use(code, page, use, step.until.selector, meant="sight")
