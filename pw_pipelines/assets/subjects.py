"""The public records that are assets: which source, which key, which table. No import of Dagster."""

from __future__ import annotations

from dataclasses import dataclass

from pw_pipelines.errors import UsageError


@dataclass(frozen=True)
class Subject:
    """One source and the table its rows go to.

    raw_key     asset of the dated copy; core_key: asset of its rows (`core.<table>`)
    is_vintage  editions named by the source (J25) instead of one copy a day
    in_batches  a day's copies add up (CORES look-ups) instead of replacing each other
    """

    source: str
    thing: str
    table: str
    is_vintage: bool = False
    in_batches: bool = False

    @property
    def raw_key(self) -> str:
        return f"raw_{self.source}"

    @property
    def core_key(self) -> str:
        return f"core_{self.source}__{self.thing}"


RMD = Subject("fcc_rmd", "filings", "fcc_rmd_filings")
FORM499 = Subject("fcc_form499", "filers", "fcc_form499_filers")
CPNI = Subject("fcc_cpni", "filings", "fcc_cpni_filings")
BDC = Subject("fcc_bdc", "providers", "fcc_bdc_providers", is_vintage=True)
CORES = Subject("fcc_cores", "registrations", "fcc_cores_registrations", in_batches=True)

SUBJECTS: dict[str, Subject] = {subject.source: subject for subject in (RMD, FORM499, CPNI, BDC, CORES)}


def subject(source: str) -> Subject:
    """The subject of `source`. Raises UsageError naming the known ones."""
    try:
        return SUBJECTS[source]
    except KeyError:
        raise UsageError(f"{source!r} is no asset's source; known: {', '.join(SUBJECTS)}.") from None
