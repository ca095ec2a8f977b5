"""The warm LibreOffice, the real one: shared, supervised, started again; and the cold one."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pypdfium2
import pytest

from pw_pipelines.documents import office as offices
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.office import OfficeAway, OfficeFailed, WarmOffice, cold_pdf
from pw_pipelines.documents.pdf import BadPdf, pages_of
from pw_pipelines.documents.rendering import render
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings
from tests.documents.conftest import a_pdf, text_of_pdf
from tests.documents.samples import sample_values


@pytest.fixture(scope="module")
def own_office(has_office: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmOffice]:
    """One that tests may break. Its folder's path is longer than a socket's may be."""
    made = WarmOffice(tmp_path_factory.mktemp("own") / ("a long name " * 9) / "office")
    yield made
    made.stop()


def processes_of(office: WarmOffice) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in offices._left_over(office.folder)]


def working_ones(office: WarmOffice) -> list[psutil.Process]:
    return [one for one in processes_of(office) if "soffice.bin" in " ".join(one.cmdline()[:1])]


def test_a_document_becomes_a_pdf_with_its_text_and_pages(office: WarmOffice) -> None:
    pdf = office.to_pdf(render("rmd_certification", sample_values()))

    text = text_of_pdf(pdf)
    assert pages_of(pdf) == 2
    assert "Harbor & Finch Telecom, LLC" in text
    assert "Page 2 of 2" in text
    assert "☒" in text


def test_what_a_customer_wrote_is_in_the_pdf_as_they_wrote_it(office: WarmOffice) -> None:
    hostile = "{{ 7*7 }} {% include x %} </w:t> =1+1 ../../x <b>&amp;</b>"

    text = text_of_pdf(office.to_pdf(render("cpni_certificate", sample_values(carrier_name=hostile))))

    assert hostile in text
    assert "49 {" not in text


def test_it_is_started_again_when_libreoffice_was_killed(own_office: WarmOffice) -> None:
    docx = render("delivery_letter", sample_values())
    assert pages_of(own_office.to_pdf(docx)) == 1
    assert len(working_ones(own_office)) == 1

    for process in working_ones(own_office):
        process.kill()

    assert pages_of(own_office.to_pdf(docx)) == 1
    assert len(working_ones(own_office)) == 1


def test_it_is_started_again_when_its_server_was_killed_and_nothing_is_left_over(own_office: WarmOffice) -> None:
    docx = render("delivery_letter", sample_values())
    own_office.to_pdf(docx)
    [server] = [one for one in processes_of(own_office) if "office_server.py" in " ".join(one.cmdline())]

    server.kill()
    server.wait(5)

    assert pages_of(own_office.to_pdf(docx)) == 1
    assert len(working_ones(own_office)) == 1
    own_office.stop()
    assert processes_of(own_office) == []


def test_killed_under_a_document_the_document_is_made_all_the_same(own_office: WarmOffice) -> None:
    docx = render("operating_agreement", sample_values(members="Invented Person; 1; 1\n" * 800))
    own_office.start()

    def kill_soon() -> None:
        time.sleep(0.1)
        for process in working_ones(own_office):
            process.kill()

    killer = threading.Thread(target=kill_soon)
    killer.start()

    assert pages_of(own_office.to_pdf(docx)) > 10
    killer.join()


def test_several_processes_share_one(own_office: WarmOffice, tmp_path: Path) -> None:
    (tmp_path / "in.docx").write_bytes(render("delivery_letter", sample_values()))
    program = (
        "import sys; from pathlib import Path; from pw_pipelines.documents.office import WarmOffice\n"
        "office, docx = WarmOffice(Path(sys.argv[1])), Path(sys.argv[2]).read_bytes()\n"
        "print(all(office.to_pdf(docx).startswith(b'%PDF-') for _ in range(3)))"
    )
    command = [sys.executable, "-c", program, str(own_office.folder), str(tmp_path / "in.docx")]

    own_office.stop()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    assert [process.communicate(timeout=100)[0].strip() for process in running] == ["True"] * 4
    assert len(working_ones(own_office)) == 1


def test_several_threads_get_each_their_own_document(office: WarmOffice) -> None:
    def made(number: int) -> str:
        return text_of_pdf(
            office.to_pdf(render("delivery_letter", sample_values(carrier_name=f"Carrier {number} LLC")))
        )

    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(made, range(12)))

    assert [f"Carrier {number} LLC" in text for number, text in enumerate(texts)] == [True] * 12


@pytest.mark.parametrize("content", [b"no document", b"PK\x03\x04 cut off", b"{\\rtf1 hello}", b"<html>hello</html>"])
def test_what_is_no_word_document_is_refused_and_the_next_one_is_made(office: WarmOffice, content: bytes) -> None:
    with pytest.raises(OfficeFailed):
        office.to_pdf(content)

    assert pages_of(office.to_pdf(render("delivery_letter", sample_values()))) == 1


def test_nobody_else_can_reach_it(office: WarmOffice) -> None:
    assert stat.S_IMODE(office.folder.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((office.folder / "office.sock").stat().st_mode) & 0o077 == 0
    assert [one for process in processes_of(office) for one in process.net_connections("inet")] == []
    assert list((office.folder / "profile").glob("job-*")) == [], "no document stays behind"


def test_no_setting_of_ours_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_PRIVATE_KEYS", "1:secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PW_SUPERVISED_HOME", "/home")

    assert offices._environment().keys() <= {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PW_SUPERVISED_HOME"}
    assert offices._environment()["PW_SUPERVISED_HOME"] == "/home"


def test_it_ends_when_whoever_it_worked_for_is_gone(own_office: WarmOffice, tmp_path: Path) -> None:
    own_office.stop()
    own_office.lifeline = tmp_path / "up.lock"
    with own_office.lifeline.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        own_office.start()
        time.sleep(2.5)
        assert own_office.is_there()

    psutil.wait_procs(processes_of(own_office), timeout=10)

    assert processes_of(own_office) == []
    own_office.lifeline = None


def test_a_cold_one_makes_the_same(has_office: None) -> None:
    assert "Page 1 of 1" in text_of_pdf(cold_pdf(render("delivery_letter", sample_values())))


@pytest.mark.parametrize(("ends", "says"), [(0, "ended with 0"), (1, "ended with 1")])
def test_a_libreoffice_that_makes_no_pdf_is_believed_whatever_it_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: int, says: str
) -> None:
    fake = tmp_path / "soffice"
    fake.write_text(f"#!/bin/sh\necho 'Error: source file could not be loaded'\nexit {ends}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(OfficeFailed, match="source file could not be loaded") as failed:
        cold_pdf(b"docx")

    assert says in str(failed.value)
    assert str(tmp_path) not in str(failed.value)


def test_a_libreoffice_that_hangs_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "soffice"
    fake.write_text(f"#!/bin/sh\nsleep 300 & echo $! >{tmp_path}/pid; wait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(offices, "COLD_SECONDS", 0.5)

    with pytest.raises(OfficeFailed, match="within"):
        cold_pdf(b"docx")

    child = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_without_a_python_that_has_uno_the_cold_one_is_used(
    has_office: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise ConfigError("No Python here can import LibreOffice's uno.")

    monkeypatch.setattr(offices, "python_with_uno", missing)
    converter = Converter(settings)

    assert converter.to_pdf(render("delivery_letter", sample_values()), "order-1").pages == 1
    with pytest.raises(OfficeAway, match="a moment ago"):
        converter.office.start()


@pytest.mark.parametrize("pdf", [b"", b"x", a_pdf()[:200], b"%PDF-1.4\n%%EOF"])
def test_what_is_no_whole_pdf_is_told(pdf: bytes) -> None:
    with pytest.raises(BadPdf):
        pages_of(pdf)


def test_pages_are_counted(office: WarmOffice) -> None:
    pdf = office.to_pdf(render("cpni_statement", sample_values(cpni_procedures="line\n" * 400)))

    assert pages_of(pdf) == len(pypdfium2.PdfDocument(pdf)) > 8
