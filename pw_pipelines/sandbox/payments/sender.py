"""Sends webhooks until the answer that ends it comes, at each provider's own pauses; can be told to misbehave.

A minute of the real pauses is `minute_seconds` here. Every delivery is signed anew, as the real ones are.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import httpx

Signed = tuple[bytes, dict[str, str]]
# Minutes before each repetition; the last goes on for ever. Stripe and PayPal stop after about three days.
STRIPE = (1, 5, 30, 120, 300, 600, *repeat(720, 5))
PAYPAL = (1, 3, 10, 30, 60, *repeat(180, 20))
SHKEEPER = (1,)
ADYEN = (0.15, 0.3, 0.45, 2, 5, 10, 15, 30, 60, 120, 240, 480)
_GOES_ON = frozenset({"shkeeper", "adyen"})


@dataclass
class Manner:
    """How the sender behaves. duplicate: deliveries more of each; shuffle: in any order; delay: seconds before each;
    cents: added to every amount told."""

    duplicate: int = 0
    shuffle: bool = False
    delay: float = 0.0
    cents: int = 0


@dataclass
class Attempt:
    """One delivery that was made. status 0: nobody answered."""

    what: str
    status: int


@dataclass
class Sender:
    """One provider's sender. `url`: where our webhook is, asked at each delivery."""

    provider: str
    url: Callable[[], str]
    ends: frozenset[int]
    pauses: Iterable[float]
    minute_seconds: float = 1.0
    manner: Manner = field(default_factory=Manner)
    attempts: list[Attempt] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311  # an order of sending, no secret

    def send(self, what: str, sign: Callable[[], Signed]) -> None:
        """Begins to deliver in the background; `sign` gives body and headers of one delivery."""
        for _ in range(1 + self.manner.duplicate):
            task = asyncio.get_running_loop().create_task(self._deliver(what, sign))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, what: str, sign: Callable[[], Signed]) -> None:
        await asyncio.sleep(self.manner.delay + (self._dice.random() if self.manner.shuffle else 0.0))
        pauses = tuple(self.pauses)
        again = repeat(pauses[-1]) if self.provider in _GOES_ON else ()
        async with httpx.AsyncClient(timeout=30) as client:
            for pause in chain(pauses, again, [None]):
                raw, headers = sign()
                try:
                    status = (await client.post(self.url(), content=raw, headers=headers)).status_code
                except httpx.RequestError:
                    status = 0
                self.attempts.append(Attempt(what, status))
                if status in self.ends or pause is None:
                    return
                await asyncio.sleep(pause * self.minute_seconds)

    async def close(self) -> None:
        """Gives up what is not delivered."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def report(self) -> dict[str, Any]:
        """What was sent, and how many deliveries still go on."""
        made = [{"what": one.what, "status": one.status} for one in self.attempts]
        return {"attempts": made, "under_way": len(self._tasks)}


ANY_2XX = frozenset(range(200, 300))
