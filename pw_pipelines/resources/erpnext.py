"""ERPNext's REST API (Frappe): the calls we use, with its traps closed. What is booked is decided in `commerce/`.

ErpnextUnavailable (an OutsideUnavailable)   nobody knows whether it was done: look before asking again
ErpnextRefused     (an OutsideRefused)       it said no to this call; nothing was done
├── ErpnextExists                            a document with this unique value is there already
├── ErpnextMissing                           there is no such document or type
├── ErpnextDenied                            our user may not do this with this document
└── ErpnextForbidden                         it will say no to every such call: credentials or set-up

Reading is repeated here when only the connection failed. Writing never is: names come from a naming series, so a
second POST makes a second document. Source: frappe/{api,exceptions,handler}.py, docs.frappe.io.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient
from pw_pipelines.settings import Settings

Document = dict[str, Any]

PAGE = 100  # without a limit Frappe gives 20 rows and says nothing of the rest
ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 10.0
DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
# A second value in a unique field is UniqueValidationError (417) today, DuplicateEntryError (409) for a second name.
_EXISTS = frozenset({"DuplicateEntryError", "UniqueValidationError"})
_MADE_BY_MAKER = frozenset({"__islocal", "__unsaved", "name", "docstatus", "owner", "creation", "modified"})
_TAG = re.compile(r"<[^>]+>")
_LONGEST_SAYING = 400


class ErpnextUnavailable(OutsideUnavailable):
    """ERPNext was not reached, is overloaded, or its answer was lost: what was asked may or may not have been done."""


class ErpnextRefused(OutsideRefused):
    """ERPNext refused this call and did nothing. `status` is the HTTP status, `exc_type` Frappe's exception."""

    def __init__(self, message: str, *, status: int, exc_type: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.exc_type = exc_type


class ErpnextExists(ErpnextRefused):
    """A document with this name or unique value is there already."""


class ErpnextMissing(ErpnextRefused):
    """There is no such document, or no such type of document."""


class ErpnextDenied(ErpnextRefused):
    """Our user may not do this with this document or type; others may well be open to it."""


class ErpnextForbidden(ErpnextRefused):
    """Credentials or set-up are wrong: no such call can succeed until a person mends it."""


@dataclass(frozen=True)
class Setup:
    """What our documents are made under in this ERPNext, as the settings say.

    items: kind of a bill's line (service, fee, surcharge) -> item code; bank_accounts: currency -> account that
    receives the money, where the company's default is not the right one.
    """

    company: str
    price_list: str
    customer_group: str
    territory: str
    items: Mapping[str, str]
    bank_accounts: Mapping[str, str]


class Erpnext(OwnsClient):
    """One ERPNext, one API user. Thread-safe. `transport` and `sleep` are seams for tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.erpnext_api_key is None or settings.erpnext_api_secret is None:
            raise ConfigError(
                "The books need PW_ERPNEXT_API_KEY and PW_ERPNEXT_API_SECRET: in ERPNext, User > Settings > API Access."
            )
        self.setup = Setup(
            company=settings.erpnext_company,
            price_list=settings.erpnext_price_list,
            customer_group=settings.erpnext_customer_group,
            territory=settings.erpnext_territory,
            items=settings.erpnext_items,
            bank_accounts=settings.erpnext_bank_accounts,
        )
        self._sleep = sleep
        self._unique: set[tuple[str, str]] = set()
        key, secret = settings.erpnext_api_key, settings.erpnext_api_secret.get_secret_value()
        self._client = httpx.Client(
            base_url=settings.erpnext_url.rstrip("/"),
            headers={
                "Authorization": f"token {key}:{secret}",
                "Accept": "application/json",
                "User-Agent": settings.user_agent,
            },
            timeout=settings.http_timeout_seconds,
            transport=transport,
            # A session cookie would bring Frappe's CSRF check into force: take no cookie from anybody.
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        )

    # -- reading -------------------------------------------------------------------------------------------------

    def find(self, doctype: str, filters: Sequence[Sequence[object]], fields: Sequence[str]) -> list[Document]:
        """Every document that fits, in the order of names, with just `fields` (never child tables) and its name.

        Read page by page behind the last name, so that rows which come and go meanwhile hide none.
        """
        wanted = list(dict.fromkeys(("name", *fields)))
        found: list[Document] = []
        while True:
            behind = [["name", ">", found[-1]["name"]]] if found else []
            page = self._data(
                "GET",
                _path(doctype),
                params={
                    "fields": json.dumps(wanted),
                    "filters": json.dumps([*map(list, filters), *behind]),
                    "order_by": "name asc",
                    "limit_start": "0",
                    "limit_page_length": str(PAGE),
                },
                repeatable=True,
            )
            if not isinstance(page, list):
                raise ErpnextUnavailable(f"ERPNext answered a list of {doctype} with something else.")
            found += page
            if len(page) < PAGE:
                return found

    def get(self, doctype: str, name: str) -> Document:
        """The whole document, child tables included. Raises ErpnextMissing."""
        return self._document("GET", _path(doctype, name), repeatable=True)

    def make(self, method: str, body: Mapping[str, object]) -> Document:
        """What one of ERPNext's makers prepares: an unsaved document, without the marks of being unsaved.

        Nothing is stored by it; `create` it.
        """
        content = self._call("POST", f"/api/method/{method}", json_body=body, repeatable=True)
        message = content.get("message")
        if not isinstance(message, dict):
            raise ErpnextUnavailable(f"ERPNext's {method} answered without a document.")
        return {field: value for field, value in message.items() if field not in _MADE_BY_MAKER}

    def demand_unique(self, doctype: str, field: str) -> None:
        """Raises ErpnextForbidden unless the custom field is there and unique: without it a document could be made
        twice. Asked once per client."""
        if (doctype, field) in self._unique:
            return
        found = self.find("Custom Field", [["dt", "=", doctype], ["fieldname", "=", field]], ["unique"])
        if not any(int(one.get("unique") or 0) for one in found):
            raise ErpnextForbidden(
                f"ERPNext's {doctype} has no unique custom field {field}, so a document could be made twice; nothing "
                "was made. Add it under Customize Form: type Data, Unique and No Copy ticked.",
                status=200,
            )
        self._unique.add((doctype, field))

    # -- writing: never repeated here ----------------------------------------------------------------------------

    def create(self, doctype: str, document: Mapping[str, object]) -> Document:
        """Stores a new document as a draft and returns it as stored. Raises ErpnextExists."""
        return self._document("POST", _path(doctype), json_body=document)

    def submit(self, doctype: str, name: str) -> Document:
        """Submits a draft; one that is submitted already stays so."""
        return self._document("PUT", _path(doctype, name), json_body={"docstatus": SUBMITTED})

    # -- inside --------------------------------------------------------------------------------------------------

    def _document(self, method: str, path: str, **how: Any) -> Document:
        data = self._data(method, path, **how)
        if not isinstance(data, dict) or "name" not in data:
            raise ErpnextUnavailable(f"ERPNext answered {method} {path} without a document.")
        return data

    def _data(self, method: str, path: str, **how: Any) -> Any:
        content = self._call(method, path, **how)
        if "data" not in content:
            raise ErpnextUnavailable(f"ERPNext answered {method} {path} without data; is PW_ERPNEXT_URL its address?")
        return content["data"]

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json_body: Mapping[str, object] | None = None,
        repeatable: bool = False,
    ) -> Document:
        """One call; one that may be repeated is, while only the connection or a passing overload failed."""
        content = None if json_body is None else json.dumps(dict(json_body), default=_number).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, (ATTEMPTS if repeatable else 1) + 1):
            try:
                response = self._client.request(method, path, params=params, content=content, headers=headers)
                return _content(response, method, path)
            except httpx.RequestError as error:
                failure = ErpnextUnavailable(f"ERPNext did not answer {method} {path} ({type(error).__name__}).")
                failure.__cause__ = error
            except ErpnextUnavailable as error:
                failure = error
            if attempt == ATTEMPTS or not repeatable:
                raise failure
            self._sleep(wait)
            wait = min(wait * 4, LONGEST_WAIT_SECONDS)
        raise AssertionError("unreachable: the last attempt returns or raises")


def cents(value: object) -> Decimal:
    """An amount of ERPNext's as exact cents. Its amounts are floats; what is not within a tenth of a cent of one is
    no amount of ours. Raises ValueError."""
    exact = Decimal(str(value))
    rounded = exact.quantize(Decimal("0.01"))
    if abs(exact - rounded) >= Decimal("0.001"):
        raise ValueError(f"{value} is no whole number of cents")
    return rounded


def _path(doctype: str, name: str | None = None) -> str:
    """Types and names hold blanks and may hold slashes."""
    parts = [doctype] if name is None else [doctype, name]
    return "/api/resource/" + "/".join(quote(part, safe="") for part in parts)


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)  # Frappe's own type of amounts; two decimals survive
    raise TypeError(f"{type(value).__name__} cannot be sent to ERPNext")


def _content(response: httpx.Response, method: str, path: str) -> Document:
    status = response.status_code
    try:
        content = json.loads(response.content, parse_float=Decimal)
    except ValueError:
        content = None
    known = content if isinstance(content, dict) else {}
    exc_type, said = str(known.get("exc_type") or ""), saying(known)
    call = f"{method} {path}"
    if status == 429 or status >= 500 or exc_type in ("RateLimitExceededError", "SessionStopped"):
        raise ErpnextUnavailable(f"ERPNext answered {call} with {status}{said}.")
    if 300 <= status < 400 or not isinstance(content, dict):
        raise ErpnextUnavailable(f"ERPNext's address answered {call} with {status} and a page, as a proxy does.")
    if status < 300:
        return content
    if status == 409 or exc_type in _EXISTS:
        kind: type[ErpnextRefused] = ErpnextExists
    elif status == 404:
        kind = ErpnextMissing
    elif status == 401 or exc_type == "AuthenticationError":
        kind = ErpnextForbidden
        said += ". Look at PW_ERPNEXT_API_KEY and PW_ERPNEXT_API_SECRET"
    elif status == 403:
        kind = ErpnextDenied
        said += ". Look at the roles and permissions of our user there"
    else:
        kind = ErpnextRefused
    raise kind(f"ERPNext refused {call} with {status} {exc_type}{said}.", status=status, exc_type=exc_type)


def saying(content: Mapping[str, object]) -> str:
    """What Frappe's error says to people, as `: text`; empty when it says nothing.

    `_server_messages` is a JSON text of a list of JSON texts, and `exception` a line of Python's.
    """
    texts: list[str] = []
    try:
        for one in json.loads(str(content.get("_server_messages") or "[]")):
            inner = json.loads(one) if isinstance(one, str) else one
            texts.append(str(inner.get("message", "")) if isinstance(inner, dict) else str(inner))
    except ValueError:
        texts.append(str(content.get("_server_messages")))
    if not texts and content.get("exception"):
        texts.append(str(content["exception"]).partition(": ")[2])
    joined = " ".join(" ".join(_TAG.sub(" ", text).split()) for text in texts if text).rstrip(".")
    return f": {joined[:_LONGEST_SAYING]}" if joined else ""
