"""Fills a form up to its submit, sends it when told, and reads what the portal says to it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pw_pipelines import faults
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.driving import Driver
from pw_pipelines.filings.looking import Look, Watch, is_seen, selectors_of, told
from pw_pipelines.filings.masking import take
from pw_pipelines.filings.material import Filed, Filled, Material, Shot, canonical
from pw_pipelines.filings.sending import send_once_only
from pw_pipelines.filings.steps import Step
from pw_pipelines.filings.stopped import MissingFacts, NotConfirmed, PageChanged, PortalSaid
from pw_pipelines.filings.wording import missing
from pw_pipelines.resources.page_script import Pattern, Reading

if TYPE_CHECKING:
    from playwright.sync_api import Page

TROUBLE_SECONDS = 2.0  # for words of the page's own, after a connection was lost
CONFIRM_SECONDS = 90.0  # a slow answer is worth waiting for: without it somebody has to look the filing up
# What would be sent by this button: its words, and the address of its form, without numbers that differ each time.
_BUTTON = r"""e => ({says: (e.innerText || e.value || '').trim(), name: e.name || e.id || '',
  method: e.form ? e.form.method : '', action: e.form ? new URL(e.form.action || location, location).pathname : ''})"""
_READ = """([selector, attribute]) => [...document.querySelectorAll(selector)]
  .map(e => attribute ? e.getAttribute(attribute) : e.innerText)"""
_CHANGING = re.compile(r"[0-9a-f]{16,}|\d+")  # a draft's key may be a count as short as 1


class Filling:
    """One form on one page."""

    def __init__(self, page: Page, material: Material, base: str, account: Mapping[str, str]) -> None:
        form, portal = material.form, material.portal
        login = portal.login.steps if portal.login else ()
        values = {**material.values, **account, "key": material.key}
        self._material = material
        self._values = values
        self._secrets = [*material.secrets, *(value for name, value in account.items() if name != "username")]
        readings = [form.confirmation.number, *form.confirmation.reads.values()]
        patterns = [form.confirmation.success, *(Pattern(selector=one.selector) for one in readings if one.selector)]
        self._watch = Watch(page, portal, selectors_of(portal, (*login, *form.steps), patterns))
        self._driver = Driver(page, self._watch, base, values)
        self._driver.uploads = material.uploads
        self._page = page
        self._pages: list[dict[str, Any]] = []
        self.shots: list[Shot] = []
        self._here: list[tuple[Step, int]] = []  # steps done since the page began
        self._page_step: Step | None = None
        self.is_sent = False  # once it may have been: whatever goes wrong then leaves it open what happened

    def fill(self) -> Filled:
        """Signs in and fills the form up to the submit. Nothing that files was pressed.

        Raises FilingStopped and its kinds, OutsideUnavailable.
        """
        if lacking := missing(self._material.form, self._values):
            raise MissingFacts(lacking)
        self._sign_in()
        for number, step in enumerate(self._material.form.steps, start=1):
            if step.do == "page":
                self._begin_page(step)
                continue
            if step.do in ("next", "submit"):
                where = f"Step {number} ({step.do} {step.at})"
                self._driver.the_one(str(step.at), where)
                self._driver.demand_words(step, where)
                self._end_page(step)
            if step.do != "submit" and self._driver.do(step, number):
                self._here.append((step, number))
        return self._filled()

    def submit(self, filled: Filled, *, looked_at: float) -> Filed:
        """Presses the submit, once, and reads the confirmation. looked_at: as sending.send_once_only has it.

        Raises FilingStopped before anything was sent, PortalSaid for a refusal its file knows, NotConfirmed when it
        is not known what came of it.
        """
        from playwright.sync_api import Error

        limit = self._material.portal.session_minutes
        if limit is not None and self._driver.seconds > limit * 60 * 0.9:
            raise OutsideUnavailable("Filling took longer than the portal's session lasts; it is filled anew.")
        step = self._material.form.steps[-1]
        button = self._driver.the_one(str(step.at), "The submit")
        try:
            button.click(trial=True)
        except Error as error:
            raise PageChanged([f"The submit ({step.at}) can't be pressed: something lies over it."]) from error
        broke = send_once_only(self._page.context, looked_at=looked_at)
        faults.point("filings.submit.before")
        self._driver.note("submit")
        self.is_sent = True
        try:
            button.click(no_wait_after=True)
            faults.point("filings.submit.clicked")
            look = self._answer()
        except Error as error:
            raise NotConfirmed(f"The browser lost the page: {type(error).__name__}.", shots=self.shots) from error
        if broke:  # whatever the page makes of it: the portal may have it
            raise NotConfirmed(f"Passing it on broke: {type(broke[0]).__name__}.", shots=self.shots) from broke[0]
        return self._read(look, filled)

    def shoot(self, title: str) -> Shot:
        """Takes the page as it stands."""
        shot = take(self._page, title, self._secrets, self._secret_fields())
        self.shots.append(shot)
        return shot

    def _sign_in(self) -> None:
        login, form = self._material.portal.login, self._material.form
        if login is None or not form.signed_in:
            return
        first = form.steps[0]
        if first.do == "open":  # signed in already, by the state kept from before
            self._driver.do(first, 1)
            if is_seen(login.signed_in, self._watch.look()):
                return
        for number, step in enumerate(login.steps, start=1):
            self._driver.do(step, number)
        self._driver.expect_signed_in(login.signed_in)

    def _begin_page(self, step: Step) -> None:
        self._driver.expect_page(step)
        self._page_step, self._here = step, []

    def _end_page(self, leaving: Step) -> None:
        """Makes sure that all stands as it was filled in and nothing else is asked; keeps the page as it is left."""
        step = self._page_step
        assert step is not None, "a form's file has a page before it is left"
        look = self._watch.look(step.at)
        self._watch.raise_problem(look)
        allowed = {*step.fields, *step.may}
        changes = [
            f"{step.name}: There is a new field {control['name']}."
            for control in look["controls"]
            if control["name"] not in allowed
        ]
        changes += [
            f"{step.name}: The field {control['name']} is required, and nothing is known for it."
            for control in look["controls"]
            if control["required"] and control["value"] in ("", "no")
        ]
        if changes:
            raise PageChanged(changes)
        for done, number in self._here:
            self._driver.verify(done, number)
        self._pages.append(self._page_content(step, leaving, look))
        self.shoot(str(step.name))

    def _page_content(self, step: Step, leaving: Step, look: Look) -> dict[str, Any]:
        material = self._material
        hidden = self._fields_of([done for done, _ in self._here if done.is_secret])
        button: dict[str, str] = self._page.locator(str(leaving.at)).locator("visible=true").first.evaluate(_BUTTON)
        fields = {}
        for control in look["controls"]:
            value = str(control["value"])
            is_hidden = control["kind"] == "password" or control["name"] in hidden
            if is_hidden or any(secret in value for secret in self._secrets):
                value = material.sealed(value)
            fields[control["name"]] = {"kind": control["kind"], "required": control["required"], "value": value}
        uploads = {
            str(done.at): [material.uploads[template].digest for template in done.documents]
            for done, _ in self._here
            if done.do == "upload"
        }
        base = urlsplit(self._page.url).path
        return {
            "page": step.name,
            "address": _CHANGING.sub("#", base),
            "fields": fields,
            "uploads": uploads,
            "button": {**button, "action": _CHANGING.sub("#", button["action"])},
        }

    def _filled(self) -> Filled:
        material = self._material
        content = {
            "portal": material.portal.portal,
            "form": material.form_code,
            "key": material.key,
            "material": material.digest,
            "pages": self._pages,
        }
        return Filled(canonical(content), tuple(self.shots), self._driver.traced())

    def _secret_fields(self) -> list[str]:
        return [str(step.at) for step in self._material.form.steps if step.is_secret]

    def _fields_of(self, steps: list[Step]) -> set[str]:
        names: set[str] = set()
        for step in steps:
            names.update(self._page.locator(str(step.at)).evaluate_all("all => all.map(e => e.name || e.id)"))
        return names

    def _answer(self) -> Look:
        """The look that shows the confirmation. Raises PortalSaid or NotConfirmed."""
        form, portal = self._material.form, self._material.portal
        deadline = time.monotonic() + max(CONFIRM_SECONDS, portal.timeout_seconds)
        trouble = None
        while time.monotonic() < deadline:
            look = self._watch.look_when_there()
            if look is not None and look["whole"]:
                if is_seen(form.confirmation.success, look) and self._number(form.confirmation.number):
                    return look
                if error := self._watch.error_seen(look):
                    self.shoot("After the submit")
                    if error.happened == "unknown":
                        raise NotConfirmed(told(error, portal), shots=self.shots)
                    raise PortalSaid(told(error, portal), error, shots=self.shots)
            if trouble := trouble or self._watch.trouble():
                deadline = min(deadline, time.monotonic() + TROUBLE_SECONDS)
            self._page.wait_for_timeout(100)
        self.shoot("After the submit")
        why = trouble or "no page came that confirms it"
        raise NotConfirmed(f"It was sent, and not confirmed: {why}", shots=self.shots)

    def _read(self, look: Look, filled: Filled) -> Filed:
        confirmation = self._material.form.confirmation
        number = self._number(confirmation.number)
        assert number is not None
        reads = {name: value for name, one in confirmation.reads.items() if (value := self._number(one)) is not None}
        before = len(self.shots)
        self.shoot("Confirmation")
        download = self._download(confirmation.download) if confirmation.download else None
        return Filed(number, reads, tuple(self.shots[before:]), self._driver.traced(), download)

    def _download(self, selector: str) -> tuple[str, bytes] | None:
        """The portal's own paper; None when it does not come: the filing is made, and this is for the confirm stage."""
        from playwright.sync_api import Error

        try:
            with self._page.expect_download(timeout=self._material.portal.timeout_seconds * 1000) as coming:
                self._page.locator(selector).first.click(no_wait_after=True)
            return coming.value.suggested_filename, coming.value.path().read_bytes()
        except Error:
            self._driver.note("the confirmation could not be downloaded")
            return None

    def _number(self, reading: Reading) -> str | None:
        selector = reading.selector or "body"
        texts: list[str | None] = self._page.evaluate(_READ, [selector, reading.attribute])
        return next((value for text in texts if (value := reading.cut(text)) is not None), None)
