"""Personal data: encrypted under its row, read with a reason, masked in logs, erased for good."""

from __future__ import annotations

import base64
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog
from pydantic import SecretStr

from pw_pipelines import logs
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.fulfillment.model import FulfillmentError
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.fulfillment.private_keys import keys_of
from pw_pipelines.masking import mask, never_say
from pw_pipelines.settings import Mode, Settings
from tests.commerce.making import NOW
from tests.desk.making import paid_order

SSN = "900-70-1234"


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def with_keys(settings: Settings, *keys: str) -> Settings:
    return settings.model_copy(update={"private_keys": SecretStr(",".join(keys))})


@pytest.fixture
def connection(db: Database) -> Iterator[psycopg.Connection[Any]]:
    with db.connect() as connection:
        yield connection


@pytest.fixture
def items(connection: psycopg.Connection[Any]) -> list[int]:
    return paid_order(connection, "cpni_certification", "form_499a")[1]


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(settings)


def read(vault: Vault, connection: psycopg.Connection[Any], item: int, name: str = "responsible_ssn") -> str | None:
    return vault.get(connection, item, name, by="run 1", why="the EIN form", now=NOW)


def test_a_value_comes_back_and_is_not_in_the_table(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    vault.put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    row = connection.execute("select * from pw.private_values").fetchone()
    assert row is not None
    assert not any(SSN.encode() in bytes(str(value), "utf-8") for value in row.values())
    assert SSN.encode() not in bytes(row["ciphertext"])
    assert read(vault, connection, items[0]) == SSN
    assert read(vault, connection, items[1]) is None


def test_the_same_value_twice_looks_different(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    for item in items:
        vault.put(connection, item, "responsible_ssn", SSN, now=NOW)
    first, second = connection.execute("select ciphertext from pw.private_values").fetchall()
    assert first["ciphertext"] != second["ciphertext"]


def test_each_reading_is_logged_with_who_and_why(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    vault.put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    assert vault.has(connection, items[0], "responsible_ssn") and not vault.has(connection, items[0], "signer_name")
    assert connection.execute("select * from pw.private_access").fetchall() == [], "looking is not reading"
    read(vault, connection, items[0])
    read(vault, connection, items[0], "signer_name")
    (row,) = connection.execute('select item_id, name, at, "by", why from pw.private_access').fetchall()
    assert row == {"item_id": items[0], "name": "responsible_ssn", "at": NOW, "by": "run 1", "why": "the EIN form"}
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("delete from pw.private_access")


@pytest.mark.parametrize("moved", ["item_id", "name", "bits"])
def test_a_ciphertext_moved_or_changed_does_not_open(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int], moved: str
) -> None:
    vault.put(connection, items[0], "signer_name", "Ann Example", now=NOW)
    change = {
        "item_id": f"item_id = {items[1]}",
        "name": "name = 'responsible_ssn'",
        "bits": "ciphertext = set_byte(ciphertext, 14, get_byte(ciphertext, 14) # 1)",
    }[moved]
    connection.execute(f"update pw.private_values set {change}")
    item, name = (
        (items[1] if moved == "item_id" else items[0]),
        ("responsible_ssn" if moved == "name" else "signer_name"),
    )
    with pytest.raises(FulfillmentError, match="does not open"):
        read(vault, connection, item, name)


def test_keys_are_rotated_and_the_old_one_may_go(
    settings: Settings, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    old, new = key("2025"), key("2026")
    Vault(with_keys(settings, old)).put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    both = Vault(with_keys(settings, new, old))
    assert read(both, connection, items[0]) == SSN
    with pytest.raises(ConfigError, match="2025"):
        read(Vault(with_keys(settings, new)), connection, items[0])
    assert both.reencrypt(connection) == 1
    assert both.reencrypt(connection) == 0
    assert read(Vault(with_keys(settings, new)), connection, items[0]) == SSN


def test_another_key_under_the_same_id_opens_nothing(
    settings: Settings, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    Vault(with_keys(settings, key("k"))).put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    with pytest.raises(FulfillmentError, match="does not open"):
        read(Vault(with_keys(settings, key("k"))), connection, items[0])


def test_an_erased_value_is_gone_and_its_row_says_when(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    vault.put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    vault.put(connection, items[0], "signer_name", "Ann Example", now=NOW)
    assert vault.erase(connection, items[0], now=NOW, names=["responsible_ssn"]) == 1
    assert read(vault, connection, items[0]) is None
    assert vault.names(connection, items[0]) == {"signer_name"}
    assert vault.erase(connection, items[0], now=NOW) == 1
    rows = connection.execute("select ciphertext, erased_at from pw.private_values").fetchall()
    assert rows == [{"ciphertext": None, "erased_at": NOW}] * 2
    vault.put(connection, items[0], "responsible_ssn", SSN, now=NOW)
    assert read(vault, connection, items[0]) == SSN, "given anew, it is there anew"


@pytest.mark.parametrize("value", ["", "   ", "x" * 10_001, "a\0b"])
def test_what_is_no_value_is_refused(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int], value: str
) -> None:
    with pytest.raises(FulfillmentError) as caught:
        vault.put(connection, items[0], "signer_name", value, now=NOW)
    assert value.strip() == "" or value not in str(caught.value)


def test_the_sandbox_makes_one_key_once_for_its_owner_alone(settings: Settings) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(keys_of(settings).by_id["sandbox"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = settings.home / "keys" / "private_keys"
    assert len(found) == 8 and len(set(found)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["private_keys"]


def test_live_refuses_to_start_without_keys(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_PRIVATE_KEYS"):
        Vault(settings.model_copy(update={"mode": Mode.LIVE}))
    assert not (settings.home / "keys").exists()


@pytest.mark.parametrize(
    "text",
    ["k1", "k1:!!!", "k1:YWJj", f"{key('a')},{key('a')}", ":", " , ,", "ä:" + "A" * 43 + "="],
    ids=["no key", "no base64", "too short", "one id twice", "nothing", "blanks", "a letter that is none"],
)
def test_keys_that_are_none_are_named_and_never_shown(settings: Settings, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Vault(with_keys(settings, text))
    secret = text.partition(":")[2].split(",")[0]
    assert not secret or len(secret) < 4 or secret not in str(caught.value)


def test_nothing_shows_the_keys(settings: Settings) -> None:
    one = key("k1")
    settings = with_keys(settings, one)
    vault = Vault(settings)
    secret = one.partition(":")[2]
    for shown in (repr(vault), repr(keys_of(settings)), repr(settings), str(vault.__dict__)):
        assert secret not in shown and repr(base64.b64decode(secret)) not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("SSN 900-70-1234 given", "SSN *** given"),
        ("itin=912 34 5678;", "itin=***;"),
        ("ssn: 900701234", "ssn: ***"),
        ("social security number 900701234", "social security number ***"),
        ("900\u201370\u20131234", "***"),
        ("on 2026-11-22 FRN 0012345678 item 123456789", "on 2026-11-22 FRN 0012345678 item 123456789"),
        ("call 202-555-0100", "call 202-555-0100"),
    ],
)
def test_numbers_like_an_ssn_are_masked(said: str, shown: str) -> None:
    assert mask(said) == shown


def test_what_was_handed_out_is_masked_however_it_is_written(
    vault: Vault, connection: psycopg.Connection[Any], items: list[int]
) -> None:
    vault.put(connection, items[0], "responsible_ssn", "900701234", now=NOW)
    vault.put(connection, items[0], "signer_name", 'Ann O"Hara <Example>', now=NOW)
    said = mask(
        '900701234 900-70-1234 Ann O"Hara <Example> Ann O&quot;Hara &lt;Example&gt; Ann%20O%22Hara%20%3CExample%3E '
        'Ann+O%22Hara+%3CExample%3E ANN O"HARA <EXAMPLE> Ann O\\"Hara <Example>'
    )
    assert said == " ".join(["***"] * 8)
    assert mask("Annapolis") == "Annapolis"


def test_logs_of_both_kinds_are_masked_with_their_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    never_say("Ann Example")
    structlog.get_logger().warning("for Ann Example", who="Ann Example", ssn="9007", waiting="yes", deep=[{"a": SSN}])
    logging.getLogger("library").warning("to %s", "Ann Example")
    try:
        raise ValueError(f"Ann Example has {SSN}")
    except ValueError:
        structlog.get_logger().exception("it broke")
        logging.getLogger("library").exception("it broke")
    said = capsys.readouterr().err
    assert "Ann" not in said and "70-1234" not in said and "9007" not in said
    assert "it broke" in said and "yes" in said and said.count("ValueError: *** has ***") == 2
