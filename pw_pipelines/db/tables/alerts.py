"""What ops were told, and what they have yet to be told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class Alert(Base):
    """One thing worth a person's attention. Written before Telegram is told, so that an outage loses nothing.

    key says what happened (`run:<id>`, `check:…`, `snapshot:<id>`, `stale:<source>:…`, `order:<number>:…`, `backup:…`,
    `probe:<portal>:…`, `mail:…`, `gate:<item>:…`, `service:…`): one key, one alert.
    Delivery is at least once: a crash between Telegram's answer and `sent_at` repeats a message.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        CheckConstraint(
            "kind in ('run','check','snapshot','stale','order','gate','backup','probe','mail','service')", name="kind"
        ),
        Index("ix_alerts_unsent", "raised_at", postgresql_where=sql_text("sent_at is null")),
        {"schema": "pw"},
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    text: Mapped[str]
    raised_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("0"))
    last_error: Mapped[str | None]
