"""What is known of an invented company."""

from __future__ import annotations

FACTS = {
    "company_name": "Quillfeather & Larkmoor LLC",
    "state": "WY",
    "principal_address": "12 Quillfeather Road\nLarkmoor, WY 82001",
    "mailing_address": "P.O. Box 7\nLarkmoor, WY 82001",
    "organizer_name": "Performance West",
    "registered_agent_name": "Performance West",
    "registered_agent_address": "1 Agent Way\nCheyenne, WY 82001",
    "signer_name": "Alex Example",
    "signer_title": "Organizer",
    "signer_email": "alex@example.com",
    "management": "members",
    "purpose": "Any lawful purpose.",
    "county_state": "Laramie County, Wyoming",
    "responsible_party": "Alex Example",
    "responsible_ssn": "900-12-3456",
    "members_count": "2",
    "ein_reason": "started",
    "started_on": "2026-11-20",
    "fiscal_year_end": "December",
    "employees_expected": "0",
    "irs_special": "no",
    "principal_activity": "Telecommunications",
    "principal_product": "Voice service",
    "firm_name": "Performance West",
    "firm_address": "1 Agent Way\nCheyenne, WY 82001",
    "contact_name": "Robin Example",
    "contact_phone": "307-555-0101",
    "contact_email": "robin@example.com",
    "directors": "Alex Example; 1 Harbour Road, Vancouver",
    "incorporation_number": "BC0100102",  # of the sandbox's register
    "year": "2026",
}
