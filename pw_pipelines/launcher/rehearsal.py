"""One run of nothing, in memory, before the first real one: what Dagster and SQLAlchemy work out at their first use
(types, statements, signatures) is then there in every fork. It takes a third off a small run."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg


def rehearse() -> None:
    """Leaves nothing behind but warm caches."""
    config = {
        "ops": {"first": {"config": {"number": 1}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        rehearsal.execute_in_process(instance=instance, run_config=config)


@dg.op(out={"goes_on": dg.Out(dg.Nothing, is_required=False)}, config_schema={"number": dg.Field(int)})
def first(context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    context.log.info("rehearsed")
    yield dg.Output(None, "goes_on")


@dg.op(ins={"before": dg.In(dg.Nothing)}, out={"goes_on": dg.Out(dg.Nothing, is_required=False)})
def second() -> Iterator[dg.Output[None]]:
    """Ends the run, as a stage does at a gate."""
    yield from ()


@dg.op(ins={"before": dg.In(dg.Nothing)})
def third() -> None:
    """Is skipped."""


@dg.job(executor_def=dg.in_process_executor)
def rehearsal() -> None:
    """Three ops: one that goes on, one that does not, one that is skipped."""
    third(before=second(before=first()))
