"""What stopped a filling or a look-up, as the gate the item waits at, with what a person needs to see."""

from __future__ import annotations

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.stopped import Challenged, FilingStopped, MissingFacts, PageChanged, PortalSaid
from pw_pipelines.fulfillment.filing import Plan, keep_shots, keep_state
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work


def gate_of(work: Work, plan: Plan, stopped: FilingStopped) -> Gate | OutsideUnavailable:
    """The gate; keeps the pages that show why, and of a challenge the browser's state. Nothing was sent."""
    pictures = keep_shots(work, stopped.shots, kind="page")
    detail = {"portal": plan.portal.portal, "picture": next(iter(pictures[-1:]), None)}
    if isinstance(stopped, MissingFacts):
        return Gate("details", f"{len(stopped.names)} details are missing.", detail={"missing": list(stopped.names)})
    if isinstance(stopped, PageChanged):
        why = f"{plan.portal.title} is not as it was; nothing was sent. {stopped}"
        return Gate("changed_page", why, detail={**detail, "changes": list(stopped.changes)})
    if isinstance(stopped, Challenged):
        if stopped.state:
            keep_state(work, plan.portal, stopped.state)
        return Gate("challenge", f"{plan.portal.title}: {stopped}", detail=detail)
    if isinstance(stopped, PortalSaid) and stopped.error.then == "later":
        return OutsideUnavailable(str(stopped))
    if isinstance(stopped, PortalSaid):
        return Gate("error", f"{stopped} Nothing was filed.", detail={**detail, "reference": stopped.error.reference})
    return Gate("error", str(stopped), detail=detail)
