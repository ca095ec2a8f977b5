"""The way to the portals: fills forms, files them, looks them up. It knows no orders and no books.

Every method does its work in a browser context of its own and leaves none behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.filings import sending
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.filling import Filling
from pw_pipelines.filings.material import Asked, Filed, Filled, Found, Material
from pw_pipelines.filings.portal import Portal, portal_of
from pw_pipelines.filings.probing import ProbeReport, probe
from pw_pipelines.filings.reading_back import look_up
from pw_pipelines.filings.stopped import Challenged, FilingStopped, NotConfirmed, PortalSaid
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# The account every stand-in knows.
_SANDBOX_ACCOUNT = {
    "username": "sandbox", "password": "sandbox-password", "account_number": "PW-40017", "account_pin": "4711",
}  # fmt: skip
_T = TypeVar("_T")


class FilingEngine:
    """`portals`: where portals' data come from. `browsers`: shared with other engines, where there are several."""

    def __init__(
        self,
        settings: Settings,
        *,
        portals: Callable[[str], Portal] = portal_of,
        browsers: Browsers | None = None,
    ) -> None:
        self._settings = settings
        self._browsers = browsers or Browsers()
        self.portal = portals

    def close(self) -> None:
        """Closes the browser, if it is open."""
        self._browsers.close()

    def fill(self, material: Material, *, state: str | None = None) -> Filled:
        """Fills the form up to its submit and leaves it so. `state`: of a browser that a person worked in.

        Raises PageChanged, Challenged, PortalSaid, MissingFacts, FilingStopped: nothing was sent, `shots` show why;
        OutsideUnavailable when the portal is away; ConfigError without an account.
        """

        def work(page: Page) -> Filled:
            filling = self._filling(page, material)
            with _shown(filling, page.context):
                return filling.fill()

        return self._on_a_page(work, state)

    def file(
        self,
        material: Material,
        *,
        may_send: Callable[[Filled], None],
        state: str | None = None,
    ) -> Filed:
        """Fills the form anew, asks `may_send`, which raises when it must not be sent, and submits it.

        Raises as `fill` and as `may_send`: nothing was sent. After the submit:
        PortalSaid, refused: nothing was filed; NotConfirmed: it may have been.
        """

        def work(page: Page) -> Filed:
            filling = self._filling(page, material)
            with _shown(filling, page.context):
                filled = filling.fill()
                looked_at = sending.boot_seconds()
                may_send(filled)
                return filling.submit(filled, looked_at=looked_at)

        return self._on_a_page(work, state)

    def look_up(self, asked: Asked, *, state: str | None = None) -> Found:
        """Whether the filing is there, by the portal's own word. Raises OutsideUnavailable, Challenged, PageChanged."""
        portal = asked.material.portal
        return self._on_a_page(
            lambda page: look_up(page, asked, self.base(portal), self.account(portal), self._settings), state
        )

    def probe(self, portal: Portal) -> ProbeReport:
        """Looks whether the selectors of the portal stand, as far as one can without filling anything in."""
        seconds = self._settings.probe_pause_seconds

        def work(page: Page) -> ProbeReport:
            base, account = self.base(portal), self.account(portal)
            return probe(page, portal, base, account, pause=lambda: page.wait_for_timeout(seconds * 1000))

        return self._on_a_page(work, None)

    def base(self, portal: Portal) -> str:
        """The portal's address, or that of its stand-in."""
        urls = self._settings.portal_urls
        if portal.portal in urls:
            return urls[portal.portal].rstrip("/")
        return f"{urls['*'].rstrip('/')}/{portal.portal}" if "*" in urls else portal.url

    def account(self, portal: Portal) -> Mapping[str, str]:
        """What PW_PORTAL_ACCOUNTS holds for the portal. Raises ConfigError when it is needed and not there."""
        secret = self._settings.portal_accounts
        try:
            accounts: dict[str, Any] = json.loads(secret.get_secret_value()) if secret else {}
            known = accounts.get(portal.portal, {})
            account = {str(name): str(value) for name, value in known.items()}
        except (ValueError, AttributeError):
            raise ConfigError(
                'PW_PORTAL_ACCOUNTS is not valid: JSON such as {"fcc_rmd": {"username": "…", "password": "…"}}.'
            ) from None
        if self._settings.is_sandbox:
            return {**_SANDBOX_ACCOUNT, **account}
        if portal.login is not None and not {"username", "password"} <= account.keys():
            raise ConfigError(f"PW_PORTAL_ACCOUNTS has no username and password for {portal.portal}.")
        return account

    def _filling(self, page: Page, material: Material) -> Filling:
        portal = material.portal
        page.set_default_timeout(portal.timeout_seconds * 1000)
        return Filling(page, material, self.base(portal), self.account(portal))

    def _on_a_page(self, work: Callable[[Page], _T], state: str | None) -> _T:
        def visit(browser: Browser) -> _T:
            context = browser.new_context(
                user_agent=self._settings.user_agent,
                viewport={"width": 1280, "height": 900},
                service_workers="block",
                storage_state=json.loads(state) if state else None,
            )
            try:
                return work(context.new_page())
            finally:
                context.close()

        return self._browsers.run(visit)


@contextmanager
def _shown(filling: Filling, context: BrowserContext) -> Iterator[None]:
    """Adds to whatever stops a filling what the page looked like, and translates the browser's own errors."""
    from playwright.sync_api import Error

    try:
        yield
    except (FilingStopped, OutsideUnavailable, Error) as stopped:
        if filling.is_sent and not isinstance(stopped, PortalSaid):
            raise NotConfirmed(f"It was sent, and what came then is not clear: {type(stopped).__name__}.") from stopped
        if isinstance(stopped, Error):
            raise OutsideUnavailable(f"The browser could not go on: {type(stopped).__name__}.") from stopped
        if isinstance(stopped, OutsideUnavailable):
            raise
        if not stopped.shots:
            filling.shoot("Where it stopped")
            stopped.shots = filling.shots
        if isinstance(stopped, Challenged):
            stopped.state = json.dumps(context.storage_state())
        raise
