"""What a mail of the bounce mailbox is, and what it says of each recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

BounceClass = Literal[
    "hard", "disabled", "full", "soft", "policy", "delayed", "delivered", "unknown", "auto_reply", "complaint",
    "not_a_report",
]  # fmt: skip
Kind = Literal["delivery_status", "feedback", "plain_text", "auto_reply", "other"]
# Classes that say something against the address; the others never count, however often they come.
COUNTED: frozenset[str] = frozenset({"hard", "disabled", "full", "soft", "unknown", "complaint"})
LONGEST_LINE = 400  # of one quoted line


@dataclass(frozen=True)
class Ids:
    """What ties a report to a mail of ours, as the returned headers say it. None of it is believed unchecked.

    message_ids: with their angle brackets. tags: of our bounce address, as in bounces+<tag>@… . campaign,
    subscriber: Listmonk's uuids. to: recipients of the returned mail.
    """

    message_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    campaign: str | None = None
    subscriber: str | None = None
    segment: str | None = None
    to: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.message_ids or self.tags or self.campaign or self.subscriber)


@dataclass(frozen=True)
class Result:
    """One recipient's outcome. `evidence`: the very lines that decided, as they stand in the report.

    recipient: the address the server gave up on; original: the one we wrote to, where the report names both.
    rule: name of the rule in rules.yaml, or of what else decided.
    """

    class_: BounceClass
    rule: str
    recipient: str | None = None
    original: str | None = None
    action: str | None = None
    status: str | None = None
    remote_mta: str | None = None
    evidence: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Both addresses, the one we wrote to first."""
        return tuple(dict.fromkeys(address for address in (self.original, self.recipient) if address))


@dataclass(frozen=True)
class Report:
    """A mail as read: one result per recipient, never none."""

    kind: Kind
    results: Sequence[Result]
    ids: Ids = field(default_factory=Ids)
    reporting_mta: str | None = None


def quote(line: str) -> str:
    """One line of evidence: printable, blanks collapsed, not longer than LONGEST_LINE."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"
