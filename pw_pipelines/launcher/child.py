"""What a fork of the warm process does: works one run as `dagster api execute_run` does, or tells that one died."""

from __future__ import annotations

import os

import yaml
from dagster import DagsterInstance, DagsterRunStatus
from dagster._cli.api import _execute_run_command_body  # what `dagster api execute_run` itself consists of
from dagster._core.instance.ref import InstanceRef
from dagster._utils import get_run_crash_explanation
from dagster._utils.interrupts import capture_interrupts

from pw_pipelines.dagster_connections import keep_connections, suspect_connections
from pw_pipelines.db.kept import stay_open
from pw_pipelines.masking import forget_all

NOT_FINISHED = 70  # the run was not brought to its end, and what broke could not be written into its events


def work(run_id: str, instance: DagsterInstance) -> tuple[int, bool]:
    """Executes the run; the exit code, and whether the run ended well. 0 only when Dagster's books say that the run is
    over."""
    suspect_connections()
    forget_all()  # what an earlier run of this process was told never to say is not this one's
    with capture_interrupts():
        _execute_run_command_body(run_id, instance, lambda _event: None, set_exit_code_on_failure=False)
        run = instance.get_run_by_id(run_id)
    if run is None:
        return 0, False
    return 0 if run.is_finished else NOT_FINISHED, run.is_success


def tell(run_id: str, instance_ref: InstanceRef, ended: int | None) -> int:
    """Ends a run whose worker is dead, as the stock launcher's server does. `ended`: its exit code, negative for a
    signal; None when nobody saw it end."""
    with opened(instance_ref) as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return 0
        what = f"Run execution process for {run_id}"
        said = (
            f"{what} is gone, and nobody saw it end."
            if ended is None
            else get_run_crash_explanation(prefix=what, exit_code=ended)
        )
        instance.report_engine_event(said, run, cls=None)
        if run.status == DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, said)
        else:
            instance.report_run_failed(run, said)
    return 0


def instance_ref() -> InstanceRef:
    """The instance of DAGSTER_HOME. Nothing is opened yet. Its tables are there: the run already stands in them."""
    found = InstanceRef.from_dir(os.environ["DAGSTER_HOME"])
    storage = found.storage_data
    if storage is None or storage.class_name not in ("Storage", "DagsterPostgresStorage"):
        return found
    config = yaml.safe_dump({**storage.config_dict, "should_autocreate_tables": False})
    return found._replace(storage_data=storage._replace(config_yaml=config))


def opened(instance_ref: InstanceRef, *, stays_open: bool = False) -> DagsterInstance:
    """The instance, for the life of this process. `stays_open`: more than one run may be worked, so connections to the
    warehouse outlast the first."""
    if stays_open:
        stay_open()
    instance = DagsterInstance.from_ref(instance_ref)
    keep_connections(instance)
    return instance
