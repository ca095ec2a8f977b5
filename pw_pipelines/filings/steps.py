"""The steps of a form as data: what is opened, filled, looked at, clicked, on the way to a filing."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.resources.page_script import Pattern
from pw_pipelines.yaml_data import Strict

ACCOUNT = re.compile(r"^(username|password|account_[a-z_]+)$")
_NAME = re.compile(r"\{([a-z0-9_]+)\}")

Do = Literal[
    "open", "page", "fill", "select", "check", "choose", "upload", "click", "next", "wait", "expect", "submit"
]  # fmt: skip
_NEEDS_VALUE = ("fill", "select", "choose")
_PRESSED = ("click", "next", "submit")


def names_in(template: str) -> set[str]:
    """The names in braces of a template."""
    return set(_NAME.findall(template))


def is_secret_name(name: str) -> bool:
    """Whether the value of this name is never shown, wherever it stands."""
    known = facts().get(name)
    return (known is not None and known.kind == "ssn") or (ACCOUNT.match(name) is not None and name != "username")


class Step(Strict):
    """One thing done on the way to a filing.

    do        open: go to `to`. page: this page has exactly these `fields`. fill, select, check, choose (radio),
              upload, click. next: a click that leaves a filled page, which is kept as a picture first. wait: until
              `until`. expect: `until` must be seen now. submit: the click that files; once per form, the last step
    at        selector of what is meant; `choose`: of all radio buttons of the group
    to        open: path below the portal's address
              page: the part of the page that is meant, where it is not the whole
    name      page: the page's name, for people
    fields    page: names (attribute name, else id) of the fields a person sees, no more and no fewer; none on a page
              that is only to be read
    may       page: names of fields that may be there or not (they appear as others are filled)
    value     template of facts; check: a yes makes it checked, anything else unchecked; without one it is checked.
              choose: the value of the radio button
    map       what stands for which value of the template: {complete: "Complete S/S"}; a value not in it is an error
    write     how it is written: plain, date_us (12/31/2026), date_iso, digits, money (1234.50), upper
    compare   what must stand in the field afterwards: same, digits (the portal sets its own dashes), or trimmed text
    documents upload: templates of the documents whose (signed) PDFs this field takes, all at once
    when      only when facts have these values: {is_gateway: "yes"}; several as a list; "*": given, "": not given
    until     what must be seen afterwards
    says      click, next, submit: words (regular expression) the button must have
    secret    what is filled in is never shown: not in pictures, HTML, traces or digests. An SSN always is
    """

    do: Do
    at: str | None = None
    to: str | None = None
    name: str | None = None
    fields: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    value: str | None = None
    map: dict[str, str] = Field(default_factory=dict)
    write: Literal["plain", "date_us", "date_iso", "digits", "money", "upper"] = "plain"
    compare: Literal["same", "digits", "trimmed"] = "same"
    documents: tuple[str, ...] = ()
    when: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    until: Pattern | None = None
    says: str | None = None
    secret: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Step:
        needed = {
            "at": self.do not in ("open", "page", "wait", "expect"),
            "to": self.do == "open",
            "documents": self.do == "upload",
            "says": self.do == "submit",
            "until": self.do in ("wait", "expect"),
            "value": self.do in _NEEDS_VALUE,
            "name": self.do == "page",
        }
        if missing := [name for name, is_needed in needed.items() if is_needed and not getattr(self, name)]:
            raise ValueError(f"`{self.do}` needs {', '.join(missing)}")
        allowed = {
            "at": needed["at"] or self.do == "page", "to": needed["to"], "documents": needed["documents"],
            "name": needed["name"], "fields": needed["name"], "may": needed["name"], "says": self.do in _PRESSED,
            "value": self.do in (*_NEEDS_VALUE, "check"), "map": self.do in _NEEDS_VALUE,
        }  # fmt: skip
        if stray := [name for name, is_allowed in allowed.items() if getattr(self, name) and not is_allowed]:
            raise ValueError(f"`{self.do}` has no {', '.join(stray)}")
        if self.says is not None:
            re.compile(self.says)
        return self

    @property
    def names(self) -> set[str]:
        """The facts (and names of our own) it reads."""
        return names_in(self.value or "") | names_in(self.to or "") | set(self.when)

    @property
    def is_secret(self) -> bool:
        """Whether what it fills in must never be shown: an SSN, and what only the account's owner knows."""
        return self.secret or any(is_secret_name(name) for name in names_in(self.value or ""))
