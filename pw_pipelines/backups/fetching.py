"""The off-site copy fetched into a scratch folder: what a restore begins with when this machine is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pw_pipelines.backups.manifest import MANIFEST, SIGNATURE
from pw_pipelines.backups.model import SUBJECTS, Subject, checked_set_id, pool_name
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

_NOT_SETS = tuple(f"--exclude=/{name}" for name in ("pool", "journal", "making", "drills"))


@dataclass(frozen=True)
class OffsiteCopy:
    """The copy on the off-site machine, fetched piece by piece below `folder`, in the layout of model.Places."""

    offsite: Offsite
    folder: Path

    @classmethod
    def of(cls, settings: Settings, folder: Path) -> OffsiteCopy:
        """Raises ConfigError when there is no off-site machine, or its settings cannot work."""
        offsite = Offsite.of(settings)
        if offsite is None:
            raise ConfigError("There is no off-site copy to restore from: PW_OFFSITE_HOST is not set.")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(offsite, folder)

    def sets(self) -> dict[str, list[str]]:
        """subject -> ids of every set that lies there, newest first; of each the manifest is fetched, if it has one."""
        wanted = ("--include=*/", f"--include={MANIFEST}", f"--include={SIGNATURE}", "--exclude=*")
        self.offsite.bring("", self.folder, [*_NOT_SETS, *wanted], what="the manifests")
        return {
            subject: sorted((one.name for one in (self.folder / subject).iterdir() if one.is_dir()), reverse=True)
            for subject in SUBJECTS
            if (self.folder / subject).is_dir()
        }

    def fetch_set(self, subject: Subject, set_id: str) -> Path:
        """Every file of a set; its folder."""
        name = f"{subject}/{checked_set_id(set_id)}"
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.offsite.bring(f"{name}/", self.folder / name, what=f"set {name}")
        return self.folder / name

    def fetch_pool(self, digests: Iterable[str]) -> None:
        """The sealed copies of these objects; what is not there is found missing by whoever opens it."""
        listing = self.folder.parent / "wanted-objects"
        listing.write_text("".join(f"{pool_name(digest)}\n" for digest in digests), encoding="utf-8")
        if listing.stat().st_size:
            options = ["--ignore-missing-args", f"--files-from={listing}"]
            self.offsite.bring("", self.folder, options, what="the objects")
