"""Web apps on a free port of this machine, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

TICK_SECONDS = 0.02


class PromptServer(uvicorn.Server):
    """Stops within a fiftieth of a second; the original looks ten times a second whether it should."""

    async def main_loop(self) -> None:
        counter = 0
        while not self.should_exit:
            if counter % 5 == 0:
                await self.on_tick(counter // 5)  # as often as the original: it keeps the Date header
            counter += 1
            await asyncio.sleep(TICK_SECONDS)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """`app` behind a real socket; its base URL. Who asks before it has started up waits instead of being refused."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False)
    server = PromptServer(config)
    # Of TCP by name: asyncio lets no answer wait for the one before to be acknowledged (40 ms) on such a one alone.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
