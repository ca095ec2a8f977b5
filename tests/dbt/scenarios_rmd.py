"""Scenarios of the Robocall Mitigation Database."""

from __future__ import annotations

from datetime import date

from tests.dbt.scenarios import carrier, frn, name, rmd, voice_only_in_rmd

NOT_RECERTIFIED = {"last_recertified_on": None, "last_updated_on": date(2024, 8, 15)}


def cast() -> None:
    """Puts them all on."""
    _missing_and_removed()
    _recertified_or_not()
    _content()


def _missing_and_removed() -> None:
    carrier("missing", rmd=None)
    carrier("missing but private", rmd=None, cpni=None, form499={"comm_type": "PRIV"})
    carrier("missing but of unknown type", rmd=None, cpni=None, form499={"comm_type": None})
    carrier("missing but ended", rmd=None, cpni=None, form499={"is_active": False, "ended_on": date(2025, 1, 1)})
    carrier("affiliate", rmd=None)
    voice_only_in_rmd("names an affiliate", other_frns=[frn("affiliate")], other_frns_text=frn("affiliate"))
    carrier("affiliate without zeros", rmd=None, form499={"frn": "0003456789"}, cores=None)
    voice_only_in_rmd("names an affiliate without zeros", other_frns_text="3456789; none other")
    carrier("same name under another frn", rmd=None)
    carrier("has that name", form499=None, cpni=None, cores=None,
            rmd={"business_name": name("same name under another frn").upper(), "is_foreign": True})  # fmt: skip
    carrier("trade name in the list", rmd=None, form499={"other_names": ["Quxole Mobile Inc."]})
    voice_only_in_rmd("has that trade name", other_names=["QUXOLE MOBILE"])
    carrier("sister listed", rmd=None, form499={"holding_company": "Ondori Group Inc"})
    carrier("listed sister", form499={"holding_company": "Ondori Group"})
    carrier("registered last month", rmd=None, cpni=None, form499={"started_on": date(2026, 10, 20)})
    carrier("missing today only", rmd={"copies": ("jan", "1")})
    carrier("back today", rmd={"copies": ("jan", "2")})

    carrier("removed", rmd={"copies": ("jan",)})
    carrier("removed and filed anew", rmd={"copies": ("jan",)})
    rmd("removed and filed anew", copies=("1", "2"), number="RMD0039000", last_recertified_on=None)
    carrier("removed and out of business", rmd={"copies": ("jan",)}, cpni=None,
            form499={"is_active": False, "ended_on": date(2026, 5, 1)})  # fmt: skip
    voice_only_in_rmd("removed foreign provider", copies=("jan",), is_foreign=True, country="Canada")
    carrier("removed but an affiliate now", rmd={"copies": ("jan",)})
    voice_only_in_rmd("names the removed one", other_frns=[frn("removed but an affiliate now")])


def _recertified_or_not() -> None:
    carrier("not recertified", rmd=NOT_RECERTIFIED)
    carrier(
        "recertified on 31 January",
        rmd={"last_recertified_on": date(2026, 1, 31), "last_updated_on": date(2026, 1, 31)},
    )
    carrier("recertified on 1 February", rmd={"last_recertified_on": date(2026, 2, 1)})
    carrier("recertified on the last day", rmd={"last_recertified_on": date(2026, 3, 2)})
    carrier("recertified a day late", rmd={"last_recertified_on": date(2026, 3, 3)})
    carrier("recertified late, unknown before", rmd={"copies": ("1", "2"), "last_recertified_on": date(2026, 6, 1),
            "last_updated_on": date(2026, 6, 1), "number": "RMD0030001"})  # fmt: skip
    carrier("recertified and updated since", rmd={"last_updated_on": date(2026, 8, 6)})
    carrier("first filing of 27 February", rmd={"copies": ("1", "2"), "number": "RMD0037337",
            "last_recertified_on": None, "last_updated_on": date(2026, 2, 27)})  # fmt: skip
    carrier("highest of 31 January", rmd=NOT_RECERTIFIED | {"number": "RMD0037000"})
    carrier("first above the highest of 31 January", rmd={"copies": ("1", "2"), "number": "RMD0037001",
            "last_recertified_on": None, "last_updated_on": date(2026, 2, 5)})  # fmt: skip
    carrier("updated in spring, unknown before", rmd={"copies": ("1", "2"), "last_recertified_on": None,
            "last_updated_on": date(2026, 4, 4), "number": "RMD0031000"})  # fmt: skip
    carrier("two filings, one recertified")
    rmd("two filings, one recertified", number="RMD0020001", **NOT_RECERTIFIED)
    carrier("two filings, one new", rmd=NOT_RECERTIFIED)
    rmd("two filings, one new", copies=("1", "2"), number="RMD0039500", last_recertified_on=None,
        last_updated_on=date(2026, 7, 1))  # fmt: skip
    carrier("its parent recertified for it", rmd=NOT_RECERTIFIED)
    voice_only_in_rmd("recertified parent", other_frns=[frn("its parent recertified for it")])


def _content() -> None:
    old = {"last_recertified_on": None}
    carrier("never updated", rmd=old | {"last_updated_on": None, "number": "RMD0001413"})
    carrier("last blank number of 2021", rmd=old | {"last_updated_on": None, "number": "RMD0012068"})
    carrier("blank date, later number", rmd=old | {"last_updated_on": None, "number": "RMD0012069"})
    carrier("updated on new year's eve 2023", rmd=old | {"last_updated_on": date(2023, 12, 31)})
    carrier("updated on new year's day 2024", rmd=old | {"last_updated_on": date(2024, 1, 1)})
    carrier("recertified without a date of update", rmd={"last_updated_on": None})

    carrier("no name", rmd={"business_name": None})
    carrier("name says none", rmd={"business_name": "N/A"})
    carrier("contact without telephone", rmd={"contact_phone": None})
    carrier("contact says n/a", rmd={"contact_name": "N/A", "contact_address": "null\nnull"})
    carrier("contact without title", rmd={"contact_title": None, "contact_department": None})
    carrier("one of two filings without contact", rmd={"contact_phone": None})
    rmd("one of two filings without contact", number="RMD0020002")
    carrier("no role", rmd={"is_voice": False})
    carrier("no implementation", rmd={"implementation": "none", "implementation_text": "No STIR/SHAKEN Implementation"})
    carrier("partial implementation", rmd={"implementation": "partial"})
    carrier("blank implementation", rmd={"implementation": None, "implementation_text": "N/A"})
    carrier("intermediate without implementation", form499=None, cpni=None,
            rmd={"implementation": "none", "is_voice": False, "is_intermediate": True})  # fmt: skip
    carrier("partial in one filing, complete in another", rmd={"implementation": "partial"})
    rmd("partial in one filing, complete in another", number="RMD0020003")
