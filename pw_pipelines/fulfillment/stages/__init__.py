"""The stages of a playbook, one module each. A stage does its part and returns what it did in one sentence, or raises
Gate. It may be killed anywhere and begun anew: what it finds done it does not do again.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from pw_pipelines.fulfillment.model import STAGES, Stage

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.work import Work

Runner = Callable[["Work"], str]


def runner_of(stage: Stage) -> Runner:
    """What works this stage; imported when first needed, since browsers and documents are slow to import."""
    assert stage in STAGES
    return cast(Runner, import_module(f"{__name__}.{stage}").run)
