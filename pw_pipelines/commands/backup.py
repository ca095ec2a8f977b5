"""`pw backup`: make backups, prove them, list them; restore them for practice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pw_pipelines.backups import books, rounds, verifying
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.keys import public_text, recipients_of, signing_key_of
from pw_pipelines.backups.model import BackupSet
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.backups.status import Standing, standings
from pw_pipelines.commands import backup_drill
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stderr, stdout
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]


def ground_of(stack: Stack) -> Ground:
    """What backups stand on in this stack. Raises ConfigError for keys that are missing."""
    return Ground.of(stack.settings, stack.db, stack.objects)


@app.command("run")
def run_command(
    subjects: Annotated[
        list[str] | None, typer.Argument(help="postgres, mariadb, objects, forgejo; all of them for none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a set of each subject, bring it off-site, read it back; remove what retention lets go."""
    chosen = rounds.subjects_of(subjects or [])
    with _ground() as ground:
        told = rounds.run(ground, chosen, lambda line: None if as_json else _say(line))
    ok = all(one.ok for one in told)
    if as_json:
        emit_json({"ok": ok, "subjects": told})
    else:
        for one in told:
            words = f"skipped: {one.skipped}" if one.skipped else "ok" if one.ok else f"FAILED: {one.error}"
            stdout.print(f"{one.subject:9} {words}", highlight=False, markup=False, soft_wrap=True)
            for finding in one.findings:
                stdout.print(f"{'':9} {finding}", highlight=False, markup=False, soft_wrap=True)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("verify")
def verify_command(as_json: AsJson = False) -> None:
    """Read every archive of every set through, here and off-site; name each bad one."""
    with _ground() as ground:
        verdicts = verifying.verify(ground, Offsite.of(ground.settings), books.sets(ground.db))
    ok = all(one.ok for one in verdicts)
    if as_json:
        emit_json({"ok": ok, "sets": verdicts})
    else:
        for one in verdicts:
            state = "ok" if one.ok else "; ".join((*one.damage, *one.unknown))
            stdout.print(f"{one.subject:9} {one.set_id}  {state}", highlight=False, markup=False, soft_wrap=True)
        stdout.print(f"{len(verdicts)} sets, {sum(not one.ok for one in verdicts)} not in order", highlight=False)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The sets, newest first, and how each subject stands against what is promised."""
    with open_stack(load_settings()) as stack:
        settings, now = stack.settings, stack.settings.clock.now()
        with stack.db.connect(application=books.APPLICATION) as connection:
            stands = standings(connection, settings, now=now)
        found = books.sets(stack.db, states=("making", "complete", "failed"))
        keys = {
            "recipients": recipients_of(settings).names,
            "verify_key": public_text(signing_key_of(settings).public_key()),
        }
    if as_json:
        emit_json({"subjects": stands, "sets": [_shown(one) for one in found], **keys})
        return
    for stand in stands:
        stdout.print(f"{stand.subject:9} {_standing(stand)}", highlight=False, markup=False, soft_wrap=True)
    for one in found:
        stdout.print(_line(one), highlight=False, markup=False, soft_wrap=True)
    stdout.print(f"sealed to {', '.join(keys['recipients'])}", highlight=False, markup=False, soft_wrap=True)
    stdout.print(f"signed by {keys['verify_key']} (PW_BACKUP_VERIFY_KEYS of whoever restores)", highlight=False)


@contextmanager
def _ground() -> Iterator[Ground]:
    """In the sandbox the stand-ins answer: the off-site machine and ERPNext's database are among them."""
    with open_stack(load_settings(), sandbox=True) as stack:
        yield ground_of(stack)


def _say(line: str) -> None:
    stderr.print(line, highlight=False, markup=False)


def _shown(one: BackupSet) -> dict[str, object]:
    return {
        "set_id": one.set_id, "subject": one.subject, "state": one.state, "good": one.is_good,
        "captured_at": one.captured_at, "bytes": one.bytes, "confirmed_at": one.confirmed_at,
        "verified_at": one.verified_at, "tiers": list(one.tiers), "error": one.error or one.damage or one.offsite_error,
    }  # fmt: skip


def _standing(stand: Standing) -> str:
    if stand.skipped:
        return f"not backed up: {stand.skipped}"
    if stand.age_hours is None:
        return f"no good set{': ' + stand.last_error if stand.last_error else ''}"
    late = "LATE, " if stand.late else ""
    return (
        f"{late}{stand.good} good sets, the newest of {stand.age_hours:.1f} h ago (promised: {stand.promise_hours:g} h)"
    )


def _line(one: BackupSet) -> str:
    trouble = one.error or one.damage or one.offsite_error
    words = "good" if one.is_good else one.state
    size = f"{one.bytes:,} bytes" if one.bytes else ""
    return f"{one.set_id} {one.subject:9} {words:9} {size:>18} {', '.join(one.tiers)} {trouble or ''}".rstrip()


# `drill` and `ship` have a file of their own.
app.registered_commands += backup_drill.app.registered_commands
