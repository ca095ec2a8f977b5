"""Does the steps of a portal's file on a page, one by one, and makes sure after each that it did what was meant."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pw_pipelines.filings.looking import Look, Watch, is_seen
from pw_pipelines.filings.material import Upload
from pw_pipelines.filings.steps import Step
from pw_pipelines.filings.stopped import FilingStopped, PageChanged
from pw_pipelines.filings.wording import applies, fill_in, is_yes, same, value_of
from pw_pipelines.resources.page_script import Pattern

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator, Page

# SHA-256 of the files a field holds, as the page would send them; null where the page may not reckon (no HTTPS).
_FILES = """async e => Promise.all([...e.files].map(async f => [f.name, f.size, !crypto.subtle ? null :
  [...new Uint8Array(await crypto.subtle.digest('SHA-256', await f.arrayBuffer()))]
    .map(b => b.toString(16).padStart(2, '0')).join('')]))"""
_OPTIONS = "e => [...e.options].map(o => [o.value, o.label])"


class Driver:
    """One page and the values its steps are given. `trace`: what was done, without a single value."""

    def __init__(self, page: Page, watch: Watch, base: str, values: Mapping[str, str]) -> None:
        self.page = page
        self.watch = watch
        self._base = base
        self._values = values
        self._began = time.monotonic()
        self.trace: list[dict[str, Any]] = []
        self.uploads: Mapping[str, Upload] = {}

    def do(self, step: Step, number: int) -> bool:
        """Does one step (none of `page`, `submit`). False when it does not apply."""
        if not applies(step, self._values):
            return False
        where = f"Step {number} ({step.do} {step.at or step.to or ''})".replace(" )", ")")
        self._note(step)
        if step.do == "open":
            self._open(step)
        elif step.at is not None:
            self._act(step, where)
        elif step.do == "expect" and step.until is not None and not is_seen(step.until, self.watch.look()):
            raise PageChanged([f"{where}: {_named(step)} is not to be seen."])
        if step.until is not None:
            wanted = step.until
            self.watch.until(lambda look: is_seen(wanted, look), lambda _: [f"{where}: {_named(step)} did not show."])
        return True

    def verify(self, step: Step, number: int) -> None:
        """Raises PageChanged when what the step filled in does not stand in its field (any more)."""
        if not applies(step, self._values) or step.at is None:
            return
        what = f"Step {number} ({step.do} {step.at})"
        if step.do in ("fill", "select", "check", "choose") and not self._holds(step):
            raise PageChanged([f"{what}: the field does not hold what was put into it."])
        if step.do == "upload" and not self._holds_files(step):
            raise PageChanged([f"{what}: the field does not hold the files put into it."])

    def expect_page(self, step: Step) -> None:
        """Waits for a page to have exactly the fields of its step. Raises PageChanged with what differs."""
        allowed = {*step.fields, *step.may}
        self.watch.until(
            lambda look: set(step.fields) <= set(_names_seen(look)) <= allowed,
            lambda look: page_changes(step, look),
            region=step.at,
        )

    def expect_signed_in(self, pattern: Pattern) -> None:
        """Waits for what only those signed in see."""
        self.watch.until(lambda look: is_seen(pattern, look), lambda _: ["Signing in did not work."])

    def the_one(self, selector: str, where: str, *, many: bool = False) -> Locator:
        """The element, once it is there and there is no other."""
        look = self.watch.until(
            lambda look: look["found"][selector]["count"] > 0, lambda _: [f"{where}: nothing of that kind is there."]
        )
        if (count := look["found"][selector]["count"]) > 1 and not many:
            raise PageChanged([f"{where}: {count} of that kind are there, where one was."])
        found = self.page.locator(selector)
        if many:
            return found
        return found.first if look["found"][selector]["file"] else found.locator("visible=true").first

    def demand_words(self, step: Step, where: str) -> None:
        """Raises PageChanged when a button does not say what it should, or can't be pressed."""
        found: dict[str, Any] = self.watch.look()["found"][step.at]
        if step.says and not re.search(step.says, found["text"]):
            raise PageChanged([f"{where}: the button says “{found['text'][:40]}”, not “{step.says}”."])
        if not found["enabled"]:
            raise PageChanged([f"{where}: the button can't be pressed."])

    def _open(self, step: Step) -> None:
        from playwright.sync_api import Error

        address = f"{self._base}{fill_in(step.to or '', self._values)}"
        try:
            if "#" in address and self.page.url.partition("#")[0] == address.partition("#")[0]:
                # Within one document the old view stands until the new one is drawn, and would take what we type. Not
                # by reloading: that would send again what the document was the answer to.
                self.page.goto("about:blank", wait_until="commit")
            self.page.goto(address, wait_until="commit")
        except Error:
            # No page came; the next look says why.
            self.page.wait_for_timeout(0)
        self.watch.until(lambda look: bool(look["whole"]), lambda _: ["The page did not open."], errors=False)

    def _act(self, step: Step, where: str) -> None:
        assert step.at is not None
        target = self.the_one(step.at, where, many=step.do == "choose")
        if step.do == "fill":
            target.fill(value_of(step, self._values))
        elif step.do == "select":
            target.select_option(self._option(step, target, where))
        elif step.do == "check":
            target.set_checked(is_yes(step, self._values))
        elif step.do == "choose":
            self._radio(step, target, where).check()
        elif step.do == "upload":
            target.set_input_files([_payload(file) for file in self._files(step)])
        else:
            self.demand_words(step, where)
            target.click(no_wait_after=True)

    def _option(self, step: Step, target: Locator, where: str) -> str:
        """The value of the one option with the value or the words meant."""
        wanted = value_of(step, self._values)
        options = [[str(value), str(label)] for value, label in target.evaluate(_OPTIONS)]
        fitting = {value for value, label in options if wanted in (value, label.strip())}
        if len(fitting) != 1:
            raise PageChanged([f"{where}: {len(fitting)} of its {len(options)} choices fit, where one did."])
        return fitting.pop()

    def _radio(self, step: Step, target: Locator, where: str) -> Locator:
        wanted = value_of(step, self._values)
        values: list[str] = target.evaluate_all("all => all.map(e => e.value)")
        if values.count(wanted) != 1:
            raise PageChanged([f"{where}: {values.count(wanted)} of its {len(values)} choices fit, where one did."])
        return target.nth(values.index(wanted))

    def _holds(self, step: Step) -> bool:
        assert step.at is not None
        target = self.page.locator(step.at)
        if step.do == "check":
            return target.first.is_checked() == is_yes(step, self._values)
        meant = value_of(step, self._values)
        if step.do == "choose":
            return bool(target.evaluate_all("all => all.filter(e => e.checked).map(e => e.value)") == [meant])
        target = target.locator("visible=true").first
        if step.do == "select":
            chosen = target.evaluate("e => [...e.selectedOptions].flatMap(o => [o.value, o.label.trim()])")
            return meant in chosen
        return same(step, target.input_value(), meant)

    def _holds_files(self, step: Step) -> bool:
        assert step.at is not None
        shown = [tuple(one) for one in self.page.locator(step.at).first.evaluate(_FILES)]
        if not shown and step.until is not None:
            return True  # the page took the files at once, and showed so
        meant = [(file.name, len(file.content), hashlib.sha256(file.content).hexdigest()) for file in self._files(step)]
        return len(shown) == len(meant) and all(
            there[:2] == wanted[:2] and there[2] in (None, wanted[2])
            for there, wanted in zip(shown, meant, strict=True)
        )

    def _files(self, step: Step) -> list[Upload]:
        if lacking := [template for template in step.documents if template not in self.uploads]:
            raise FilingStopped(f"The form wants documents that were not made: {', '.join(lacking)}.")
        return [self.uploads[template] for template in step.documents]

    def _note(self, step: Step) -> None:
        self.trace.append(
            {
                "seconds": round(time.monotonic() - self._began, 2),
                "do": step.do,
                "at": step.at or step.to,
                "page": urlsplit(self.page.url).path,
            }
        )

    def note(self, text: str) -> None:
        """A line of the trace."""
        seconds = round(time.monotonic() - self._began, 2)
        self.trace.append({"seconds": seconds, "do": text, "page": urlsplit(self.page.url).path})

    @property
    def seconds(self) -> float:
        """Since the driver began."""
        return time.monotonic() - self._began

    def traced(self) -> bytes:
        """The trace as lines of JSON."""
        return "".join(f"{json.dumps(line)}\n" for line in self.trace).encode()


def page_changes(step: Step, look: Look) -> list[str]:
    """How the fields of a page differ from what its step says, a sentence each."""
    allowed, names = {*step.fields, *step.may}, _names_seen(look)
    gone = [f"The field {name} is not there." for name in step.fields if name not in names]
    new = [
        f"There is a new field {control['name']}{' (required)' if control['required'] else ''}."
        for control in look["controls"]
        if control["name"] not in allowed
    ]
    return [f"{step.name}: {change}" for change in (*gone, *new)]


def _names_seen(look: Look) -> list[str]:
    return [str(control["name"]) for control in look["controls"]]


def _payload(file: Upload) -> FilePayload:
    return {"name": file.name, "mimeType": "application/pdf", "buffer": file.content}


def _named(step: Step) -> str:
    assert step.until is not None
    return step.until.selector or f"“{step.until.text}”"
