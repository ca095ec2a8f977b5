"""Metrics of one web process: requests, webhooks, the pool of connections, the process itself.

Few labels, all from fixed sets: routes as they are written in the code (never an address, which may be the key to an
order), methods, classes of status, providers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter that nobody asks for
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ELSEWHERE = "elsewhere"
# What a provider was answered -> what became of the delivery.
OUTCOMES = {200: "stored", 202: "stored", 400: "forged", 404: "unknown_provider", 413: "too_large", 503: "sent_again"}


class WebMetrics:
    """Counts of one process, in a registry of its own."""

    def __init__(self, providers: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._providers = frozenset(providers)
        self._requests = Counter(
            "pw_http_requests",
            "Requests answered, by route, method and class of status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pw_http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._webhooks = Counter(
            "pw_webhooks", "Deliveries of payment providers, by what became of them.", ["provider", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        for provider in sorted(self._providers):  # a rate needs a zero to begin from
            for outcome in ("stored", "forged", "sent_again"):
                self._webhooks.labels(provider, outcome)
        ProcessCollector(registry=self.registry)

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """One request came to its end. `route`: as written in the code."""
        known = method if method in METHODS else "OTHER"
        self._requests.labels(route, known, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)

    def delivered(self, *, provider: str, status: int) -> None:
        """One delivery to a webhook was answered."""
        known = provider if provider in self._providers else "other"
        self._webhooks.labels(known, OUTCOMES.get(status, "failed")).inc()


class PoolCollector(Collector):
    """The pool of connections, as psycopg counts it. `stats`: psycopg_pool's `get_stats`."""

    def __init__(self, stats: Callable[[], Mapping[str, int]]) -> None:
        self._stats = stats

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        for name, text, key in (
            ("pw_pool_connections", "Connections the web app holds.", "pool_size"),
            ("pw_pool_connections_idle", "Those of them that nobody uses now.", "pool_available"),
            ("pw_pool_requests_waiting", "Requests that wait for a connection now.", "requests_waiting"),
        ):
            gauge = GaugeMetricFamily(name, text)
            gauge.add_metric([], stats.get(key, 0))
            yield gauge
        for name, text, key, factor in (
            ("pw_pool_requests", "Times a connection was asked for.", "requests_num", 1.0),
            ("pw_pool_requests_queued", "Times somebody had to wait for one.", "requests_queued", 1.0),
            ("pw_pool_wait_seconds", "Time spent waiting for one.", "requests_wait_ms", 0.001),
            ("pw_pool_errors", "Times nobody got one.", "requests_errors", 1.0),
        ):
            counter = CounterMetricFamily(name, text)
            counter.add_metric([], stats.get(key, 0) * factor)
            yield counter
