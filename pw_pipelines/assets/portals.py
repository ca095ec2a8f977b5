"""Looks at portals as assets: one per portal, a partition per day; each has its own history and is retried alone."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets import partitions
from pw_pipelines.assets.matches import DAILY_FRESHNESS
from pw_pipelines.assets.tables import markdown_table
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.probes.books import Kept
    from pw_pipelines.probes.heads import Head
    from pw_pipelines.probes.rounds import NotLooked, Prober

GROUP, TEAM, PREFIX = "portals", "team:operations", "portal_probes"
STANDS, REACHED = "selectors_stand", "portal_could_be_looked_at"
MOST_SHOWN = 40


def assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One for each portal we file with, and for each search portal that a program may visit in this mode."""
    from pw_pipelines.probes.heads import visited

    return [_asset(one, settings) for one in visited(settings)]


def _asset(target: "Head", settings: Settings) -> dg.AssetsDefinition:
    key = dg.AssetKey([PREFIX, target.code])
    what = "we file with" if target.kind == "filing" else "whose search we ask"
    closes = " One that has changed is closed for filing until a person opens it." if target.kind == "filing" else ""

    @dg.asset(
        key=key,
        description=f"Whether {target.title}, {what}, still is as its file says: every selector that can be seen "
        f"without filing anything, in a real browser (`pw.portal_probes`, `pw.selector_spans`).{closes}",
        group_name=GROUP,
        owners=[TEAM],
        kinds={"playwright", "postgres"},
        tags={"pw/layer": "fulfillment", "pw/portal": target.kind},
        partitions_def=partitions.daily(settings),
        pool=_pool(target.host),
        freshness_policy=DAILY_FRESHNESS,
        metadata={"dagster/table_name": "pw.portal_probes", "portal": target.code, "host": target.host},
        check_specs=[
            dg.AssetCheckSpec(STANDS, asset=key, description="Every selector that was looked for stands as it stood."),
            dg.AssetCheckSpec(
                REACHED, asset=key, description="The portal answered, and asked nobody whether they are human."
            ),
        ],
        required_resource_keys={"prober"},
    )
    def probe(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        prober: Prober = context.resources.prober
        today = prober.settings.clock.today().isoformat()
        if context.partition_key != today:
            raise dg.Failure(
                description=f"A page can be looked at today ({today}) only, not as it was on {context.partition_key}.",
                allow_retries=False,
            )
        with verdicts():
            seen = prober.look(prober.targets()[target.code], by="job")
        return _result(seen, target, prober.settings.public_url)

    return probe


def _result(seen: "Kept | NotLooked", target: "Head", url: str) -> dg.MaterializeResult:  # type: ignore[type-arg]
    from pw_pipelines.probes.rounds import NotLooked

    page = dg.MetadataValue.url(f"{url.rstrip('/')}/desk/portals/{target.code}")
    if isinstance(seen, NotLooked):
        words = f"Not looked at: {seen.why}"
        return dg.MaterializeResult(
            metadata={"outcome": "not looked at", "why": seen.why, "page": page},
            check_results=[_verdict(STANDS, True, words), _verdict(REACHED, True, words)],
        )
    stood = sum(one.ok for one in seen.results)
    changed = [one for one in seen.results if not one.ok]
    metadata: dict[str, Any] = {"outcome": seen.outcome, "closed_for_filing": seen.is_closed, "page": page}
    if seen.results:
        metadata |= {"selectors": len(seen.results), "standing": stood, "changed": len(changed),
                     "seen_only_later": len(seen.unseen)}  # fmt: skip
    if seen.why:
        metadata["why"] = seen.why
    if changed or seen.changes:
        metadata["changes"] = dg.MetadataValue.md("\n".join(f"- {one}" for one in seen.changes[:MOST_SHOWN]))
    if candidates := [
        (one.name, one.candidate["selector"], ", ".join(one.candidate["why"]), f"{one.candidate['score']:.2f}")
        for one in changed
        if one.candidate
    ]:
        metadata["candidates"] = dg.MetadataValue.md(
            markdown_table(("selector", "perhaps meant now", "because of", "score"), candidates)
        )
    told = seen.outcome in ("stands", "changed")
    words = f"{stood} of {len(seen.results)} selectors stand." if told else f"Not seen: {seen.why}"
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            _verdict(STANDS, seen.outcome != "changed", " ".join([words, *seen.changes[:3]]),
                     severe=target.kind == "filing"),
            _verdict(REACHED, told, "It could be looked at." if told else words),
        ],
    )  # fmt: skip


def _verdict(name: str, passed: bool, words: str, *, severe: bool = False) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(check_name=name, passed=passed, severity=severity, description=words[:500])


def _pool(host: str) -> str:
    """One visit at a time per host, whichever run it belongs to."""
    return "portal_" + "".join(letter if letter.isalnum() else "_" for letter in host)
