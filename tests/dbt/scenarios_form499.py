"""Scenarios of the CPNI docket and of Form 499."""

from __future__ import annotations

from datetime import date

from tests.dbt.scenarios import carrier, cpni, form499, frn, name, rmd, voice_only_in_rmd

ENDED = {"is_active": False, "ended_on": date(2025, 5, 1)}


def cast() -> None:
    """Puts them all on."""
    _cpni()
    _missing()
    _stale()
    _ended()
    _agents()


def _cpni() -> None:
    carrier("no certification", cpni=None)
    carrier("certified on the last day", cpni={"received_on": date(2026, 3, 2)})
    carrier("certified on 3 March 2026", cpni={"received_on": date(2026, 3, 3)})
    carrier("certified on 4 March 2026", cpni={"received_on": date(2026, 3, 4)})
    carrier("certified in time and again in June")
    cpni("certified in time and again in June", date(2026, 6, 1))
    carrier(
        "certified late under its holding company's name", cpni=None, form499={"holding_company": "Wexford Umbrage Inc"}
    )
    cpni("certified late under its holding company's name", date(2026, 7, 1), filers=["Wexford Umbrage, Inc."])
    carrier("certified late in another legal form", cpni=None, form499={"legal_name": "Umbrage Cove Telecom, LLC"})
    cpni("certified late in another legal form", date(2026, 7, 1), filers=["Umbrage Cove Telecom, Inc."])
    namesakes = {
        "form499": {"legal_name": "Quarry Namesake Wireless"},
        "rmd": {"business_name": "Quarry Namesake Wireless"},
    }
    carrier("certified late, as is a namesake", cpni=None, cores=None, **namesakes)
    carrier("the namesake", cpni=None, cores=None, **namesakes)
    cpni("certified late, as is a namesake", date(2026, 7, 1), filers=["Quarry Namesake Wireless"])
    group = {"holding_company": "Fennel Orrery Partners"}
    carrier("certified for its group, perhaps", form499=group)
    carrier("an affiliate certified", cpni=None, form499=group)
    carrier("certified late, an affiliate in time", cpni={"received_on": date(2026, 6, 1)}, form499=group)
    carrier("certified by its holding company", cpni=None, form499={"holding_company": "Parallax Nimbus Inc"})
    cpni("certified by its holding company", filers=["Parallax Nimbus, Inc. and its affiliates"])
    carrier("certified under a trade name", cpni=None, form499={"other_names": ["Kestrelphone"]})
    cpni("certified under a trade name", filers=["KESTRELPHONE, L.L.C."])
    carrier(
        "certified under the name in the RMD", rmd={"business_name": "Borderline Quartz Telecom"}, cpni=None, cores=None
    )
    cpni("certified under the name in the RMD", filers=["Borderline Quartz Telecom, Inc."])
    carrier("certified for by a law firm", cpni=None)
    cpni("certified for by a law firm", filers=["Example Advocates PLLC"],
         document_names=[f"{name('certified for by a law firm').replace(' ', '_')}_CPNI_2026.pdf"])  # fmt: skip
    tamarack = "Tamarack Falls Telephone Company"
    carrier("similar name certified", cpni=None, form499={"legal_name": tamarack}, rmd={"business_name": tamarack},
            cores={"entity_name": tamarack})  # fmt: skip
    cpni("similar name certified", filers=["Tamarak Falls Telephone Co"])
    carrier("certified last year only", cpni={"received_on": date(2025, 2, 20)})
    carrier("began this year", cpni=None, form499={"started_on": date(2026, 1, 1)})
    carrier("began anew this year", cpni=None, form499={"started_on": date(2026, 2, 1)})
    form499("began anew this year", started_on=date(2005, 1, 1), ended_on=date(2010, 1, 1), is_active=False)
    carrier("began last year", cpni=None, form499={"started_on": date(2025, 12, 31)})
    carrier("start unknown", cpni=None, form499={"started_on": None, "filer_id": "840001"})
    carrier("filler for a start", cpni=None, form499={"started_on": date(1997, 1, 1), "filer_id": "840002"})
    carrier("filler for a start, old filer", cpni=None, form499={"started_on": date(1997, 1, 1)})
    carrier("start unknown, in the RMD before", cpni=None, form499={"started_on": None, "filer_id": "840003"},
            rmd={"last_recertified_on": None, "last_updated_on": date(2025, 6, 1)})  # fmt: skip
    carrier("private, uncertified", cpni=None, form499={"comm_type": "PRIV"})
    carrier("foreign, uncertified", cpni=None, rmd={"is_foreign": True})
    carrier("abroad, uncertified", cpni=None, rmd={"is_foreign": None, "country": "Canada"})
    carrier("no country stated, uncertified", cpni=None, rmd={"is_foreign": None, "country": None})
    carrier("seen in one docket copy only", cpni={"copies": ("1",)})


def _missing() -> None:
    carrier("not a filer", form499=None, cpni=None)
    voice_only_in_rmd("gateway, not a filer")
    carrier("foreign, not a filer", form499=None, cpni=None, rmd={"is_foreign": True, "country": "Canada"})
    carrier("foreign unanswered, not a filer", form499=None, cpni=None, rmd={"is_foreign": None})
    carrier("abroad, not a filer", form499=None, cpni=None, rmd={"country": "Costa Rica"})
    carrier("filer without frn", form499={"frn": None}, cpni=None)
    carrier("filer under a misspelt name", form499={"frn": None, "legal_name": "Thistle Quory Wirless"}, cpni=None,
            rmd={"business_name": "Thistle Quorry Wireless"}, cores=None)  # fmt: skip
    carrier("affiliate is the filer", form499=None, cpni=None)
    carrier("the filing affiliate", rmd=None)
    rmd("affiliate is the filer", number="RMD0020004", other_frns=[frn("the filing affiliate")])
    carrier("new in the RMD, not a filer", form499=None, cpni=None, rmd={"copies": ("1", "2"), "number": "RMD0039001",
            "last_recertified_on": None, "last_updated_on": date(2026, 9, 15)})  # fmt: skip
    carrier("holding company, not a filer", form499=None, cpni=None, rmd={"business_name": "Marlin Arcade Holdings"},
            cores=None)  # fmt: skip
    carrier("held filer", form499={"holding_company": "Marlin Arcade Holdings, Inc."})
    carrier("filer in the older copy only", form499={"copies": ("1",)}, cpni=None)


def _stale() -> None:
    carrier("one year behind", form499={"registration_current_as_of": date(2025, 4, 1)})
    carrier("two years behind", form499={"registration_current_as_of": date(2024, 4, 1)})
    carrier("five years behind", form499={"registration_current_as_of": date(2021, 4, 1)})
    carrier("no date of registration", form499={"registration_current_as_of": None})
    carrier(
        "an ended filer behind and an active one current",
        form499=ENDED | {"registration_current_as_of": date(2021, 4, 1)},
    )
    form499("an ended filer behind and an active one current")
    carrier("two active filers, one current", form499={"registration_current_as_of": date(2023, 4, 1)})
    form499("two active filers, one current")
    carrier("behind, files with its parent", form499={"registration_current_as_of": date(2025, 4, 1),
            "holding_company": "Copperline Assembly Inc"})  # fmt: skip
    carrier("consolidated parent", form499={"is_consolidated": True, "holding_company": "Copperline Assembly"})
    carrier("behind but began this year", cpni=None, form499={"registration_current_as_of": date(2025, 4, 1),
            "started_on": date(2026, 2, 1)})  # fmt: skip


def _ended() -> None:
    carrier("ended but recertified", cpni=None, form499=ENDED)
    carrier("ended, not recertified", cpni=None, form499=ENDED,
            rmd={"last_recertified_on": None, "last_updated_on": date(2024, 5, 5)})  # fmt: skip
    carrier("ended after recertifying", cpni=None, form499=ENDED | {"ended_on": date(2026, 6, 1)})
    carrier("successor", form499={"filer_id": "899001"})
    carrier("ended, replaced by an active filer", cpni=None, form499=ENDED | {"replaced_by_filer_id": "899001"})
    note = "This legal entity accout has been closed because their filing is now submitted on a consolidated basis."
    carrier("ended, files consolidated", cpni=None, form499=ENDED | {"notes": [note]})
    carrier("ended, same name active", cpni=None, form499=ENDED)
    carrier("same name, active", form499={"other_names": [name("ended, same name active")]})


def _agents() -> None:
    nobody = {"dc_agent": None, "dc_agent_email": None, "dc_agent_city": None, "dc_agent_state": None}
    carrier("no agent", form499=nobody)
    carrier("agent in virginia", form499={"dc_agent_city": "Arlington", "dc_agent_state": "VA"})
    carrier("agent without address", form499={"dc_agent_city": None, "dc_agent_state": None})
    carrier("agent's e-mail only", form499=nobody | {"dc_agent_email": "someone@agents.example"})
    carrier("private without agent", cpni=None, form499=nobody | {"comm_type": "PRIV"})
    carrier("agent in another registration", form499=nobody)
    form499("agent in another registration")
