"""One round of backups: per subject a set is made, brought off-site, read back, verified; then what is old goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pw_pipelines.backups import books, copying, expiring, forgejo, mariadb, scratch_mariadb, verifying
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.expiring import Expired
from pw_pipelines.backups.model import SUBJECTS, BackupSet, Subject
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.clock import machine_now
from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.settings import Settings

Say = Callable[[str], object]


@dataclass(frozen=True)
class Told:
    """What a round did for one subject. ok: a set was made, is off-site where there is one, stands, and nothing was
    wrong with its source. set_id None: none came about, `error` says why. skipped: not configured, and why."""

    subject: str
    ok: bool
    set_id: str | None = None
    captured_at: str | None = None
    bytes: int | None = None
    seconds: float = 0.0
    offsite: str = "none"
    verified: bool = False
    error: str | None = None
    skipped: str | None = None
    findings: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()


def why_not(settings: Settings, subject: Subject) -> str | None:
    """Why a subject is not backed up here; None when it is."""
    if subject == "mariadb" and not mariadb.is_configured(settings):
        return "PW_MARIADB_HOST is not set."
    if subject == "mariadb" and settings.is_sandbox and (lacking := scratch_mariadb.missing()):
        return f"The sandbox's MariaDB needs {', '.join(lacking)}; install with: {scratch_mariadb.MEND}"
    if subject == "forgejo" and not forgejo.is_configured(settings):
        return "PW_FORGEJO_DUMP_COMMAND is not set."
    return None


def subjects_of(words: Sequence[str]) -> list[Subject]:
    """The subjects named, all of them for none. Raises UsageError."""
    if unknown := sorted(set(words) - set(SUBJECTS)):
        raise UsageError(f"{unknown[0]!r} is not backed up; there are {', '.join(SUBJECTS)}.")
    return [one for one in SUBJECTS if not words or one in words]


def run(ground: Ground, subjects: Sequence[Subject], say: Say) -> list[Told]:
    """A round over `subjects`, one after the other; the trouble of one does not keep the others from their turn."""
    return [run_one(ground, subject, say) for subject in subjects]


def run_one(ground: Ground, subject: Subject, say: Say) -> Told:
    """A round of one subject. Never raises for what can go wrong outside; the answer says it."""
    began = machine_now()
    if reason := why_not(ground.settings, subject):
        return Told(subject, ok=True, skipped=reason)
    try:
        with books.round_of(ground.db, subject):
            return _round(ground, subject, say, began)
    except (PwError, OSError) as error:
        return Told(subject, ok=False, error=f"{error}", seconds=_since(began))


def _round(ground: Ground, subject: Subject, say: Say, began: datetime) -> Told:
    from pw_pipelines.backups.making import make

    try:
        made = make(ground, subject)
        say(f"{subject}: set {made.set_id}, {made.bytes or 0:,} bytes")
        offsite = Offsite.of(ground.settings)
    except (PwError, OSError) as error:
        return Told(subject, ok=False, error=f"{error}", seconds=_since(began))
    just_read = set()
    if offsite is not None:
        for copied in copying.copy_unconfirmed(ground, offsite, subject):
            say(f"{subject}: {copied.set_id} off-site: {copied.error or 'confirmed'}")
            if copied.error is None:
                just_read.add(copied.set_id)
    waiting = [one for one in books.sets(ground.db, subject) if one.verified_at is None or one.confirmed_at is None]
    for verdict in verifying.verify(ground, offsite, waiting, just_read=just_read):
        say(f"{subject}: {verdict.set_id} verified: {'ok' if verdict.ok else '; '.join(verdict.damage)}")
    done = next((one for one in books.sets(ground.db, subject) if one.set_id == made.set_id), made)
    expired = expiring.expire(ground, offsite, subject) if done.is_good else Expired()
    return _told(done, offsite, expired, _since(began))


def _told(done: BackupSet, offsite: Offsite | None, expired: Expired, seconds: float) -> Told:
    there = "none" if offsite is None else "confirmed" if done.confirmed_at else "not confirmed"
    findings = tuple(str(one) for one in done.detail.get("findings", ()))
    notes = done.detail.get("notes", {})
    lost = findings[0] if notes.get("missing") or notes.get("altered") else None
    error = done.damage or done.offsite_error or lost or (expired.trouble[0] if expired.trouble else None)
    if offsite is None:
        error = error or "PW_OFFSITE_HOST is not set: the only copy is on this machine, where a fire takes both."
    return Told(
        done.subject, ok=done.is_good and error is None, set_id=done.set_id,
        captured_at=done.captured_at.isoformat() if done.captured_at else None, bytes=done.bytes, seconds=seconds,
        offsite=there, verified=done.verified_at is not None, error=error, findings=findings, expired=expired.expired,
    )  # fmt: skip


def _since(began: datetime) -> float:
    return round((machine_now() - began).total_seconds(), 2)
