"""Looks at portals: what each saw, every selector our adapters use, and since when it stands as it does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class PortalProbe(Base):
    """One look at a portal, by `by`: a job, a filing before it files, or a person.

    outcome: stands; changed; away (no page came: says nothing of the selectors); person (it asks for a human, and we
    ask no further). changes: a sentence each. change_digest: the same for the same changes, NULL without any.
    shots: [{title, picture, html, excerpt}], SHA-256 in the object store; nothing secret is in them.
    """

    __tablename__ = "portal_probes"
    __table_args__ = (
        CheckConstraint("kind in ('filing','search')", name="kind"),
        CheckConstraint("outcome in ('stands','changed','away','person')", name="outcome"),
        CheckConstraint("ok = (outcome = 'stands')", name="ok"),
        Index("ix_portal_probes_portal", "portal", "at"),
        {"schema": "pw"},
    )

    probe_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    portal: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    seconds: Mapped[float]
    outcome: Mapped[str]
    ok: Mapped[bool]
    why: Mapped[str | None]
    changes: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    change_digest: Mapped[str | None]
    selectors: Mapped[int]
    stood: Mapped[int]
    changed: Mapped[int]
    shots: Mapped[list[dict[str, Any]]] = mapped_column(server_default=sql_text("'[]'"))


class PortalSelector(Base):
    """One selector of a portal's file: where it is used, when it was first and last seen to stand, and on what.

    stood_on: tag, type, name, label, role of what it last stood on, or of what a person accepted since.
    not_seen: why the last look could not see it (a later page, after a filing only); NULL when it was looked at.
    is_used: false once the file has it no more.
    """

    __tablename__ = "portal_selectors"
    __table_args__ = (
        UniqueConstraint("portal", "form", "page", "use", "expression"),
        {"schema": "pw"},
    )

    selector_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    portal: Mapped[str]
    form: Mapped[str]
    page: Mapped[str]
    use: Mapped[str]
    expression: Mapped[str]
    is_used: Mapped[bool] = mapped_column(server_default=sql_text("true"))
    first_stood_at: Mapped[datetime | None]
    last_stood_at: Mapped[datetime | None]
    last_changed_at: Mapped[datetime | None]
    stood_on: Mapped[dict[str, Any] | None]
    not_seen: Mapped[str | None]


class SelectorSpan(Base):
    """A time during which every look saw the same of a selector: its history, without a row per day.

    state: stands; missing; many (more than one where one was); other (something else stands there).
    candidate: another selector that may be meant now, for a person; never used by us.
    """

    __tablename__ = "selector_spans"
    __table_args__ = (
        CheckConstraint("state in ('stands','missing','many','other')", name="state"),
        Index("ix_selector_spans_selector", "selector_id", "span_id"),
        {"schema": "pw"},
    )

    span_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    selector_id: Mapped[int] = mapped_column(ForeignKey("pw.portal_selectors.selector_id"))
    state: Mapped[str]
    found: Mapped[int]
    began_at: Mapped[datetime]
    last_at: Mapped[datetime]
    looks: Mapped[int] = mapped_column(server_default=sql_text("1"))
    seen_on: Mapped[dict[str, Any] | None]
    changes: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    candidate: Mapped[dict[str, Any] | None]
    first_probe_id: Mapped[int] = mapped_column(ForeignKey("pw.portal_probes.probe_id"))
    last_probe_id: Mapped[int] = mapped_column(ForeignKey("pw.portal_probes.probe_id"))
