"""Listmonk's campaigns, templates and settings: the calls we use. What they must look like is decided in `leads/`.

The API user needs campaigns:get, templates:get, templates:manage; with settings:get it can also be read whether mails
carry the one-click headers (RFC 8058). Sources: knadh/listmonk cmd/{campaigns,templates,settings}.go, permissions.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pw_pipelines.resources.listmonk import Listmonk, ListmonkForbidden, ListmonkUnavailable

CAMPAIGN = "campaign"  # the type of template that campaigns are set in
UNSUBSCRIBE_HEADER = "privacy.unsubscribe_header"


@dataclass(frozen=True)
class StoredTemplate:
    """A template as Listmonk has it. `type`: campaign, campaign_visual or tx. Names need not be unique there."""

    id: int
    name: str
    type: str
    body: str


@dataclass(frozen=True)
class Campaign:
    """A campaign as Listmonk has it. sent: mails so far, over its whole life."""

    id: int
    uuid: str
    name: str
    subject: str
    type: str  # regular | optin
    status: str  # draft | scheduled | running | paused | finished | cancelled
    content_type: str
    body: str
    altbody: str | None
    template_id: int | None
    headers: tuple[Mapping[str, str], ...]
    list_ids: frozenset[int]
    sent: int
    started_at: datetime | None


def templates(listmonk: Listmonk) -> list[StoredTemplate]:
    """Every template. Raises ListmonkUnavailable, ListmonkRefused."""
    rows = listmonk.call("GET", "/api/templates")
    try:
        return [
            StoredTemplate(int(row["id"]), str(row["name"]), str(row["type"]), str(row.get("body") or ""))
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ListmonkUnavailable(f"Listmonk gave templates that could not be read ({error!r}).") from error


def create_template(listmonk: Listmonk, name: str, body: str) -> int:
    """Makes a template for campaigns; its id. A repeated call makes a second one: look first."""
    return int(listmonk.call("POST", "/api/templates", json={"name": name, "type": CAMPAIGN, "body": body})["id"])


def update_template(listmonk: Listmonk, template_id: int, name: str, body: str) -> None:
    """Replaces a template's body."""
    listmonk.call("PUT", f"/api/templates/{template_id}", json={"name": name, "type": CAMPAIGN, "body": body})


def campaigns(listmonk: Listmonk, *statuses: str) -> list[Campaign]:
    """Campaigns in these statuses; none named: all. Whole, or ListmonkUnavailable."""
    rows = listmonk.everything("/api/campaigns", {"status": list(statuses)} if statuses else {})
    return [_campaign(row) for row in rows]


def sends_unsubscribe_header(listmonk: Listmonk) -> bool | None:
    """Whether campaign mails carry List-Unsubscribe and List-Unsubscribe-Post; None: we may not look."""
    try:
        found = listmonk.call("GET", "/api/settings")
    except ListmonkForbidden:
        return None
    value = found.get(UNSUBSCRIBE_HEADER) if isinstance(found, dict) else None
    return value if isinstance(value, bool) else None


def _campaign(row: Mapping[str, Any]) -> Campaign:
    try:
        started = row.get("started_at")
        return Campaign(
            id=int(row["id"]), uuid=str(row["uuid"]), name=str(row["name"]), subject=str(row["subject"]),
            type=str(row["type"]), status=str(row["status"]), content_type=str(row["content_type"]),
            body=str(row.get("body") or ""), altbody=row.get("altbody"), template_id=row.get("template_id"),
            headers=tuple(row.get("headers") or ()),
            list_ids=frozenset(int(item["id"]) for item in row.get("lists") or ()), sent=int(row.get("sent") or 0),
            started_at=datetime.fromisoformat(started) if started else None,
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ListmonkUnavailable(f"Listmonk gave a campaign that could not be read ({error!r}).") from error
