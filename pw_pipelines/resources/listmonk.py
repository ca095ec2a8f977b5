"""Listmonk's HTTP API: the calls we use, with its traps closed. Which person belongs where is decided in `leads/`.

ListmonkUnavailable (an OutsideUnavailable)   nobody knows, or it is overloaded: try again later
ListmonkRefused     (an OutsideRefused)       it said no to this call
└── ListmonkForbidden                         it will say no to every such call: credentials, permissions, list

Every write here may be repeated: a second create is 409, a second merge or removal changes nothing. So a broken
connection is tried again a few times before it is called unavailable.
"""

from __future__ import annotations

import http.cookiejar
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient, json_object
from pw_pipelines.settings import Settings

PAGE = 50  # Listmonk silently cuts larger pages (cmd/main.go)
IDS_PER_CALL = 500
PATCH_SINCE = (6, 1)  # before, a change of attributes is a full replace
ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 10.0
PASSING_STATUS = frozenset({408, 425, 429, 502, 503, 504})
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
# What may stand in a query: e-mail addresses as we accept them, nothing that a shell, log or SQL could stumble on.
_EMAIL = re.compile(r"[!-~]+@[!-~]+", re.ASCII)


class ListmonkUnavailable(OutsideUnavailable):
    """Listmonk could not be asked, or did not answer whole; trying again later may work."""


class ListmonkRefused(OutsideRefused):
    """Listmonk refused this call. `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ListmonkForbidden(ListmonkRefused):
    """Credentials, permissions or the list are wrong: no such call can succeed until a person mends it."""


@dataclass(frozen=True)
class Subscriber:
    """A person in Listmonk. `subscriptions`: list id -> unconfirmed | confirmed | unsubscribed."""

    id: int
    email: str
    status: str  # enabled | disabled | blocklisted
    attribs: Mapping[str, Any]
    subscriptions: Mapping[int, str]


@dataclass(frozen=True)
class BounceRow:
    """A bounce as Listmonk tells it. `type`: hard | soft | complaint."""

    email: str
    type: str
    source: str
    bounced_at: datetime
    meta: Mapping[str, Any]


class Listmonk(OwnsClient):
    """One Listmonk, one API user. Thread-safe. `transport` and `sleep` are seams for tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.listmonk_token is None:
            raise ConfigError("PW_LISTMONK_TOKEN is not set: make an API user in Listmonk and put its token there.")
        self._sleep = sleep
        self._patches: bool | None = None
        self._client = httpx.Client(
            base_url=settings.listmonk_url.rstrip("/"),
            headers={
                "Authorization": f"token {settings.listmonk_user}:{settings.listmonk_token.get_secret_value()}",
                "User-Agent": settings.user_agent,
            },
            timeout=settings.http_timeout_seconds,
            transport=transport,
            # A session cookie would make Listmonk ignore the token: take no cookie from anybody.
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        )

    # -- reading -------------------------------------------------------------------------------------------------

    def demand_list(self, list_id: int) -> None:
        """Raises ListmonkForbidden unless the list is there, may be used and is single opt-in.

        On a double opt-in list every create sends a mail that no quota of ours counts.
        """
        try:
            found = self.call("GET", f"/api/lists/{list_id}")
        except ListmonkRefused as error:
            raise ListmonkForbidden(
                f"Listmonk has no list {list_id}, or user may not see it ({error}). Create it or set "
                "PW_LISTMONK_LIST_ID, and give the API user a list role with get and manage.",
                status=error.status,
            ) from error
        if not isinstance(found, dict) or found.get("optin") != "single":
            raise ListmonkForbidden(
                f"Listmonk's list {list_id} is double opt-in and would mail everybody who is added; "
                "make it single opt-in.",
                status=200,
            )

    def members(self, list_id: int) -> list[Subscriber]:
        """Everybody with a row on the list, the unsubscribed included, each once. Whole, or ListmonkUnavailable."""
        return self._people({"list_id": str(list_id)})

    def not_mailable(self) -> list[Subscriber]:
        """Everybody who is blocklisted, disabled, or has unsubscribed from any list."""
        return self._people(
            {
                "query": "subscribers.status <> 'enabled' OR EXISTS (SELECT 1 FROM subscriber_lists"
                " WHERE subscriber_lists.subscriber_id = subscribers.id"
                " AND subscriber_lists.status = 'unsubscribed')"
            }
        )

    def by_email(self, email: str) -> Subscriber | None:
        """The person with this address in any letter case, or None. Raises ValueError for what is no address."""
        found = self._people({"query": f"LOWER(subscribers.email) = {email_literal(email)}"})
        return found[0] if found else None

    def by_uuid(self, uuid: str) -> Subscriber | None:
        """The person with this uuid, or None. Raises ValueError for what is no uuid."""
        found = self._people({"query": f"subscribers.uuid = '{UUID(uuid)}'"})
        return found[0] if found else None

    def bounces(self) -> list[BounceRow]:
        """Every bounce Listmonk still remembers. Whole, or ListmonkUnavailable."""
        return [
            BounceRow(
                email=str(row["email"]).strip().lower(),
                type=str(row["type"]),
                source=str(row["source"]),
                bounced_at=datetime.fromisoformat(row["created_at"]),
                meta=row.get("meta") or {},
            )
            for row in self.everything("/api/bounces", {"order_by": "created_at", "order": "asc"})
        ]

    # -- writing -------------------------------------------------------------------------------------------------

    def create(self, email: str, name: str, attribs: Mapping[str, Any], list_id: int) -> int | None:
        """Creates the person on the list; the new id, or None if the address is there already (409).

        ListmonkForbidden if the person was made but not put on the list: Listmonk drops lists that the API user
        may not manage without a word.
        """
        try:
            made = self.call(
                "POST",
                "/api/subscribers",
                json={"email": email, "name": name, "status": "enabled", "attribs": dict(attribs), "lists": [list_id]},
            )
        except ListmonkRefused as error:
            if error.status == 409:
                return None
            raise
        except ListmonkUnavailable:
            if self.by_email(email) is not None:  # a row in mixed case trips an index: 500 instead of 409
                return None
            raise
        person = _person(made)
        if list_id not in person.subscriptions:
            raise ListmonkForbidden(
                f"Listmonk created subscriber {person.id} but not on list {list_id}: the API user may not manage "
                "that list. Give it a list role with get and manage for it.",
                status=200,
            )
        return person.id

    def merge_attribs(self, subscriber_id: int, attribs: Mapping[str, Any]) -> None:
        """Sets these top-level attributes and leaves every other one, the lists and the status alone."""
        path = f"/api/subscribers/{subscriber_id}"
        if self._can_patch():
            self.call("PATCH", path, json={"attribs": dict(attribs)})
            return
        raw = self.call("GET", path)
        person = _person(raw)
        self.call(
            "PUT",  # a full replace: what was read goes back, an empty status keeps the stored one
            path,
            json={
                "email": person.email,
                "name": raw.get("name", "") if isinstance(raw, dict) else "",
                "status": "",
                "lists": sorted(person.subscriptions),
                "attribs": {**person.attribs, **attribs},
            },
        )

    def add_to_list(self, subscriber_ids: Sequence[int], list_id: int) -> None:
        """Puts people on the list. Never sends a status: that would overrule an opt-out."""
        self._subscriptions("add", subscriber_ids, list_id)

    def remove_from_list(self, subscriber_ids: Sequence[int], list_id: int) -> None:
        """Takes people off the list; they stay in Listmonk."""
        self._subscriptions("remove", subscriber_ids, list_id)

    def unsubscribe(self, subscriber_ids: Sequence[int], list_id: int) -> None:
        """Marks people's subscription to the list `unsubscribed`, which Listmonk then remembers."""
        self._subscriptions("unsubscribe", subscriber_ids, list_id)

    def report_bounce(self, bounce: BounceRow, *, campaign: str | None = None) -> None:
        """Tells Listmonk of a bounce (`POST /webhooks/bounce`); it takes those of people it does not know, too.

        ListmonkRefused with status 404 where bounce processing or its webhook is switched off in Listmonk.
        """
        said = {"email": bounce.email, "source": bounce.source, "type": bounce.type, "meta": dict(bounce.meta)}
        more = {"campaign_uuid": campaign} if campaign else {}
        self.call("POST", "/webhooks/bounce", json={**said, **more, "created_at": bounce.bounced_at.isoformat()})

    # -- inside --------------------------------------------------------------------------------------------------

    def _subscriptions(self, action: str, subscriber_ids: Sequence[int], list_id: int) -> None:
        for start in range(0, len(subscriber_ids), IDS_PER_CALL):
            ids = list(subscriber_ids[start : start + IDS_PER_CALL])
            self.call(
                "PUT", "/api/subscribers/lists", json={"ids": ids, "action": action, "target_list_ids": [list_id]}
            )

    def _can_patch(self) -> bool:
        """Whether this release has PATCH. Unknown counts as no: the older way works on every release."""
        if self._patches is None:
            self._patches = any(
                (found := _VERSION.match(text)) is not None
                and (int(found.group(1)), int(found.group(2))) >= PATCH_SINCE
                for text in self._versions()
            )
        return self._patches

    def _versions(self) -> Iterable[str]:
        for path in ("/api/about", "/api/config"):
            try:
                told = self.call("GET", path, enveloped=False)
            except ListmonkRefused:  # not every API user may ask
                continue
            data = told.get("data", told) if isinstance(told, dict) else {}
            if isinstance(data, dict) and data.get("version"):
                yield str(data["version"])
                return

    def _people(self, params: Mapping[str, str]) -> list[Subscriber]:
        rows = self.everything("/api/subscribers", {**params, "order_by": "created_at", "order": "asc"})
        return list({person.id: person for person in map(_person, rows)}.values())

    def everything(self, path: str, params: Mapping[str, str | list[str]]) -> list[dict[str, Any]]:
        """All results: in one reply where the release knows `per_page=all`, else page by page; counted."""
        first = self._page(path, {**params, "per_page": "all"})
        if len(first[0]) == first[1]:
            return first[0]
        rows, total, number = [], first[1], 1
        while True:
            page, stated = self._page(path, {**params, "per_page": str(PAGE), "page": str(number)})
            rows += page
            if not page or len(rows) >= stated:
                break
            number += 1
        if stated != total or len({row["id"] for row in rows}) != total:
            raise ListmonkUnavailable(
                f"Listmonk's {path} stated {total} rows and gave {len(rows)}: it changed while being read. Nothing was "
                "concluded from it; try again."
            )
        return rows

    def _page(self, path: str, params: Mapping[str, str | list[str]]) -> tuple[list[dict[str, Any]], int]:
        data = self.call("GET", path, params=params)
        try:
            results, total = data["results"] or [], int(data["total"])
            if not isinstance(results, list):
                raise TypeError("results")
        except (KeyError, TypeError, ValueError) as error:
            raise ListmonkUnavailable(
                f"Listmonk's {path} answered without results or total ({error}); is PW_LISTMONK_URL its address?"
            ) from error
        return results, total

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | list[str]] | None = None,
        json: object = None,
        enveloped: bool = True,
    ) -> Any:
        """One call, repeated while only the connection or a passing overload failed. Returns `data`.

        Raises ListmonkUnavailable, ListmonkRefused.
        """
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._client.request(method, path, params=params, json=json)
            except httpx.RequestError as error:
                failure = ListmonkUnavailable(
                    f"Listmonk did not answer {method} {path} ({type(error).__name__}: {error})."
                )
                if attempt == ATTEMPTS:
                    raise failure from error
            else:
                if response.status_code not in PASSING_STATUS:
                    return _content(response, method, path, enveloped=enveloped)
                failure = ListmonkUnavailable(f"Listmonk answered {method} {path} with {response.status_code}.")
                if attempt == ATTEMPTS:
                    raise failure
                asked = response.headers.get("Retry-After", "")
                wait = max(wait, min(float(asked), LONGEST_WAIT_SECONDS)) if asked.isdigit() else wait
            self._sleep(wait)
            wait *= 4
        raise AssertionError("unreachable: the last attempt returns or raises")


def email_literal(email: str) -> str:
    """`email`, lower-cased, as an SQL literal for `query=`, which knows no bind parameters.

    Raises ValueError for anything but printable ASCII around one `@`: blanks, control characters, NUL.
    """
    text = email.strip().lower()
    if _EMAIL.fullmatch(text) is None or text.count("@") != 1 or "\\" in text:
        raise ValueError(f"{email!r} is no e-mail address that may stand in a query")
    return "'" + text.replace("'", "''") + "'"


def _content(response: httpx.Response, method: str, path: str, *, enveloped: bool) -> Any:
    status, content = response.status_code, json_object(response)
    if status >= 500:
        raise ListmonkUnavailable(f"Listmonk answered {method} {path} with {status}: {_message(content)}")
    if status in (401, 403):
        raise ListmonkForbidden(
            f"Listmonk refused {method} {path}: {_message(content)}. Look at PW_LISTMONK_USER, PW_LISTMONK_TOKEN and "
            "the user's roles (subscribers:get, manage and sql_query, bounces:get, and the list).",
            status=status,
        )
    if status >= 300:
        raise ListmonkRefused(f"Listmonk refused {method} {path} with {status}: {_message(content)}", status=status)
    if not enveloped and content is not None:
        return content
    if content is None or "data" not in content:
        raise ListmonkUnavailable(
            f"{method} {path} answered {status} with something that is not Listmonk's; is PW_LISTMONK_URL right?"
        )
    return content["data"]


def _message(content: Mapping[str, Any] | None) -> str:
    return "no message" if content is None else str(content.get("message", ""))[:300]


def _person(row: object) -> Subscriber:
    try:
        assert isinstance(row, dict)
        attribs = row["attribs"]
        return Subscriber(
            id=int(row["id"]),
            email=str(row["email"]).strip().lower(),
            status=str(row["status"]),
            attribs=attribs if isinstance(attribs, dict) else {},
            subscriptions={int(item["id"]): str(item["subscription_status"]) for item in row["lists"] or []},
        )
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ListmonkUnavailable(f"Listmonk gave a subscriber that could not be read ({error!r}).") from error
