"""Someone at the stand-ins of the states' and the IRS's portals without a browser, for what only the wire shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from pw_pipelines.settings import Settings

PDF = b"%PDF-1.7\n%articles\n%%EOF\n"
MONDAY = datetime(2026, 11, 23, 17, tzinfo=UTC)
PORTALS = ("wy_registry", "irs_ein", "bc_registry", "agent_wholesale")

WYOMING: dict[str, dict[str, str]] = {
    "type": {"rblType": "llc", "chkRead": "1"},
    "name": {"txtEntityName": "Quillfeather Larkmoor LLC"},
    "agent": {"txtAgentName": "Performance West", "txtAgentAddress": "1 Agent Way\r\nCheyenne", "chkConsent": "1"},
    "office": {"txtPrincipal": "12 Quillfeather Road", "txtMailing": "12 Quillfeather Road"},
    "organizer": {"txtOrganizer": "Performance West"},
    "articles": {},
    "review": {},
    "payment": {"rblPay": "account", "txtAccount": "PW-40017", "txtPin": "4711"},
    "signature": {"txtSignature": "Alex Example", "txtCapacity": "Organizer", "chkCertify": "1"},
}
IRS: dict[str, dict[str, str]] = {
    "structure": {"structure": "llc"},
    "llc": {"members": "2", "located": "WY"},
    "reason": {"reason": "started"},
    "responsible": {"responsibleName": "Alex Example", "ssn": "900-12-3456", "role": "designee"},
    "designee": {"designeeName": "Performance West", "designeeAddress": "1 Agent Way"},
    "address": {"address": "12 Quillfeather Road, Larkmoor WY", "mailing": "P.O. Box 7, Larkmoor WY"},
    "details": {
        "legalName": "Quillfeather Larkmoor LLC", "county": "Laramie", "organizedIn": "WY", "startDate": "11/20/2026",
        "closingMonth": "December",
    },
    "activities": {"truck": "no", "gambling": "no", "excise": "no", "employees": "0"},
    "business": {"trade": "other", "activity": "Telecommunications", "product": "Voice"},
    "letter": {"letter": "online"},
}  # fmt: skip


@dataclass
class Visitor:
    """A browser's cookies and links, and the control over the stand-ins."""

    settings: Settings
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.settings.sandbox_url, follow_redirects=True, timeout=30)

    def at(self, moment: datetime) -> None:
        """Puts the sandbox's clock there."""
        self.settings.clock.set_offset(moment - datetime.now(UTC) + timedelta(seconds=1))

    def later(self, **more: float) -> None:
        """Moves the sandbox's clock on."""
        self.settings.clock.set_offset(self.settings.clock.offset() + timedelta(**more))

    def filed(self, portal: str) -> int:
        """How many submissions the portal truly has."""
        return int(self.client.get("/_control/filings", params={"portal": portal}).json()["count"])

    def change(self, portal: str, change: str) -> None:
        self.client.post(f"/_control/filing/{portal}/page", json={"change": change}).raise_for_status()

    def tell(self, portal: str, **order: Any) -> httpx.Response:
        """The portal's own control."""
        return self.client.post(f"/filing/{portal}/_sandbox", json=order)

    def quiet(self) -> None:
        """Nothing filed, nothing changed, Monday noon."""
        self.client.delete("/_control/filings")
        for portal in PORTALS:
            self.change(portal, "none")
        self.tell("irs_ein", hours=None)
        self.at(MONDAY)

    def wyoming(self, until: str = "signature", **said: dict[str, str]) -> str:
        """Walks Wyoming's wizard up to the page `until`, or to the one that refuses; its HTML."""
        page = self.client.get("/filing/wy_registry/Business/Create.aspx").text
        for step, answers in WYOMING.items():
            if step == until or "MainContent_ValidationSummary" in page:
                break
            page = self.post_wyoming(page, answers | said.get(step, {}))
        return page

    def post_wyoming(self, page: str, answers: dict[str, str], pdf: bytes = PDF) -> str:
        """Posts a page of the wizard to where its form goes."""
        action = found(page, r'action="([^"]+)"')
        files = {"fuArticles": ("articles.pdf", pdf, "application/pdf")}
        return self.client.post(action, data={"__VIEWSTATE": view_state(page)} | answers, files=files).text

    def irs(self, until: str = "submit", **said: dict[str, str]) -> str:
        """Walks the assistant up to the page `until`, and submits; the last page's HTML."""
        page = self.client.post("/filing/irs_ein/applyein/begin").text
        for step, answers in IRS.items():
            if step == until:
                return page
            page = self.client.post(f"/filing/irs_ein/applyein/{step}", data=answers | said.get(step, {})).text
        return self.client.post("/filing/irs_ein/applyein/submit").text if until == "submit" else page

    def sign_in(self, portal: str) -> None:
        account = {"username": "sandbox", "password": "sandbox-password"}
        self.client.post(f"/filing/{portal}/login", data=account).raise_for_status()


def found(page: str, pattern: str) -> str:
    """The first group of the first place that fits."""
    match = re.search(pattern, page)
    assert match, f"{pattern} is not in {page[:2000]}"
    return match.group(1)


def view_state(page: str) -> str:
    return found(page, r'name="__VIEWSTATE" value="([^"]+)"')
