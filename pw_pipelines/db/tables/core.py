"""Rows of the public sources, each under the snapshot it was read from. Loaded by COPY, never updated.

`*_key` columns are comparison keys made by `pw_pipelines.names.key`. Only snapshots graded complete or
partial have rows here; readers of these tables still choose by `pw.snapshots`.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


def _snapshot() -> Mapped[str]:
    return mapped_column(ForeignKey("pw.snapshots.snapshot_id", ondelete="CASCADE"), primary_key=True)


class FccRmdFiling(Base):
    """One published filing in the Robocall Mitigation Database."""

    __tablename__ = "fcc_rmd_filings"
    __table_args__ = (Index("ix_fcc_rmd_filings_frn", "frn"), {"schema": "core"})

    snapshot_id: Mapped[str] = _snapshot()
    number: Mapped[str] = mapped_column(primary_key=True)
    frn: Mapped[str | None]
    business_name: Mapped[str | None]
    name_key: Mapped[str]
    business_address: Mapped[str | None]
    is_foreign: Mapped[bool | None]
    country: Mapped[str | None]
    other_frns: Mapped[list[str]]
    other_frns_text: Mapped[str | None]
    other_names: Mapped[list[str]]
    other_name_keys: Mapped[list[str]]
    contact_name: Mapped[str | None]
    contact_title: Mapped[str | None]
    contact_department: Mapped[str | None]
    contact_address: Mapped[str | None]
    contact_country: Mapped[str | None]
    contact_phone: Mapped[str | None]
    contact_extension: Mapped[str | None]
    implementation: Mapped[str | None]
    implementation_text: Mapped[str | None]
    is_voice: Mapped[bool]
    is_gateway: Mapped[bool]
    is_intermediate: Mapped[bool]
    last_updated_on: Mapped[date | None]
    last_recertified_on: Mapped[date | None]
    filing_url: Mapped[str | None]


class FccRmdPresence(Base):
    """Which filing numbers stood in which snapshot: slim, kept for ever, so that a removal can be seen."""

    __tablename__ = "fcc_rmd_presence"
    __table_args__ = (
        Index("ix_fcc_rmd_presence_number", "number"),
        Index("ix_fcc_rmd_presence_frn", "frn"),
        {"schema": "core"},
    )

    snapshot_id: Mapped[str] = _snapshot()
    number: Mapped[str] = mapped_column(primary_key=True)
    frn: Mapped[str | None]
    business_name: Mapped[str | None]
    name_key: Mapped[str]


class FccForm499Filer(Base):
    """One filer of FCC Form 499 (keyed by the 499 Filer ID)."""

    __tablename__ = "fcc_form499_filers"
    __table_args__ = (Index("ix_fcc_form499_filers_frn", "frn"), {"schema": "core"})

    snapshot_id: Mapped[str] = _snapshot()
    filer_id: Mapped[str] = mapped_column(primary_key=True)
    frn: Mapped[str | None]
    legal_name: Mapped[str | None]
    name_key: Mapped[str]
    doing_business_as: Mapped[str | None]
    other_names: Mapped[list[str]]
    other_name_keys: Mapped[list[str]]
    holding_company: Mapped[str | None]
    holding_company_key: Mapped[str]
    management_company: Mapped[str | None]
    comm_type: Mapped[str | None]
    comm_type_text: Mapped[str | None]
    registration_current_as_of: Mapped[date | None]
    started_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    end_reason: Mapped[str | None]
    is_active: Mapped[bool]
    is_usf_contributor: Mapped[bool | None]
    replaced_by_filer_id: Mapped[str | None]
    is_consolidated: Mapped[bool]
    hq_address: Mapped[str | None]
    hq_city: Mapped[str | None]
    hq_state: Mapped[str | None]
    hq_zip: Mapped[str | None]
    customer_inquiries_phone: Mapped[str | None]
    dc_agent: Mapped[str | None]
    dc_agent_email: Mapped[str | None]
    dc_agent_phone: Mapped[str | None]
    dc_agent_city: Mapped[str | None]
    dc_agent_state: Mapped[str | None]
    alternate_agent_email: Mapped[str | None]
    jurisdictions: Mapped[list[str]]
    notes: Mapped[list[str]]


class FccCpniFiling(Base):
    """One filing in ECFS docket 06-36 (annual CPNI certifications). ECFS has names, no FRN."""

    __tablename__ = "fcc_cpni_filings"
    __table_args__ = (Index("ix_fcc_cpni_filings_received", "received_on_et"), {"schema": "core"})

    snapshot_id: Mapped[str] = _snapshot()
    id_submission: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]
    received_on_et: Mapped[date]
    filer_names: Mapped[list[str]]
    filer_keys: Mapped[list[str]]
    document_names: Mapped[list[str]]
    submission_type: Mapped[str | None]
    filing_status: Mapped[str | None]


class FccBdcProvider(Base):
    """One FRN with availability data in one vintage of the Broadband Data Collection."""

    __tablename__ = "fcc_bdc_providers"
    __table_args__ = (Index("ix_fcc_bdc_providers_frn", "frn"), {"schema": "core"})

    snapshot_id: Mapped[str] = _snapshot()
    frn: Mapped[str] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(primary_key=True)
    holding_company: Mapped[str | None]
    holding_company_key: Mapped[str]
    provider_name: Mapped[str | None]
    operation_type: Mapped[str | None]


class FccCoresRegistration(Base):
    """One look-up of one FRN in CORES. `is_found` false: the page for it was empty."""

    __tablename__ = "fcc_cores_registrations"
    __table_args__ = (Index("ix_fcc_cores_registrations_frn", "frn"), {"schema": "core"})

    snapshot_id: Mapped[str] = _snapshot()
    frn: Mapped[str] = mapped_column(primary_key=True)
    is_found: Mapped[bool]
    entity_name: Mapped[str | None]
    name_key: Mapped[str]
    entity_type: Mapped[str | None]
    registered_at_et: Mapped[datetime | None]
    updated_at_et: Mapped[datetime | None]
    contact_organization: Mapped[str | None]
    contact_position: Mapped[str | None]
    contact_name: Mapped[str | None]
    contact_address: Mapped[str | None]
    contact_email: Mapped[str | None]
    contact_phone: Mapped[str | None]
    contact_fax: Mapped[str | None]


class NameMatch(Base):
    """A record without an FRN, matched to a carrier by name, with how and how surely. Rebuilt at each run.

    subject: `cpni` (subject_id = ECFS id_submission) or `form499` (subject_id = filer id).
    method: `exact` (same text), `key` (same comparison key), `holding` (holding company's key),
            `document` (name inside a document's file name); never proof of anything: `near` (similar only) and
            `affiliate` (a filing of somebody of the same group).
    confidence: 0 to 1. snapshot_ids: what the match stands on.
    """

    __tablename__ = "name_matches"
    __table_args__ = (Index("ix_name_matches_frn", "frn"), {"schema": "core"})

    subject: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    frn: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    confidence: Mapped[float]
    subject_name: Mapped[str]
    carrier_name: Mapped[str]
    snapshot_ids: Mapped[list[str]]
