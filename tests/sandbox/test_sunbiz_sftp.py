"""Florida's stand-in file server: the published login, the tree however it is written, archives few can open."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import inflate64
import paramiko
import pytest

from pw_pipelines.sandbox import companies_florida as florida
from pw_pipelines.sandbox.deflate64 import METHOD, write_zip
from tests.fixtures_registers import Registers


def login(registers: Registers, password: str = "PubAccess1845!") -> paramiko.Transport:
    transport = paramiko.Transport(("127.0.0.1", registers.settings.sunbiz_port))
    try:
        transport.connect(username="Public", password=password)
    except BaseException:
        transport.close()
        raise
    return transport


@pytest.fixture
def sftp(registers: Registers) -> Iterator[paramiko.SFTPClient]:
    transport = login(registers)
    client = paramiko.SFTPClient.from_transport(transport)
    assert client is not None
    yield client
    client.close()
    transport.close()


def test_only_the_published_login_comes_in(registers: Registers) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        login(registers, "guess")


@pytest.mark.parametrize("root", ["", "./", "/", "Public/", "/Public/", "./Public/"])
def test_the_tree_stands_wherever_a_client_looks_for_it(sftp: paramiko.SFTPClient, root: str) -> None:
    assert "20261121c.txt" in sftp.listdir(f"{root}doc/cor")
    assert sorted(sftp.listdir(f"{root}doc")) == ["cor", "fic", "quarterly"]
    assert stat.S_ISDIR(sftp.stat(f"{root}doc/quarterly").st_mode or 0)


def test_todays_file_is_not_there_before_tomorrow(sftp: paramiko.SFTPClient) -> None:
    names = sftp.listdir("doc/cor")
    assert "20261122c.txt" not in names
    assert {"20261121c.txt", "20261121ce.txt"} <= set(names)


def test_nothing_can_be_written(sftp: paramiko.SFTPClient) -> None:
    with pytest.raises(OSError):
        sftp.open("doc/cor/20261121c.txt", "w")
    with pytest.raises(OSError):
        sftp.remove("doc/cor/20261121c.txt")
    with pytest.raises(FileNotFoundError):
        sftp.stat("doc/cor/19990101c.txt")


def test_a_daily_file_has_the_size_it_tells_and_the_bytes_of_its_day(
    sftp: paramiko.SFTPClient, registers: Registers
) -> None:
    body = sftp.open("doc/cor/20261120c.txt").read()
    assert sftp.stat("doc/cor/20261120c.txt").st_size == len(body)
    assert body == b"".join(florida.daily(registers.companies, date(2026, 11, 20)))


def test_the_quarterly_archive_is_deflate64_in_ten_parts_of_the_day_before(
    sftp: paramiko.SFTPClient, registers: Registers, tmp_path: Path
) -> None:
    path = tmp_path / "cordata.zip"
    sftp.get("doc/quarterly/Cor/cordata.zip", str(path))
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        assert [member.filename for member in members] == [f"cordata{part}.txt" for part in range(10)]
        assert {member.compress_type for member in members} == {METHOD}
        with pytest.raises(NotImplementedError):
            archive.read("cordata0.txt")
    expected = b"".join(florida.quarterly_part(registers.companies, date(2026, 10, 8), 3))
    assert plain(path, members[3]) == expected


def plain(path: Path, member: zipfile.ZipInfo) -> bytes:
    raw = path.read_bytes()
    start = member.header_offset + 30 + len(member.filename)
    return inflate64.Inflater().inflate(raw[start : start + member.compress_size])


def test_an_archive_tells_true_sizes_and_checksums(tmp_path: Path) -> None:
    import zlib

    path = tmp_path / "a.zip"
    lines = [b"%06d\r\n" % number for number in range(300_000)]
    write_zip(path, [("one.txt", lines), ("empty.txt", [])], date(2026, 4, 9))
    with zipfile.ZipFile(path) as archive:
        one, empty = archive.infolist()
    assert (one.file_size, empty.file_size) == (len(lines) * 8, 0)
    body = plain(path, one)
    assert body == b"".join(lines)
    assert zlib.crc32(body) == one.CRC
    assert one.date_time[:3] == (2026, 4, 9)


def test_the_servers_key_stays_the_same_in_a_home(registers: Registers) -> None:
    keys = []
    for _ in range(2):
        transport = login(registers)
        keys.append(transport.get_remote_server_key().asbytes())
        transport.close()
    assert keys[0] == keys[1]
    key_file = registers.settings.home / "sandbox" / "sunbiz_host_key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
