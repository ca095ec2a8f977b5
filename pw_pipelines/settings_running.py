"""The settings of running it for years: backups, probes, mail hygiene, monitoring. Part of settings.Settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pw_pipelines.settings_fulfillment import FulfillmentSettings


class RunningSettings(FulfillmentSettings):
    """Each is a variable PW_<NAME>, like all others."""

    # -- backups

    # -- probes

    # -- mail hygiene

    # -- monitoring

    # -- web servers and secrets


def sandbox_running_update(base: str, home: Path) -> dict[str, Any]:
    """What the sandbox replaces; `base`: address of the stand-ins."""
    return {}
