"""`pw findings`: findings held because one rebuild would newly accuse too many carriers, and letting them through."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from pw_pipelines.commands import snapshot_marts
from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.compliance import jumps
from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]


@app.command("held")
def held_command(*, as_json: AsJson = False) -> None:
    """Rules whose new findings wait for a person, and how many carriers each would accuse."""
    with open_stack(load_settings()) as stack:
        found = jumps.held(stack.db)
    if as_json:
        emit_json({"held": found})
        return
    for one in found:
        stdout.print(one.sentence, highlight=False, markup=False)
    if not found:
        stdout.print("Nothing is held because of its number.", highlight=False)


@app.command("release")
def release_command(
    code: Annotated[str, typer.Argument(help="Rule whose new findings are let through, such as RMD_MISSING.")],
    *,
    by: Annotated[str, typer.Option(help="Who lets them through; recorded and told to ops.")],
    reason: Annotated[str, typer.Option(help="Why they are right; recorded and told to ops.")],
    at_most: Annotated[
        int | None, typer.Option(min=1, help="How many at most. Unset: as many as are held now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild findings and leads with the new findings of one rule let through, once.

    If the rebuild finds more than were held (or --at-most), a newer copy has changed the picture: all stay held.
    """
    from pw_pipelines.compliance.marts import build

    if not by.strip() or not reason.strip():
        raise UsageError("--by and --reason must say who lets the findings through, and why.")
    with open_stack(load_settings()) as stack:
        now = stack.settings.clock.now()
        waiting = {one.code: one for one in jumps.held(stack.db)}
        if code not in waiting:
            raise UsageError(
                f"Nothing of {code!r} is held because of its number; held: {', '.join(waiting) or 'none'}."
            )
        most = at_most or waiting[code].newly
        jumps.note_release(stack.db, waiting[code], at_most=most, by=by.strip(), reason=reason.strip(), now=now)
        before = snapshot_marts.standing(stack.db)
        with contextlib.redirect_stdout(sys.stderr):  # stdout belongs to the command's answer
            build(stack.db, as_of=waiting[code].as_of, now=now, released={code: most})
        after = snapshot_marts.standing(stack.db)
        still = {one.code: one for one in jumps.held(stack.db)}.get(code)
    if still is not None:
        raise PwError(f"The rebuild would accuse {still.newly:,} carriers, more than the {most:,} let through: all of "
                      f"{code} stay held. Look again: pw findings held")  # fmt: skip
    let_through = after.by_code.get(code, 0) - before.by_code.get(code, 0)
    if as_json:
        emit_json({"code": code, "let_through": let_through, "findings": after.findings, "leads": after.leads})
    else:
        told = f"{code}: {let_through:,} more findings; {after.findings:,} findings and {after.leads:,} leads stand."
        stdout.print(told, highlight=False)
