"""Scenarios of the broadband data, of CORES and of contacts."""

from __future__ import annotations

from datetime import date

from tests.dbt.scenarios import EDITIONS, bdc, carrier, cores, name, new_frn

ALWAYS = (*EDITIONS, "D25")


def cast() -> None:
    """Puts them all on."""
    carrier("in every edition")
    bdc("in every edition", ALWAYS)
    carrier("dropped")
    bdc("dropped", EDITIONS)
    new_frn("dropped, broadband only")
    bdc("dropped, broadband only", EDITIONS)
    new_frn("merged under its provider id")
    bdc("merged under its provider id", EDITIONS, provider_id="299999")
    carrier("took the provider id")
    bdc("took the provider id", ("D25",), provider_id="299999")
    new_frn("holding company still there")
    bdc("holding company still there", EDITIONS, holding="Verdant Kite Holdings Inc")
    carrier("sister in the broadband data")
    bdc("sister in the broadband data", ALWAYS, holding="Verdant Kite Holdings")
    carrier("gone for a year, still in business")
    bdc("gone for a year, still in business", EDITIONS[:3])
    new_frn("gone for a year")
    bdc("gone for a year", EDITIONS[:3])
    carrier("dropped and ended", rmd=None, cpni=None, form499={"is_active": False, "ended_on": date(2026, 1, 1)})
    bdc("dropped and ended", EDITIONS)

    carrier("unknown to cores", cores={"entity_name": None})
    carrier("empty page once", cores={"entity_name": None, "copies": ("2",)})
    carrier("empty page, then found", cores={"entity_name": None, "copies": ("1",)})
    cores("empty page, then found", copies=("2",))
    carrier("found, then empty", cores={"copies": ("1",)})
    cores("found, then empty", copies=("2",), entity_name=None)
    carrier("cores not read", cores=None)

    carrier("cores has another name", cores={"entity_name": "Sapphire Gondola Inc"})
    carrier("rmd has another name", rmd={"business_name": "Ivory Lantern Wireless"})
    carrier(
        "cores has a longer name",
        cores={"entity_name": f"{name('cores has a longer name').removesuffix(' LLC')} Management LLC"},
    )
    carrier("cores has the former name", rmd={"other_names": ["Obsidian Harbor Inc"]},
            cores={"entity_name": "Obsidian Harbor, Inc."})  # fmt: skip

    behind = {"registration_current_as_of": date(2025, 4, 1)}
    carrier("lead by cores", form499=behind)
    carrier("lead by agent", form499=behind, cores=None)
    carrier("lead by alternate agent", cores=None,
            form499=behind | {"dc_agent_email": None, "alternate_agent_email": "Alternate@Agents.Example"})  # fmt: skip
    carrier("nobody to write to", form499=behind | {"dc_agent_email": "n/a"}, cores={"contact_email": "none"})
    carrier("spotless with an address")
    carrier("information only", form499={"frn": None}, cpni=None)
    carrier("lead in georgia", form499=behind | {"hq_state": "GA", "comm_type": "CAP"})
