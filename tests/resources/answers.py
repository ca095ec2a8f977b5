"""A source that answers as a test says, behind the real client: nothing is patched, nobody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
from pydantic import SecretStr

from pw_pipelines.settings import Settings

Answer = httpx.Response | Exception
KEY = "s3cr3t-k€y/&?"


class Source:
    """Gives the answers in turn, the last one for ever; remembers requests, and the waits that were asked for."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], httpx.Response]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return _sent(answer if isinstance(answer, httpx.Response) else answer(request))

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


def _sent(answer: httpx.Response) -> httpx.Response:
    """The answer as it comes over a wire: its body not read yet, each time anew."""
    stream = answer.stream
    body = stream if isinstance(stream, Chunks) else Chunks(list(stream))  # type: ignore[arg-type]
    return httpx.Response(answer.status_code, headers=answer.headers, stream=body)


class Chunks(httpx.SyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


def live_like(home: Path) -> Settings:
    """Settings with credentials that must never be seen, and limits that tests can bear."""
    return Settings(
        home=home,
        rmd_url="https://rmd.example",
        form499_url="https://f499.example/cgb/form499",
        ecfs_url="https://ecfs.example/ecfs",
        ecfs_api_key=SecretStr(KEY),
        bdc_url="https://bdc.example",
        bdc_username="user@bdc.example",
        bdc_hash_value=SecretStr("s3cr3t-hash"),
        cores_url="https://cores.example/cores",
        cores_requests_per_second=10_000,
        ecfs_requests_per_second=10_000,
        bdc_requests_per_minute=600_000,
    )
