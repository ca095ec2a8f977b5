"""What `pw up` prints when everything runs."""

from __future__ import annotations

import io

from rich.console import Console

from pw_pipelines.runtime.supervisor import show_places


def test_an_address_is_one_line_on_80_columns_and_its_remark_stands_below() -> None:
    console = Console(width=80, soft_wrap=True, record=True, file=io.StringIO())
    long = "http://127.0.0.1:45123/" + "a-folder-of-some-length/" * 5
    remark = "log in as staff; the password lies in /home/somebody/a/rather/long/path/keys/staff_password"
    show_places(console, (("web", long, ""), ("desk", "http://127.0.0.1:1/desk", remark), ("nothing", "", "x")))
    lines = console.export_text().splitlines()
    assert lines[0].split() == ["web", long]
    assert lines[1].split() == ["desk", "http://127.0.0.1:1/desk"]
    assert all(line.startswith(" " * 13) and len(line) <= 80 for line in lines[2:])
    assert "".join(lines[2:]).replace(" ", "") == remark.replace(" ", ""), "nothing of it is lost"
    assert "nothing" not in "".join(lines)
