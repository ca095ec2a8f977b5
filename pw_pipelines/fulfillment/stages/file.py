"""Stage `file`: sends the approved form to the portal, once.

What may be filed is read in the database at the moment it is sent: the lease, the approval of this very form, the
portal's turn. Nothing of it comes from a run's config.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.material import Asked, Filed, Filled
from pw_pipelines.filings.pacing import alone_at, reserve
from pw_pipelines.filings.stopped import Challenged, FilingStopped, NotConfirmed, PageChanged
from pw_pipelines.fulfillment import effects, filing, items
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.by_hand import packet_gate
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.filing import Plan, keep_shots
from pw_pipelines.fulfillment.gates import gate_of
from pw_pipelines.fulfillment.model import Connection, Done, Gate, LeaseLost, NotDone, Seen
from pw_pipelines.fulfillment.packets import filed_reference
from pw_pipelines.fulfillment.portal_gates import demand_open, demand_quota
from pw_pipelines.fulfillment.reviews import decision_on, differences, keep_form, last_form
from pw_pipelines.fulfillment.turns import demand_turn
from pw_pipelines.fulfillment.work import Work

_random = SystemRandom()


class NotApproved(FilingStopped):
    """The form as it was filled now was approved by nobody. `filled`: that form."""

    def __init__(self, filled: Filled) -> None:
        super().__init__("Nobody approved the form as it is now.")
        self.filled = filled


def run(work: Work) -> str:
    """Raises Gate: `packet` for a person, `portal_closed`, `changed_page`, `hours`, `pacing`, `review` for a form that
    nobody approved, `challenge`, `duplicate`, and those of the ledger."""
    with work.connect() as connection:
        demand_turn(connection, work.item, now=work.now())
    if why := filing.by_hand(work):
        return _by_hand(work, why)
    plan = filing.plan(work)
    effect = filing.effect_of(work, plan.effect_key)
    if effect is not None and effect.state == "done" and effect.item_id == work.item.item_id:
        return f"Filed: {effect.reference or 'without a number'}."
    if effect is None or effect.state == "not_done":  # of what may have been sent, first of all is asked what became
        demand_open(work, plan)
    with alone_at(work.ground.db.url, plan.portal.portal) as alone:
        if not alone:
            wait = timedelta(seconds=5 + _random.uniform(0, 25))
            raise Gate("pacing", "Another filing is being made at the portal.", not_before=work.now() + wait)
        with work.connect() as connection:
            filing.demand_only_one(connection, work.item, plan.effect_key)
        return _Filing(work, plan).run()


@dataclass
class _Filing:
    """One try, alone at the portal. `stopped`: why nothing was sent. `may_be_sent`: the engine was let send it; what
    stops it then without the engine's own word that nothing went out leaves it open."""

    work: Work
    plan: Plan
    stopped: Exception | None = None
    may_be_sent: bool = False

    def run(self) -> str:
        work = self.work
        try:
            effect = effects.once(
                work, kind=filing.KIND, key=self.plan.effect_key, payload_digest=self.plan.material.digest,
                perform=self.perform, probe=self.probe,
            )  # fmt: skip
        except NotDone:
            if self.stopped is not None:
                raise self._told(self.stopped) from self.stopped
            raise
        return f"Filed: {effect.reference or 'without a number'}."

    def perform(self, effect: Effect) -> Done:
        """Fills the form and sends it. NotDone before the submit; whatever comes after leaves it unknown."""
        work, plan = self.work, self.plan
        try:
            demand_quota(work, plan)
            filed = work.ground.filing.file(
                plan.material, may_send=lambda filled: self.may_send(effect, filled),
                state=filing.kept_state(work, plan.portal),
            )  # fmt: skip
        except LeaseLost:
            raise
        except NotConfirmed as lost:
            keep_shots(work, lost.shots, kind="page", effect_id=effect.effect_id)
            raise
        except Exception as stopped:
            if self.may_be_sent and not isinstance(stopped, FilingStopped | OutsideUnavailable):
                raise
            self.stopped = stopped
            raise NotDone(f"Nothing was sent: {type(stopped).__name__}.") from stopped
        return _done(work, plan, effect, filed)

    def may_send(self, effect: Effect, filled: Filled) -> None:
        """The last look at the books: we still hold the lease and the effect, nobody stopped the item or its order,
        this form is approved, it is the portal's turn."""
        work = self.work
        if not _is_approved(work, self.plan, filled):
            raise NotApproved(filled)
        with work.connect() as connection:
            leases.demand(connection, work.lease)
            _demand_still_wanted(connection, work, effect)
            if not reserve(connection, self.plan.portal, work.settings, now=work.now()):
                raise OutsideUnavailable("The portal pauses between two filings.")
        self.may_be_sent = True

    def probe(self, effect: Effect) -> Seen:
        """Asks the portal whether the filing is there."""
        return look(self.work, self.plan, effect)

    def _told(self, stopped: Exception) -> Exception:
        work, plan = self.work, self.plan
        if isinstance(stopped, NotApproved):
            before = last_form(work, plan)
            changed = differences(work, before.digest if before else None, stopped.filled)
            form = keep_form(work, plan, stopped.filled)
            what = f" It differs in: {', '.join(changed)}." if changed else ""
            return Gate("review", f"The form as it is now was approved by nobody.{what}", detail=form.shown())
        if isinstance(stopped, FilingStopped):
            return gate_of(work, plan, stopped)
        return stopped


def look(work: Work, plan: Plan, effect: Effect) -> Seen:
    """Whether the portal shows the filing. Raises Gate `settling` while it may not show it yet, `challenge`."""
    asked = Asked(plan.material, since=filing.first_meant_on(work, effect), reference=effect.reference)
    try:
        found = work.ground.filing.look_up(asked, state=filing.kept_state(work, plan.portal))
    except PageChanged as changed:
        return Seen(None, f"The portal's search is not as it was: {changed}")
    except Challenged as challenged:
        gate = gate_of(work, plan, challenged)
        raise gate from challenged
    keep_shots(work, found.shots, kind="probe", effect_id=effect.effect_id)
    if found.seen == "unclear":
        return Seen(None, found.text)
    if found.seen == "absent":
        lookup = plan.material.form.lookup
        assert lookup is not None
        shown_by = effect.intended_at + timedelta(minutes=lookup.shows_after_minutes)
        if not work.settings.is_sandbox and work.now() < shown_by:
            raise Gate("settling", "The portal may not show it yet; it is asked again later.", not_before=shown_by)
        return Seen(False, found.text)
    meant = {plan.material.uploads[name].digest for name in plan.material.form.documents}
    if found.digests is not None and set(found.digests) != meant:
        return Seen(None, f"The portal shows filing {found.reference} with other documents than ours.")
    return Seen(True, found.text, found.reference, {"count": found.count})


def _demand_still_wanted(connection: Connection, work: Work, effect: Effect) -> None:
    """What a person did while the form was filled counts. Raises Gate `order`, `held` or `retry`, LeaseLost."""
    ours = connection.execute(
        "select 1 from pw.effects where effect_id = %s and state = 'intended' and owner = %s for update",
        (effect.effect_id, work.lease.owner),
    ).fetchone()
    if ours is None:
        raise LeaseLost(f"Effect {effect.effect_id} is in other hands now; this run stops and touches nothing.")
    item = items.read_item(connection, work.item.item_id)
    if item.order_status not in items.WORKED:
        raise Gate("order", f"Order {item.order_number} is {item.order_status}.", detail={"status": item.order_status})
    if item.state != "ready":
        raise Gate("held", "A person stopped it while the form was filled; nothing was sent.")
    if item.stage != work.item.stage:
        raise Gate("retry", f"It was taken back to {item.stage}; nothing was sent.", not_before=work.now())


def _is_approved(work: Work, plan: Plan, filled: Filled) -> bool:
    if work.settings.auto_filing:
        reviewed = last_form(work, plan)
        return reviewed is not None and reviewed.digest == filled.digest
    return decision_on(work, filled.digest) == "approved"


def _done(work: Work, plan: Plan, effect: Effect, filed: Filed) -> Done:
    keep_shots(work, filed.shots, kind="confirmation", effect_id=effect.effect_id)
    title = f"Filing: {plan.material.form.title}"
    work.keep(filed.trace, kind="trace", title=title, media_type="application/x-ndjson", effect_id=effect.effect_id)
    detail: dict[str, object] = {
        "portal": plan.portal.portal,
        "uploads": {name: plan.material.uploads[name].digest for name in plan.material.form.documents},
        "reads": dict(filed.reads),
    }
    if filed.download is not None:
        name, content = filed.download
        media = "application/pdf" if content.startswith(b"%PDF-") else "application/octet-stream"
        detail["download"] = work.keep(
            content, kind="confirmation", title="The portal's confirmation", media_type=media,
            effect_id=effect.effect_id,
        )  # fmt: skip
        detail["download_name"] = name
    return Done(filed.reference, detail)


def _by_hand(work: Work, why: str) -> str:
    """Waits for a person to file it; a filing that another item made or is making is not prepared once more."""
    with work.connect() as connection:
        reference = filed_reference(connection, work.item.item_id)
    if work.playbook.key is not None:
        with work.connect() as connection:
            key = filing.effect_key(connection, work.item)
            filing.demand_only_one(connection, work.item, key)
        effect = filing.effect_of(work, key) or _claimed(work, key)  # two packets for one filing would be filed twice
        if effect.item_id != work.item.item_id:
            raise Gate(
                "duplicate", f"The same is filed, or to be filed, for item {effect.item_id}: {key}.",
                detail={"effect_id": effect.effect_id, "other_item": effect.item_id},
            )  # fmt: skip
        if effect.state == "done":
            return f"Filed: {effect.reference or 'without a number'}."
        if reference is None and effect.state != "not_done":
            raise Gate(
                "unknown_effect", f"It may have been sent before a person was asked to file it: {key}.",
                detail={"effect_id": effect.effect_id},
            )  # fmt: skip
        if reference is not None:  # booked under its meaning too, so that no other item files the same
            effects.once(
                work, kind=filing.KIND, key=key, payload_digest=filing.by_hand_digest(work),
                perform=lambda _: Done(reference, {"by_hand": True}),
                probe=lambda _: Seen(True, "A person filed it.", reference, {"by_hand": True}),
            )  # fmt: skip
    if reference is None:
        raise packet_gate(work, why)
    return f"A person filed it: {reference}."


def _claimed(work: Work, key: str) -> Effect:
    """The ledger's row for what a person is about to file, in the name of the first item that wants it."""
    now = work.now()
    with work.connect() as connection:
        leases.demand(connection, work.lease)
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at)
               values (%s, %s, %s, %s, 'not_done', 0, %s, %s) on conflict (key) do nothing""",
            (key, work.item.item_id, filing.KIND, filing.by_hand_digest(work), now, now),
        )
    effect = filing.effect_of(work, key)
    assert effect is not None
    return effect
