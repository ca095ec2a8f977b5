"""The dbt project's manifest: what Dagster draws its assets from. Needs no database."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path

from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import PROJECT_ROOT

PROJECT_DIR = PROJECT_ROOT / "dbt_models"
MANIFEST = PROJECT_DIR / "target" / "manifest.json"
_MADE_OF = ("dbt_project.yml", "profiles.yml", "models", "macros", "tests")


def newest_change(folder: Path = PROJECT_DIR) -> float:
    """Time (epoch seconds) of the latest change to a file or folder of the dbt project, its target aside."""
    paths = [path for name in _MADE_OF for path in ((folder / name), *(folder / name).rglob("*"))]
    return max(path.stat().st_mtime for path in paths if path.exists())


def is_fresh(manifest: Path = MANIFEST) -> bool:
    """Whether `manifest` was made from the project as it stands."""
    return manifest.exists() and manifest.stat().st_mtime >= newest_change()


def ensure_manifest() -> Path:
    """Path of a manifest of the project as it stands; parses it when missing or older than a model.

    Safe to call from several processes at once. Raises ConfigError with dbt's own words when a model cannot be parsed.
    """
    if is_fresh():
        return MANIFEST
    MANIFEST.parent.mkdir(exist_ok=True)
    with (MANIFEST.parent / "manifest.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_fresh():
            _parse()
    return MANIFEST


def _parse() -> None:
    """Parses into a folder of its own, then puts the manifest in place in one step."""
    from dbt.cli.main import dbtRunner

    began = newest_change()
    with tempfile.TemporaryDirectory(prefix="pw-dbt-") as scratch:
        result = dbtRunner().invoke([
            "parse", "--quiet", "--log-level", "none", "--log-level-file", "none", "--no-partial-parse",
            "--target", "warehouse", "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
            "--target-path", scratch, "--log-path", scratch,
        ])  # fmt: skip
        if not result.success:
            raise ConfigError(f"The dbt project in {PROJECT_DIR.name}/ cannot be parsed: {result.exception}")
        made = Path(scratch) / "manifest.json"
        json.loads(made.read_text(encoding="utf-8"))
        draft = MANIFEST.with_name(f"manifest.{os.getpid()}.tmp")
        shutil.copyfile(made, draft)
        if newest_change() == began:
            draft.replace(MANIFEST)
        else:  # a model changed meanwhile: what was parsed is older than it
            os.utime(draft, (began, began))
            draft.replace(MANIFEST)
