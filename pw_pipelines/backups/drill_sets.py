"""Which set a drill restores: the newest that is what it says; every one that is not is named with what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pw_pipelines.backups.drill_model import Checks
from pw_pipelines.backups.fetching import OffsiteCopy
from pw_pipelines.backups.keys import Identities
from pw_pipelines.backups.manifest import Manifest, read_manifest
from pw_pipelines.backups.model import BackupDamaged, BackupError, Subject, WrongKey
from pw_pipelines.backups.sealing import digest_of, unseal
from pw_pipelines.clock import machine_now
from pw_pipelines.settings import Settings

MOST_TRIED = 5  # sets of one subject, newest first
CLOCKS_DIFFER = timedelta(minutes=15)


@dataclass(frozen=True)
class Opened:
    """A set whose every archive is what its signed manifest says, opened. files: member name -> plain file."""

    manifest: Manifest
    files: dict[str, Path]

    def of_kind(self, kind: str) -> list[Path]:
        return [self.files[one.name] for one in self.manifest.of_kind(kind)]


@dataclass(frozen=True)
class Chooser:
    """What choosing stands on. believed: whose manifests are believed."""

    copy: OffsiteCopy
    identities: Identities
    believed: Sequence[Ed25519PublicKey]
    settings: Settings
    scratch: Path
    checks: Checks

    def newest_good(self, subject: Subject, set_ids: Sequence[str], use: Callable[[Opened], None]) -> Opened | None:
        """Fetches, opens and uses the newest set; when it is bad, says how, and looks for one that is not.

        use: restores it; raises BackupError when it can't be. Returns the set that was used, None when none was good.
        """
        name = f"{subject} set"
        if not set_ids:
            self.checks.add(name, f"There is no set of {subject} off-site at all.", "")
            return None
        wrong: list[str] = []
        for set_id in set_ids[:MOST_TRIED]:
            try:
                opened = self._opened(subject, set_id)
                use(opened)
            except (BackupDamaged, BackupError) as error:
                wrong.append(f"{_kind_of(error)} in {subject}/{set_id}: {error}")
                continue
            if wrong:
                wrong.append(f"The older set {subject}/{set_id} of {opened.manifest.captured_at:%Y-%m-%d %H:%M} UTC is "
                             "good and was restored instead.")  # fmt: skip
            self.checks.add(
                name, wrong,
                f"{subject}/{set_id}: manifest signed by us, {len(opened.manifest.members)} archives of "
                f"{opened.manifest.bytes:,} bytes are what it says, and open.",
            )  # fmt: skip
            self._age(subject, opened.manifest)
            return opened
        wrong.append(f"None of the {len(set_ids)} sets of {subject} that were tried can be restored.")
        self.checks.add(name, wrong, "")
        return None

    def _opened(self, subject: Subject, set_id: str) -> Opened:
        folder = self.copy.fetch_set(subject, set_id)
        manifest = read_manifest(folder, self.believed)
        plain = self.scratch / "plain" / set_id
        plain.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = {}
        for member in manifest.members:
            sealed = folder / member.file
            if not sealed.exists():
                raise BackupDamaged(f"{member.file} is missing.", what=member.file)
            digest, size = digest_of(sealed)
            if size < member.bytes:
                raise BackupDamaged(
                    f"{member.file} is cut short: {size:,} of {member.bytes:,} bytes.", what=member.file
                )
            if digest != member.digest:
                raise BackupDamaged(f"{member.file} is silently damaged: its bytes are not those the manifest names.",
                                    what=member.file)  # fmt: skip
            target = plain / member.name
            target.unlink(missing_ok=True)
            found = unseal(sealed, self.identities, target)
            if found.plain_digest != member.plain_digest:
                raise BackupDamaged(f"{member.file} opens to other bytes than were sealed.", what=member.file)
            files[member.name] = target
        return Opened(manifest, files)

    def _age(self, subject: Subject, manifest: Manifest) -> None:
        promised = self.settings.backup_promise_hours.get(subject)
        now: datetime = self.settings.clock.now()
        age = now - manifest.captured_at
        late = promised is not None and age > timedelta(hours=promised)
        words = f"{subject}/{manifest.set_id} is {age.total_seconds() / 3600:.1f} hours old"
        wrong = f"{words}; promised are {promised:g} at most." if late else ""
        if late and self.settings.is_sandbox and machine_now() - manifest.machine_captured_at < age / 2:
            wrong += " The sandbox's clock was moved on since it was made: make a new one, pw backup run."
        if age < -CLOCKS_DIFFER:  # the newest by its date, and perhaps the oldest there is
            wrong = (
                f"{subject}/{manifest.set_id} is dated {-age.total_seconds() / 3600:.1f} hours from now: a clock was "
                "wrong, and which set is the newest cannot be told from their dates."
            )
        self.checks.add(f"{subject} age", wrong, f"{words}.")


def _kind_of(error: BackupError) -> str:
    if isinstance(error, WrongKey):
        return "Wrong key"
    return "Damage" if isinstance(error, BackupDamaged) else "Restore failed"
