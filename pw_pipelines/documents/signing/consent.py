"""The words a signer agrees to, by version and SHA-256.

A version that was ever shown is never changed: add a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from pw_pipelines.documents.signing.canonical import sha256

VERSION = "consent-1"
# 28 USC 1746, in the form for statements made outside the United States, which holds inside as well.
PERJURY = (
    "I declare under penalty of perjury under the laws of the United States of America that the statements in these "
    "documents are true and correct (28 USC 1746)."
)
INTENT = "By pressing “Sign” I sign these documents, with the intent to be bound by them."


@dataclass(frozen=True)
class Words:
    """One text a signer saw."""

    version: str
    text: str

    @property
    def digest(self) -> str:
        return sha256(self.text.encode())


@lru_cache(maxsize=8)
def consent(version: str = VERSION) -> Words:
    """The consent to sign electronically (15 USC 7001(c)). Raises FileNotFoundError for an unknown version."""
    text = (resources.files("pw_pipelines.documents.signing") / "texts" / f"{version}.txt").read_text(encoding="utf-8")
    return Words(version, text.strip())


PERJURY_WORDS = Words("perjury-1", PERJURY)
INTENT_WORDS = Words("intent-1", INTENT)
