"""`python -m pw_pipelines.sandbox --port N`: the stand-ins as a server on loopback."""

from __future__ import annotations

import argparse

from pw_pipelines.settings import load_settings


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Runs until interrupted. Raises ConfigError in live mode."""
    import uvicorn

    from pw_pipelines.sandbox.server import create_app

    settings = load_settings()
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", access_log=False)


def main() -> None:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m pw_pipelines.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=None, help="default: PW_SANDBOX_PORT")
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    serve(arguments.port or load_settings().sandbox_port, arguments.host)


if __name__ == "__main__":
    main()
