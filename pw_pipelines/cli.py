"""`pw`: the command line. Commands are imported only when used, so that `pw --help` is quick."""

from __future__ import annotations

import importlib
import logging
import sys

import typer
from rich.markup import escape

from pw_pipelines.commands.output import EXIT_FAILED, EXIT_USAGE, in_words, stderr
from pw_pipelines.errors import PwError, UsageError

# word -> (module in pw_pipelines.commands, one line of help). A module offers `app` (a Typer);
# one with a single `@app.command()` and no callback becomes that command itself.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "Start everything, print the URLs; Ctrl-C stops it all cleanly."),
    "demo": ("demo", "Run the main job once, from public record to a cured finding, and print what happened."),
    "doctor": ("doctor", "Say what is missing or misconfigured, and the command that mends it."),
    "snapshot": ("snapshot", "Ingest, list, show and recall snapshots of public records."),
    "check": ("check", "The free compliance check of one FRN."),
    "findings": ("findings", "Findings held because too many came at once; let them through."),
    "names": ("names", "Load a state's register of companies from files; ask whether a name may be had."),
    "segments": ("segments", "List, show and export lead segments."),
    "leads": ("leads", "Reconcile leads with Listmonk; suppress an address; stops and their lifting."),
    "bounces": ("bounces", "What a returned mail says and by which lines; work the bounce mailbox once."),
    "orders": ("orders", "Any order and its items: what waits, what proves it, what people do about it."),
    "discounts": ("discounts", "Discount codes: add, list, end."),
    "agents": ("agents", "Sales agents: add, list, end, resume, and the account their commissions go to."),
    "probe": ("probe", "Look whether the portals still are as our files say; open one again that was closed."),
    "staff": ("staff", "Who may log in at the desk: add, list, disable, password."),
    "backup": ("backup", "Make backups, prove them, list them; restore them for practice."),
    "sandbox": ("sandbox", "Run the stand-ins, move their clock, make them misbehave."),
    "bench": ("bench", "Measure, as ratios against a peer in the same run."),
}


def build(word: str | None) -> typer.Typer:
    """The application with the command `word` loaded; the others are named in the help only."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)
    for name, (module, summary) in COMMANDS.items():
        if name != word:
            app.command(name, help=summary)(_not_loaded)
            continue
        loaded = importlib.import_module(f"pw_pipelines.commands.{module}").app
        if len(loaded.registered_commands) == 1 and loaded.registered_callback is None:
            # A word with one deed takes its options anywhere (`pw check FRN --json`); a group would not.
            app.command(name, help=summary)(loaded.registered_commands[0].callback)
        else:
            app.add_typer(loaded, name=name, help=summary)
    return app


def _not_loaded() -> None:
    """Stands in the help for a command whose module was not imported."""


def main() -> None:
    """Entry point. Errors raised on purpose become one sentence and an exit code; others keep their traceback."""
    word = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if word is not None:
        from pw_pipelines import logs

        logs.configure(logging.WARNING)  # structlog's default is stdout, which belongs to answers
    try:
        build(word)()
    except UsageError as error:
        stderr.print(f"[bold red]error[/] {escape(in_words(error))}", highlight=False)
        raise SystemExit(EXIT_USAGE) from error
    except PwError as error:
        stderr.print(f"[bold red]error[/] {escape(str(error))}", highlight=False)
        raise SystemExit(EXIT_FAILED) from error


if __name__ == "__main__":
    main()
