"""How the warm process does that Dagster's runs are forked from: asked over its socket, as anybody of the house may."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

PLACE = Path("run", "warm")  # under PW_HOME; the launcher makes it
_SECONDS = 1.0
_MOST_BYTES = 1 << 16


def state(home: Path) -> dict[str, Any] | None:
    """What it says of itself (runs, workers, rss_mib, broken …); None when nobody answers within a second."""
    try:
        folder = os.open(home / PLACE, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(f"/proc/self/fd/{folder}/door")  # the kernel takes 108 bytes, a home may lie deeper
            connection.sendall(b'{"do": "state"}\n')
            said = b""
            while not said.endswith(b"\n") and len(said) < _MOST_BYTES and (part := connection.recv(4096)):
                said += part
        answer = json.loads(said)
    except (OSError, ValueError):
        return None
    finally:
        os.close(folder)
    return answer if isinstance(answer, dict) else None


def metrics(home: Path, launcher: str) -> Iterator[Metric]:
    """Whether it should be there, whether it answers, its workers and memory."""
    said = state(home)
    yield _gauge("pw_warm_process_wanted", "1 when runs are to be forked from the warm process.", launcher == "warm")
    yield _gauge("pw_warm_process_up", "1 while the warm process answers.", said is not None)
    if said is None:
        return
    yield _gauge("pw_warm_process_broken", "1 when it can't serve and runs go the slow way.", bool(said.get("broken")))
    yield _gauge("pw_warm_process_runs", "Runs it started since it was loaded anew.", said.get("runs"))
    yield _gauge("pw_warm_process_workers", "Processes that run a run now.", said.get("workers"))
    rss = said.get("rss_mib")
    resident = rss * (1 << 20) if isinstance(rss, int | float) else None
    yield _gauge("pw_warm_process_resident_memory_bytes", "Memory of the warm process itself.", resident)


def _gauge(name: str, text: str, value: object) -> Metric:
    family = GaugeMetricFamily(name, text)
    if isinstance(value, bool | int | float):
        family.add_metric([], float(value))
    elif isinstance(value, list | dict):
        family.add_metric([], float(len(value)))
    return family
