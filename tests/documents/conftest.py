"""A store of both kinds, a warm LibreOffice shared by the tests, and PDFs that nobody converted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pypdfium2
import pytest

from pw_pipelines.documents.docserver import DocServer
from pw_pipelines.documents.office import WarmOffice, python_with_uno, soffice
from pw_pipelines.errors import ConfigError
from tests.fulfillment.conftest import house  # noqa: F401 - a fixture


def a_pdf(pages: int = 1) -> bytes:
    """A whole PDF with empty pages."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(612, 792)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def text_of_pdf(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DocServer:
    """An empty store."""
    if request.param == "folder":
        return DocServer((tmp_path / "doc server ö").as_uri())
    address = request.getfixturevalue("s3")
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"docs-{uuid4().hex[:12]}"  # a folder of this name may have been another test's
    with urlopen(Request(f"{address}/{bucket}", method="PUT")):
        pass
    return DocServer(f"s3://{bucket}/office")


@pytest.fixture(scope="session")
def has_office() -> None:
    try:
        soffice()
        python_with_uno()
    except ConfigError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def office(has_office: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmOffice]:
    """A warm LibreOffice."""
    made = WarmOffice(tmp_path_factory.mktemp("warm") / "office")
    made.start()
    yield made
    made.stop()
