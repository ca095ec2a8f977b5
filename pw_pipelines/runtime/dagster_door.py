"""Serves the door in front of Dagster: `python -m pw_pipelines.runtime.dagster_door --port N --read-write URL …`."""

from __future__ import annotations

import argparse

import uvicorn

from pw_pipelines import logs
from pw_pipelines.portal.door_relay import LARGEST_MESSAGE
from pw_pipelines.settings import load_settings


def main() -> None:
    """Until SIGTERM; settings come from the environment."""
    from pw_pipelines.portal.door import create_door

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--read-write", required=True, help="address of the webserver that may change things")
    parser.add_argument(
        "--read-only", required=True, help="address of the one with --read-only --path-prefix /read-only"
    )
    arguments = parser.parse_args()
    logs.configure()
    app = create_door(load_settings(), read_write=arguments.read_write, read_only=arguments.read_only)
    uvicorn.run(
        app, host=arguments.host, port=arguments.port, log_config=None, access_log=False, timeout_graceful_shutdown=3,
        ws_max_size=LARGEST_MESSAGE, server_header=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
