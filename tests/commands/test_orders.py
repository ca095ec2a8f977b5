"""`pw orders`, through the door people use."""

from __future__ import annotations

import getpass
import io
import json
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from rich.console import Console

from pw_pipelines.commands.orders import queue_table
from pw_pipelines.commerce import orders
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import Gate, PersonGate
from tests.commands.conftest import Pw
from tests.commerce.making import NOW, ordered
from tests.desk.making import paid_order

FORM = "ab" * 32
BY = f"pw:{getpass.getuser()}"


def waits(db: Database, item: int, gate: PersonGate, *, stage: str = "prepare", **detail: Any) -> None:
    with db.connect() as connection:
        connection.execute("update pw.item_work set stage = %s where item_id = %s", (stage, item))
        items.wait_at(
            connection, item, Gate(gate, f"It waits at {gate}.", detail=detail), by="run", run_id=None, now=NOW
        )


def effect(db: Database, item: int) -> int:
    with db.connect() as connection:
        row = connection.execute(
            "insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at, detail) "
            "values ('filing:1', %s, 'filing', %s, 'unknown', %s, %s, %s) returning effect_id",
            (item, FORM, NOW, NOW, Jsonb({})),
        ).fetchone()
    assert row is not None
    return int(str(row["effect_id"]))


@pytest.fixture
def order(db: Database) -> tuple[str, list[int]]:
    """Number and items of a paid order of two services."""
    with db.connect() as connection:
        placed, found = paid_order(connection, "cpni_certification", "form_499a")
    return placed.number, found


def test_the_list_shows_what_waits_by_gate_and_by_whom(pw: Pw, db: Database, order: tuple[str, list[int]]) -> None:
    number, (first, second) = order
    waits(db, first, "review", stage="review", form_digest=FORM)
    answer = pw("orders", "list", "--json").json
    assert {row["item_id"]: (row["order"], row["gate"], row["waits_for"]) for row in answer["items"]} == {
        first: (number, "review", "reviewer"), second: (number, None, None)
    }  # fmt: skip
    assert answer["gates"] == {"review": 1, "ready": 1}
    assert [row["item_id"] for row in pw("orders", "list", "--gate", "review", "--json").json["items"]] == [first]
    assert [row["item_id"] for row in pw("orders", "list", "--gate", "ready", "--json").json["items"]] == [second]
    assert pw("orders", "list", "--for", "ops", "--json").json["items"] == []
    assert str(first) in pw("orders", "list").out
    assert pw("orders", "list", "--gate", "nonsense").code == 2


def test_on_80_columns_the_list_breaks_no_number_and_no_name() -> None:
    rows = [
        {
            "item_id": 123456, "order_number": "PW-2026-123456", "service": "rmd_annual_recertification",
            "frn": None, "company_name": "Blue Mesa [Communications] & Söhne of the Sixth District, LLC",
            "stage": "documents", "gate": "unknown_effect", "state": "waiting", "since": NOW,
        }
    ]  # fmt: skip
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(queue_table(rows))
    lines = console.export_text().splitlines()
    assert max(len(line) for line in lines) <= 80
    for whole in (
        "123456",
        "PW-2026-123456",
        "rmd_annual_recertification",
        "unknown_effect",
        "documents",
        "2026-11-22",
    ):
        assert any(whole in line.split() for line in lines), whole
    assert "…" not in "".join(lines) and "LLC" in "".join(lines) and "[Communications]" in "".join(lines)


def test_an_order_is_shown_with_stages_gates_effects_and_what_is_missing(
    pw: Pw, db: Database, order: tuple[str, list[int]]
) -> None:
    number, (first, _) = order
    waits(db, first, "unknown_effect", stage="file")
    effect(db, first)
    answer = pw("orders", "show", number.lower(), "--json").json
    assert (answer["order"], answer["status"], len(answer["items"])) == (number, "processing", 2)
    shown = next(item for item in answer["items"] if item["item_id"] == first)
    assert [one["state"] for one in shown["stages"]][:5] == ["done", "done", "done", "done", "now"]
    assert [(one["key"], one["state"]) for one in shown["effects"]] == [("filing:1", "unknown")]
    assert "signer_name" in shown["missing"]
    assert "filing:1 is unknown" in pw("orders", "show", number).out
    assert pw("orders", "show", "PW-2026-999999").code == 2


def test_an_approval_is_of_the_named_form_alone(pw: Pw, db: Database, order: tuple[str, list[int]]) -> None:
    _, (item, _) = order
    waits(db, item, "review", stage="review", form_digest=FORM)
    wrong = pw("orders", "approve", str(item), "--digest", "cd" * 32)
    assert wrong.code == 1 and "not the one you looked at" in wrong.err
    done = pw("orders", "approve", str(item), "--digest", FORM, "--note", "Fine.", "--json").json
    assert (done["state"], done["decision"], done["form_digest"]) == ("ready", "approved", FORM)
    with db.connect() as connection:
        (row,) = connection.execute('select "by", note from pw.approvals').fetchall()
        (deed,) = connection.execute('select "by", what from pw.staff_actions').fetchall()
    assert (row, deed) == ({"by": BY, "note": "Fine."}, {"by": BY, "what": "approved"})


def test_an_item_is_held_and_tried_again(pw: Pw, order: tuple[str, list[int]]) -> None:
    _, (item, _) = order
    assert pw("orders", "hold", str(item), "--note", "Look at it.", "--json").json["gate"] == "held"
    assert pw("orders", "retry", str(item), "--stage", "file").code == 1, "nothing is skipped"
    assert pw("orders", "retry", str(item), "--stage", "nonsense").code == 2
    assert pw("orders", "retry", str(item), "--json").json["state"] == "ready"
    assert pw("orders", "hold", "999999", "--note", "x").code == 1


def test_an_unknown_effect_is_resolved_with_a_reference_or_a_note(
    pw: Pw, db: Database, order: tuple[str, list[int]]
) -> None:
    _, (item, _) = order
    waits(db, item, "unknown_effect", stage="file")
    number = str(effect(db, item))
    assert pw("orders", "resolve", number, "--happened", "--note", "Seen.").code == 1, "without its reference"
    assert pw("orders", "resolve", number, "--note", "Seen.").code == 2, "neither happened nor not"
    done = pw("orders", "resolve", number, "--happened", "--reference", "2026-1", "--note", "Seen.", "--json").json
    assert (done["effect"], done["item_id"], done["state"]) == ("done", item, "ready")
    assert pw("orders", "resolve", number, "--not-happened", "--note", "No.").code == 1, "what is done stays done"


def test_details_are_given_and_private_ones_are_typed_not_written(
    pw: Pw, db: Database, order: tuple[str, list[int]]
) -> None:
    _, (item, _) = order
    waits(db, item, "details")
    done = pw("orders", "details", str(item), "signer_title=President", "carrier_city=Denver", "--json").json
    assert done["kept"] == ["carrier_city", "signer_title"]
    refused = pw("orders", "details", str(item), "signer_name=Ann Example")
    assert refused.code == 2 and "Ann Example" not in refused.err
    typed = pw("orders", "details", str(item), "signer_name=-", "--json", typed="Ann Example\n")
    assert "signer_name" in typed.json["kept"] and "Ann Example" not in typed.out + typed.err
    assert pw("orders", "details", str(item), "nonsense").code == 2


def test_evidence_is_written_and_examined_offline(pw: Pw, order: tuple[str, list[int]], tmp_path: Any) -> None:
    number, (item, _) = order
    written = pw("orders", "evidence", number, "--out", str(tmp_path / "out"), "--json")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files[0] == f"evidence-{number}-{item}.zip" and len(files) == 2
    assert written.code in (0, 1), "an item without a signature yet is told so"
    path = tmp_path / "out" / files[0]
    told = pw("orders", "verify-evidence", str(path), "--json")
    folder = pw("orders", "verify-evidence", str(tmp_path / "out"), "--json")
    found = {Path(one["file"]).name: one["checks"] for one in json.loads(folder.out)["files"]}
    assert sorted(found) == files and found[files[0]] == json.loads(told.out)["checks"]
    assert "holds no evidence.json" not in pw("orders", "verify-evidence", str(tmp_path / "out")).out
    (tmp_path / "empty").mkdir()
    assert pw("orders", "verify-evidence", str(tmp_path / "empty")).code == 1
    path.write_bytes(path.read_bytes()[:-40])
    assert pw("orders", "verify-evidence", str(path)).code == 1
    assert told.out.count("\n") == 1
    assert pw("orders", "evidence", "PW-2026-999999", "--out", str(tmp_path)).code == 1


def test_show_tells_of_an_unpaid_order_and_of_none_in_different_words(pw: Pw, db: Database) -> None:
    with db.connect() as connection:
        number = ordered(connection, email="ada@example.com").number
    told = pw("orders", "show", number.lower(), "--json").json
    assert (told["order"], told["status"], told["paid_at"], told["items"]) == (number, "received", None, [])
    assert told["customer"]["email"] == "ada@example.com" and told["bill"][0]["amount"] == told["total"]
    assert [one["after"] for one in told["history"]] == ["received"]
    assert told["why_not"]["cancel"] is None and "not held" in told["why_not"]["release"]
    shown = pw("orders", "show", number).out
    assert "received, not paid" in shown and "ada@example.com" in shown and "ordered: Annual CPNI" in shown
    nobody = pw("orders", "show", "PW-2026-999999")
    assert nobody.code == 2 and "There is no order PW-2026-999999." in nobody.err
    assert pw("orders", "show", "a-token-of-a-link").code == 2


def test_an_order_is_released_and_cancelled_with_the_reason_and_by_whom(pw: Pw, db: Database) -> None:
    with db.connect() as connection:
        unpaid, (held, _) = ordered(connection).number, paid_order(connection, email="bo@example.com")
        orders.hold(connection, held.order_id, by="payments", why="A part went back.", now=NOW)
    assert pw("orders", "release", held.number).code == 2, "without a reason"
    assert pw("orders", "release", held.number, "--note", "Go on.", "--json").json == {
        "order": held.number, "status": "processing", "filed": []
    }  # fmt: skip
    refused = pw("orders", "cancel", held.number, "--note", "No.")
    assert refused.code == 2 and "refund it at the provider first" in " ".join(refused.err.split())
    assert pw("orders", "end", held.number, "--note", "No.").code == 2
    assert "is cancelled" in pw("orders", "cancel", unpaid, "--note", "They rang up.").out
    with db.connect() as connection:
        rows = connection.execute(
            "select what, \"by\", detail ->> 'why' as why from pw.staff_actions order by action_id"
        ).fetchall()
    assert [(row["what"], row["by"], row["why"]) for row in rows] == [
        ("order_released", BY, "Go on."), ("order_cancelled", BY, "They rang up.")
    ]  # fmt: skip
