"""The back office of a US telecom-compliance and company-formation firm as one Dagster project."""
