"""Stage `review`: the portal's form, filled up to the step before it is sent, is what a reviewer approves by digest."""

from __future__ import annotations

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.material import Filled
from pw_pipelines.filings.stopped import FilingStopped
from pw_pipelines.fulfillment import filing
from pw_pipelines.fulfillment.gates import gate_of
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.reviews import decision_on, keep_form, last_form
from pw_pipelines.fulfillment.work import Work


def run(work: Work) -> str:
    """Raises Gate: `review` with the form's digest and pictures until somebody approved it, `held` when it was
    returned; `details`, `changed_page`, `challenge`, `error` when it can't be filled."""
    if why := filing.by_hand(work):
        return f"A person files this, so no form is filled. {why}"
    plan = filing.plan(work)
    effect = filing.effect_of(work, plan.effect_key)
    if effect is not None and effect.state == "done" and effect.item_id == work.item.item_id:
        return "It is filed already."
    form = last_form(work, plan)  # of before, while what goes into it is the same
    if form is None:
        form = keep_form(work, plan, _filled(work, plan))
    if work.settings.auto_filing:
        return "The form is filled; filing without a reviewer is on."
    decision = decision_on(work, form.digest)
    if decision == "approved":
        return "The filled form is approved."
    if decision == "returned":
        raise Gate("held", "The reviewer returned the form.", detail={"form_digest": form.digest})
    raise Gate("review", "The filled form waits for its review.", detail=form.shown())


def _filled(work: Work, plan: filing.Plan) -> Filled:
    try:
        return work.ground.filing.fill(plan.material, state=filing.kept_state(work, plan.portal))
    except OutsideUnavailable:
        raise
    except FilingStopped as stopped:
        raise gate_of(work, plan, stopped) from stopped
