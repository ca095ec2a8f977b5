"""Real workers that are killed, frozen and cut off: the quick version of `python -m tests.docserver.soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docserver import soak
from tests.documents.conftest import has_office  # noqa: F401 - a fixture


def test_every_document_is_answered_once_whatever_happens_to_worker_and_store(
    has_office: None,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # what the soak sets goes again
    monkeypatch.setattr(soak, "STALE", 2.5)

    said = soak.soak_s3(tmp_path, documents=10, seed=3)

    assert said["answered_once"] == 10, said
    assert said["wrong"] == []
