"""Who calls: API users, their permissions, their lists, and the refusals Listmonk answers with."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PERMISSIONS = frozenset(
    {
        "lists:get_all",
        "lists:manage_all",
        "subscribers:get",
        "subscribers:get_all",
        "subscribers:manage",
        "subscribers:import",
        "subscribers:sql_query",
        "bounces:get",
        "bounces:manage",
        "webhooks:post_bounce",
        "campaigns:get",
        "campaigns:manage",
        "campaigns:send",
        "templates:get",
        "templates:manage",
        "settings:get",
    }
)


class Refusal(Exception):
    """An answer `{"message": …}` with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class ApiUser:
    """A record of type `api`. `lists`: the ids its list role lets it get and manage; None: every list."""

    name: str
    token: str
    permissions: frozenset[str] = PERMISSIONS
    lists: frozenset[int] | None = None

    def demand(self, permission: str) -> None:
        """403 unless the user has it. `x:get_all` and `x:manage_all` include `x:get` and `x:manage`."""
        if permission not in self.permissions and f"{permission}_all" not in self.permissions:
            raise Refusal(403, f"permission denied: {permission}")

    def permitted(self, list_ids: Iterable[int]) -> list[int]:
        """The lists of `list_ids` the user may manage; the others are dropped without a word."""
        return [number for number in list_ids if self.lists is None or number in self.lists]


def authenticate(users: Mapping[str, ApiUser], headers: Mapping[str, str]) -> ApiUser:
    """The calling API user. A cookie holding `session=` hides the Authorization header, as in the real one."""
    if "session=" in headers.get("cookie", ""):
        raise Refusal(403, "invalid session")
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "token":
        name, _, token = rest.strip().partition(":")
    elif scheme.lower() == "basic":
        try:
            name, _, token = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refusal(403, "invalid API credentials") from error
    else:
        raise Refusal(403, "invalid session")
    user = users.get(name)
    if user is None or not hmac.compare_digest(user.token.encode(), token.encode()):
        raise Refusal(403, "invalid API credentials")
    return user
