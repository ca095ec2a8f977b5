"""What a run writes to stdout and stderr, kept for Dagster's pages without another process.

Dagster's own manager copies it to the worker's log as well, by four processes for each run: two `tail` and two Python
interpreters that watch over them. They cost more than a small run does, and what is written in a run's last second is
not copied. Here the run's own process copies it when the run is over.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dagster import Field, StringSource
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file, touch_file

from pw_pipelines.settings import load_settings


class CapturedLogs(LocalComputeLogManager):
    """Dagster's local manager: the same files at the same places. base_dir: `storage` in DAGSTER_HOME by default."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing must be said."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(  # type: ignore[override]  # one setting, Dagster's own class
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> LocalComputeLogManager:
        """With PW_LAUNCHER=stock it is Dagster's own. Raises KeyError when neither base_dir nor DAGSTER_HOME is set."""
        place = config_value.get("base_dir") or str(Path(os.environ["DAGSTER_HOME"]) / "storage")
        kind = LocalComputeLogManager if load_settings().launcher == "stock" else cls
        return kind(inst_data=inst_data, base_dir=place)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Until the block ends, what this process and those it starts write goes to the log's files."""
        out, err = (
            Path(self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind]))
            for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR)
        )
        with _kept(sys.stdout, out), _kept(sys.stderr, err):
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))  # type: ignore[no-untyped-call]


@contextmanager
def _kept(stream: IO[str], path: Path) -> Iterator[None]:
    ensure_file(str(path))
    before = path.stat().st_size
    try:
        with redirect_to_file(stream, str(path)):
            yield
    finally:
        with path.open(encoding="utf-8", errors="replace") as written:
            written.seek(before)
            shutil.copyfileobj(written, stream)
        stream.flush()
