"""`python -m pw_pipelines.sandbox --port N`: the stand-ins as a server on loopback, Florida's file server,
the mail server, the off-site machine and ERPNext's MariaDB on ports of their own beside it."""

from __future__ import annotations

import argparse

from pw_pipelines.sandbox.backup_stand_ins import backup_stand_ins
from pw_pipelines.settings import load_settings


def serve(port: int, host: str = "127.0.0.1", sftp_port: int | None = None, smtp_port: int | None = None) -> None:
    """Runs until interrupted. Raises ConfigError in live mode."""
    import uvicorn

    from pw_pipelines.sandbox.faults import FaultBook
    from pw_pipelines.sandbox.mail import SandboxMail, drop_of
    from pw_pipelines.sandbox.server import create_app, florida_files

    settings, book = load_settings(), FaultBook()
    app = create_app(settings, book=book)
    files = florida_files(settings, book)
    mail = SandboxMail(drop_of(settings.home, settings.mail_archive), book)
    files.start(settings.sandbox_sftp_port if sftp_port is None else sftp_port, host)
    mail.start(settings.sandbox_smtp_port if smtp_port is None else smtp_port, host)
    try:
        with backup_stand_ins(settings):
            uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
    finally:
        files.stop()
        mail.stop()


def main() -> None:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m pw_pipelines.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=None, help="default: PW_SANDBOX_PORT")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--sftp-port", type=int, default=None, help="default: PW_SANDBOX_SFTP_PORT")
    parser.add_argument("--smtp-port", type=int, default=None, help="default: PW_SANDBOX_SMTP_PORT")
    arguments = parser.parse_args()
    serve(arguments.port or load_settings().sandbox_port, arguments.host, arguments.sftp_port, arguments.smtp_port)


if __name__ == "__main__":
    main()
