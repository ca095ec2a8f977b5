"""How quickly the compliance check answers over HTTP under several clients at once."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from pw_pipelines.bench.measure import Measure, at_most, percentile

CLIENTS = 8
REQUESTS = 4_000
WARM_UP = 400
GOAL_P99_MS = 50.0


def latencies_ms(base_url: str, paths: Sequence[str], *, requests: int, clients: int = CLIENTS) -> list[float]:
    """Milliseconds of each of `requests` GETs, `clients` at a time, cycling through `paths`. Any non-200 raises."""
    where = urlsplit(base_url)
    todo = itertools.islice(itertools.cycle(paths), requests)
    lock = threading.Lock()
    taken: list[float] = []
    failed: list[str] = []

    def work() -> None:
        # The lightest client there is: the server has one of the two processors to itself, and what a heavier client
        # spends would be counted as the server's.
        with contextlib.closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)) as session:
            while not failed:
                with lock:
                    path = next(todo, None)
                if path is None:
                    return
                begun = time.perf_counter()
                session.request("GET", path)
                response = session.getresponse()
                body = response.read()
                spent = (time.perf_counter() - begun) * 1000
                if response.status != HTTPStatus.OK:
                    failed.append(f"{path} answered {response.status}: {body[:200].decode(errors='replace')}")
                taken.append(spent)

    def client() -> None:
        try:
            work()
        except (OSError, http.client.HTTPException) as error:
            failed.append(f"a client broke off: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return taken


def compliance_check(base_url: str, frns: Sequence[str]) -> Measure:
    """p99 of GET /api/v1/compliance-check/{frn} with 8 clients, against the liveness answer of the same server."""
    paths = [f"/api/v1/compliance-check/{frn}" for frn in frns]
    latencies_ms(base_url, paths, requests=WARM_UP)
    check = percentile(latencies_ms(base_url, paths, requests=REQUESTS), 0.99)
    peer = percentile(latencies_ms(base_url, ["/health"], requests=REQUESTS), 0.99)
    return at_most(
        "compliance_check_p99",
        check,
        "ms",
        goal=GOAL_P99_MS,
        peer=peer,
        peer_is=f"GET /health of the same server, p99 of {REQUESTS} requests by {CLIENTS} clients",
    )
