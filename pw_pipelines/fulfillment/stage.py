"""The stages of a playbook, in their order."""

from __future__ import annotations

from typing import Literal, get_args

Stage = Literal["prepare", "documents", "signature", "review", "file", "confirm", "deliver", "book"]
STAGES: tuple[Stage, ...] = get_args(Stage)
