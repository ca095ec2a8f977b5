"""SQLAlchemy models: the schema, said once. Alembic's migrations are checked against them.

Schemas: `pw` our own books (snapshots, leads, logs); `core` rows of public sources, each under its snapshot;
`registry` the companies of every state.
dbt writes `staging`, `marts` and `segments`.
"""

from pw_pipelines.db.tables import (
    alerts,
    backups,
    checks,
    core,
    desk,
    fulfillment,
    leads,
    mail_hygiene,
    monitoring,
    orders,
    payments,
    probes,
    reference,
    registry,
    sales,
    signatures,
    snapshots,
)
from pw_pipelines.db.tables.base import Base

__all__ = [
    "Base",
    "alerts",
    "backups",
    "checks",
    "core",
    "desk",
    "fulfillment",
    "leads",
    "mail_hygiene",
    "monitoring",
    "orders",
    "payments",
    "probes",
    "reference",
    "registry",
    "sales",
    "signatures",
    "snapshots",
]
