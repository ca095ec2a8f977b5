"""A fresh house has one user of the desk, whose password is said and never put back."""

from __future__ import annotations

from pydantic import SecretStr

from pw_pipelines.db.connection import Database
from pw_pipelines.portal import desk_users
from pw_pipelines.runtime.first_user import first_user, password_file
from pw_pipelines.settings import Mode, Settings
from tests.commerce.making import NOW


def lets_in(db: Database, password: str) -> bool:
    with db.connect() as connection:
        attempt = desk_users.begin_attempt(connection, "staff", now=NOW)
    return desk_users.check_attempt(attempt, password)


def test_the_sandbox_generates_a_password_once_and_says_it_every_time(db: Database, settings: Settings) -> None:
    said = first_user(db, settings)
    path = password_file(settings.home)
    password = path.read_text().strip()
    assert said == f"user staff, password {password}" == first_user(db, settings)
    assert lets_in(db, password) and path.stat().st_mode & 0o777 == 0o600
    with db.connect() as connection:
        assert [user["role"] for user in desk_users.all_users(connection)] == ["admin"]
        desk_users.set_password(connection, "staff", "changed since then", now=NOW)
    assert "somebody gave it" in first_user(db, settings)
    assert lets_in(db, "changed since then") and not lets_in(db, password)


def test_a_given_password_is_used_and_not_printed(db: Database, settings: Settings) -> None:
    live = settings.model_copy(update={"mode": Mode.LIVE, "staff_password": SecretStr("from the environment")})
    assert first_user(db, live) == "user staff, the password in PW_STAFF_PASSWORD"
    assert lets_in(db, "from the environment")
    assert not password_file(settings.home).exists()


def test_a_house_with_people_of_its_own_gets_no_other(db: Database, settings: Settings) -> None:
    with db.connect() as connection:
        desk_users.add_user(connection, "ann", "admin", "correct horse battery", now=NOW)
    assert first_user(db, settings) == "as `pw staff list` says"
    with db.connect() as connection:
        assert [user["name"] for user in desk_users.all_users(connection)] == ["ann"]
