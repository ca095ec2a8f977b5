"""`pw staff`, through the door people use."""

from __future__ import annotations

from pw_pipelines.db.connection import Database
from pw_pipelines.portal import desk_users
from tests.commands.conftest import Pw
from tests.commerce.making import NOW

PASSWORD = "correct horse battery"


def lets_in(db: Database, name: str, password: str) -> bool:
    with db.connect() as connection:
        attempt = desk_users.begin_attempt(connection, name, now=NOW)
    return desk_users.check_attempt(attempt, password)


def test_somebody_is_added_gets_a_new_password_and_is_shut_out(pw: Pw, db: Database) -> None:
    added = pw("staff", "add", "Ann", "--role", "reviewer", "--json", typed=f"{PASSWORD}\n")
    assert added.json == {"name": "ann", "role": "reviewer"}
    assert lets_in(db, "ann", PASSWORD)
    made = pw("staff", "password", "ann", "--generate", "--json").json["password"]
    assert lets_in(db, "ann", made) and not lets_in(db, "ann", PASSWORD)
    assert pw("staff", "disable", "ann", "--json").json["is_active"] is False
    assert not lets_in(db, "ann", made)
    (listed,) = pw("staff", "list", "--json").json["users"]
    assert (listed["name"], listed["role"], listed["is_active"]) == ("ann", "reviewer", False)
    assert "password_hash" not in listed
    with db.connect() as connection:
        did = [row["what"] for row in connection.execute("select what from pw.staff_actions order by action_id")]
        said = str(connection.execute("select * from pw.staff_actions").fetchall())
    assert did == ["user_added", "user_password", "user_disabled"]
    assert PASSWORD not in said and made not in said


def test_what_is_no_name_role_or_password_is_refused(pw: Pw) -> None:
    assert pw("staff", "add", "ann", typed="short\n").code == 2
    assert pw("staff", "add", "ann", "--role", "boss", typed=f"{PASSWORD}\n").code == 2
    assert pw("staff", "add", "../ann", "--generate").code == 2
    assert pw("staff", "add", "ann", "--generate").code == 0
    twice = pw("staff", "add", "ann", "--generate")
    assert twice.code == 2 and "already" in twice.err
    for word in ("password", "disable"):
        assert pw("staff", word, "nobody", *(["--generate"] if word == "password" else [])).code == 2
