"""The job that works one item of a paid order: a stage per op, ending where the item meets a gate.

Its config is the item's number and nothing else: whatever is launched by hand asks the books what may be done.
"""

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.fulfillment import run_words
from pw_pipelines.fulfillment.stage import STAGES, Stage
from pw_pipelines.run_tags import IN_SUCCESSION

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.engine import Outcome
    from pw_pipelines.fulfillment.ground import Ground

NAME = run_words.JOB
_WORDS: dict[Stage, str] = {
    "prepare": "Gathers what the documents and the filing need; names what is missing.",
    "documents": "Draws the documents up, as DOCX and PDF.",
    "signature": "Asks the signer, by a link of their own; goes on when all is signed.",
    "review": "Fills the portal's form up to the step before it is sent; goes on when a reviewer approved it.",
    "file": "Sends it to the portal, once.",
    "confirm": "Proves that it arrived: the portal's own confirmation, read back.",
    "deliver": "Sends the customer the result and its documents, once.",
    "book": "Invoice and payment, calendar, commission's clock, proof of cure begun.",
}


_CAME = {
    "done": "done", "passed": "nothing to do, it was done before or is not part of this service",
    "gate": "stopped at a gate", "busy": "left alone, another run works the item", "not_yet": "not reached yet",
}  # fmt: skip


def _stands(ground: "Ground", item_id: int) -> str:
    """Where an item stands, in the run's log: stage and gate, which say nothing of anybody."""
    from pw_pipelines.fulfillment.items import read_item

    with ground.db.connect(application="pw-fulfillment") as connection:
        item = read_item(connection, item_id)
    return f"is {item.state} at {item.stage}" + (f", gate {item.gate}" if item.gate else "")


def _stage_op(stage: Stage, *, is_first: bool) -> dg.OpDefinition:
    @dg.op(
        name=stage,
        description=_WORDS[stage],
        ins={} if is_first else {"before": dg.In(dg.Nothing)},
        out={"goes_on": dg.Out(dg.Nothing, is_required=False)},
        required_resource_keys={"fulfillment"},
        config_schema={"item_id": dg.Field(int, description="pw.item_work.item_id")},
    )
    def work(context: dg.OpExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator of Dagster's
        from pw_pipelines.fulfillment.engine import advance
        from pw_pipelines.masking import nothing_personal

        item_id: int = context.op_config["item_id"]
        outcome: Outcome = nothing_personal(
            lambda: advance(
                context.resources.fulfillment, item_id, stage, run_id=context.run_id,
                log=context.log.info,
            )
        )  # fmt: skip
        where = "" if outcome.goes_on else f"; it {_stands(context.resources.fulfillment, item_id)}"
        context.log.info(f"item {item_id}, {stage}: {_CAME[outcome.came]}{where}")
        if outcome.goes_on:
            yield dg.Output(None, "goes_on")

    return work


_OPS = {stage: _stage_op(stage, is_first=stage == STAGES[0]) for stage in STAGES}


@dg.job(
    name=NAME,
    description="One item of a paid order, from where it stands to the next gate: documents, signature, review, "
    "filing, confirmation, delivery, books. Safe to launch, retry or launch twice: the books decide what is done.",
    executor_def=dg.in_process_executor,
    tags={"dagster/priority": "5", **IN_SUCCESSION},
)
def fulfill_item() -> None:
    """Each op ends the run by yielding nothing where the item meets a gate."""
    previous = None
    for stage in STAGES:
        previous = _OPS[stage]() if previous is None else _OPS[stage](before=previous)
