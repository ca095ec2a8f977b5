"""Serves the web app: `python -m pw_pipelines.runtime.web_server --host H --port N`."""

from __future__ import annotations

import argparse
import gc

import uvicorn

from pw_pipelines import logs
from pw_pipelines.settings import load_settings


def main() -> None:
    """Until SIGTERM; settings come from the environment."""
    from pw_pipelines.portal.app import create_app

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    logs.configure()
    app = create_app(load_settings())
    gc.freeze()  # modules and models stay: looking through them again and again holds a page up for 50 ms or more
    # A browser's open connection must not hold up Ctrl-C for long. Checks are
    # logged in pw.compliance_check_log; an access log beside it would only cost time.
    uvicorn.run(
        app, host=arguments.host, port=arguments.port, log_config=None, access_log=False, timeout_graceful_shutdown=3
    )


if __name__ == "__main__":
    main()
