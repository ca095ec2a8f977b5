"""Stage `confirm`: the portal itself shows the filing, with the documents that were signed."""

from __future__ import annotations

import json
from datetime import timedelta

from pw_pipelines.filings.material import Asked, Found
from pw_pipelines.filings.stopped import FilingStopped
from pw_pipelines.fulfillment import filing
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.filing import Plan, keep_shots
from pw_pipelines.fulfillment.gates import gate_of
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=6)


def run(work: Work) -> str:
    """Raises Gate: `settling` until the portal shows the filing, `error` when it does not in the time its file gives,
    or shows other documents than ours, `duplicate` when it shows more than one."""
    if filing.by_hand(work):
        return "A person filed it; the confirmation they kept is its proof."
    plan = filing.plan(work)
    effect = filing.effect_of(work, plan.effect_key)
    if effect is None or effect.state != "done":
        raise Gate("error", "The ledger does not say that it was filed; nothing can be confirmed.")
    if effect.detail.get("by_hand"):
        return "A person filed it; the confirmation they kept is its proof."
    lookup = plan.material.form.lookup
    if lookup is None:
        return _by_its_page(work, effect)
    found = _look_up(work, plan, effect)
    keep_shots(work, found.shots, kind="confirmation", effect_id=effect.effect_id)
    if found.seen != "there":
        raise _not_yet(work, effect, lookup.shows_within_hours, found)
    if found.count > 1:
        raise Gate(
            "duplicate", f"The portal shows {found.count} filings that fit; one was meant.",
            detail={"effect_id": effect.effect_id},
        )  # fmt: skip
    meant = {plan.material.uploads[name].digest for name in plan.material.form.documents}
    if found.digests is not None and set(found.digests) != meant:
        raise Gate(
            "error", "The portal shows other documents than those that were signed.",
            detail={"shown": sorted(found.digests), "signed": sorted(meant)},
        )  # fmt: skip
    _keep_shown(work, effect, found)
    same = "; its documents are those that were signed" if found.digests is not None else ""
    return f"The portal shows filing {found.reference}{same}."


def _keep_shown(work: Work, effect: Effect, found: Found) -> None:
    """The digests of the documents as the portal shows them, as evidence; the same ones, the same bytes."""
    if found.digests is None:
        return
    shown = json.dumps({"reference": found.reference, "digests": sorted(found.digests)}, sort_keys=True)
    work.keep(
        shown.encode(), kind="confirmation", title="Documents as the portal shows them",
        media_type="application/json", effect_id=effect.effect_id,
    )  # fmt: skip


def _look_up(work: Work, plan: Plan, effect: Effect) -> Found:
    asked = Asked(plan.material, since=filing.first_meant_on(work, effect), reference=effect.reference)
    try:
        return work.ground.filing.look_up(asked, state=filing.kept_state(work, plan.portal))
    except FilingStopped as stopped:
        raise gate_of(work, plan, stopped) from stopped


def _by_its_page(work: Work, effect: Effect) -> str:
    kept = work.rows("select digest from pw.evidence where effect_id = %s and kind = 'confirmation'", effect.effect_id)
    if not kept and "settled_by" not in effect.detail:
        raise Gate("error", "No confirmation of the filing was kept, and the portal shows nobody what was filed.")
    return f"The confirmation kept when it was filed is its proof: {effect.reference or 'without a number'}."


def _not_yet(work: Work, effect: Effect, hours: float, found: Found) -> Gate:
    assert effect.done_at is not None
    now = work.now()
    passed = now - effect.done_at
    if passed > timedelta(hours=hours):
        return Gate(
            "error",
            f"Filed {passed.days} days ago as {effect.reference}, and the portal does not show it. {found.text}",
            detail={"effect_id": effect.effect_id},
        )  # fmt: skip
    wait = min(max(passed, FIRST_WAIT), LONGEST_WAIT)
    return Gate("settling", f"The portal does not show it yet. {found.text}", not_before=now + wait)
