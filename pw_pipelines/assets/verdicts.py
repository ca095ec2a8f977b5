"""Which failures are worth another try: only those that say "nobody could know now"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pw_pipelines.errors import OutsideUnavailable, PwError, SourceUnavailable
from pw_pipelines.settings import Settings

MAX_RETRIES = 2  # with the doubling wait: asked again after one and after three more delays
TRANSIENT = (SourceUnavailable, OutsideUnavailable)


def retry_policy(settings: Settings) -> dg.RetryPolicy:
    """For steps that ask the outside world; `verdicts` keeps it from repeating what cannot get better."""
    return dg.RetryPolicy(
        max_retries=MAX_RETRIES, delay=settings.retry_delay_seconds, backoff=dg.Backoff.EXPONENTIAL, jitter=None
    )


@contextmanager
def verdicts() -> Iterator[None]:
    """Lets transient errors through to the retry policy; turns every other error into a Failure without retries.

    A refusal repeated is the same refusal, and a mistake of ours repeated is the same mistake.
    """
    try:
        yield
    except (*TRANSIENT, dg.Failure):
        raise
    except PwError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        raise dg.Failure(description=f"{type(error).__name__}: {error}", allow_retries=False) from error
