"""A manifest small enough to read: two phases, tests of both severities, a source that is an asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def model(
    name: str, upstream: list[str], *, group: str, phase: str = "findings", columns: tuple[str, ...] = ("frn",)
) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "schema": "marts",
        "fqn": ["pw_models", "marts", name],
        "tags": [f"phase_{phase}"],
        "description": f"One row of {name} is one carrier.",
        "checksum": {"checksum": f"sum-of-{name}"},
        "config": {"materialized": "table", "meta": {"dagster": {"group": group}}},
        "columns": {column: {"name": column, "data_type": "text", "description": "what it is"} for column in columns},
        "depends_on": {"nodes": upstream},
    }


def check(name: str, attached: str | None, depends_on: list[str], severity: str = "ERROR") -> dict[str, Any]:
    return {
        "resource_type": "test",
        "name": name,
        "attached_node": attached,
        "depends_on": {"nodes": depends_on},
        "config": {"severity": severity},
        "description": "",
    }


def write(path: Path) -> Path:
    """stg_filings → carriers → findings (first phase) → deficiency_leads (second phase, reads CORES)."""
    m = "model.pw_models."
    nodes = {
        m + "carriers": model("carriers", [m + "stg_filings"], group="carriers"),
        m + "stg_filings": model("stg_filings", ["source.pw_models.core.fcc_rmd_filings"], group="staging"),
        m + "findings": model("findings", [m + "carriers", "source.pw_models.pw.compliance_rules"], group="findings"),
        m + "deficiency_leads": model(
            "deficiency_leads",
            [m + "findings", "source.pw_models.core.fcc_cores_registrations"],
            group="leads",
            phase="leads",
            columns=("frn", "email", "contact_name"),
        ),
        "test.unique_carriers_frn": check("unique_carriers_frn", m + "carriers", [m + "carriers"]),
        "test.odd": check("singular: of two", None, [m + "carriers", m + "findings"], severity="warn"),
        "test.both": check("of_both_phases", m + "carriers", [m + "deficiency_leads", m + "carriers"]),
        "test.source": check("source_not_null", None, ["source.pw_models.core.fcc_rmd_filings"]),
    }
    sources = {
        "source.pw_models.core.fcc_rmd_filings": {"identifier": "fcc_rmd_filings", "name": "fcc_rmd_filings"},
        "source.pw_models.core.fcc_cores_registrations": {
            "identifier": "fcc_cores_registrations",
            "name": "fcc_cores_registrations",
        },
        "source.pw_models.pw.compliance_rules": {"identifier": "compliance_rules", "name": "compliance_rules"},
    }
    path.write_text(json.dumps({"nodes": nodes, "sources": sources}))
    return path
