"""Who gets in, for how long, and what a stranger's page or cookie can do: nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from pw_pipelines.portal import desk_session, desk_users
from pw_pipelines.portal.staff_login import where_to
from pw_pipelines.settings import Settings
from tests.portal.conftest import Web
from tests.portal.desk_making import PASSWORD, Desk, desk, words

__all__ = ["desk"]

PAGES = ["/desk", "/desk/items/1", "/desk/items/1/review", "/desk/effects", "/desk/portals", "/desk/payments",
         "/desk/log", "/desk/items/1/files/" + "a" * 64, "/desk/items/1/packet"]  # fmt: skip
DEEDS = ["/desk/items/1/hold", "/desk/items/1/retry", "/desk/items/1/review", "/desk/items/1/details",
         "/desk/items/1/filed", "/desk/items/1/pass", "/desk/items/1/private", "/desk/effects/1",
         "/desk/portals/fcc_ecfs", "/desk/logout"]  # fmt: skip
REAL_COST = desk_users.COST  # before the tests' own makes it cheap


@pytest.fixture
def staff(desk: Desk) -> Desk:
    """With a user `ann`, a reviewer."""
    with desk.db.connect() as connection:
        desk_users.add_user(connection, "ann", "reviewer", PASSWORD, now=desk.settings.clock.now())
    return desk


def log_in(
    client: httpx.Client, name: str = "ann", password: str = PASSWORD, going: str = "", **headers: str
) -> httpx.Response:
    page = client.get("/desk/login", params={"next": going} if going else {})
    fields = dict(re.findall(r'name="(proof|next)" value="([^"]*)"', page.text))
    return client.post("/desk/login", data={**fields, "name": name, "password": password}, headers=headers)


def test_whoever_logs_in_sees_the_queue_and_a_cookie_that_scripts_and_other_sites_cannot_use(staff: Desk) -> None:
    client = staff.browser()
    reply = log_in(client)
    assert (reply.status_code, reply.headers["location"]) == (303, "/desk")
    cookie = next(one for one in reply.headers.get_list("set-cookie") if one.startswith("pw_desk="))
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and "Path=/" in cookie
    assert "ann" in words(client.get("/desk").text)
    token = client.cookies["pw_desk"]
    row = staff.row("select token_hash, csrf from pw.staff_sessions")
    assert row["token_hash"] == desk_session.hash_of(token) and token not in row.values()


def test_behind_https_the_cookie_goes_over_https_alone(start: Callable[..., Web], web_settings: Settings) -> None:
    desk = Desk(start(public_url="https://pw.example"), web_settings)
    with desk.db.connect() as connection:
        desk_users.add_user(connection, "ann", "reviewer", PASSWORD, now=web_settings.clock.now())
    client = desk.browser()
    page = client.get("/desk/login")
    form = page.headers["set-cookie"].split(";")[0]
    proof = re.findall(r'name="proof" value="([^"]*)"', page.text)[0]
    reply = client.post(
        "/desk/login", data={"proof": proof, "name": "ann", "password": PASSWORD}, headers={"Cookie": form}
    )
    cookie = next(one for one in reply.headers.get_list("set-cookie") if "pw_desk=" in one)
    assert cookie.startswith("__Host-pw_desk=") and "Secure" in cookie and "Domain" not in cookie
    client.close()


def test_without_a_login_every_page_leads_to_the_login(desk: Desk) -> None:
    for path in PAGES:
        reply = desk.browser().get(path)
        assert reply.status_code == 303, path
        assert reply.headers["location"].startswith("/desk/login")


def test_without_a_login_no_deed_is_done(desk: Desk) -> None:
    for path in DEEDS:
        reply = desk.browser().post(path, data={"csrf": "x", "why": "because", "do": "approve"})
        assert (reply.status_code, reply.headers["location"]) == (303, "/desk/login"), path
    assert desk.rows("select * from pw.staff_actions") == []


def test_a_wrong_name_and_a_wrong_password_are_told_alike(staff: Desk) -> None:
    for name, password in (("ann", "wrong password"), ("nobody", PASSWORD), ("", ""), ("ann", "")):
        reply = log_in(staff.browser(), name, password)
        assert reply.status_code == 403
        assert "Name and password do not go together" in words(reply.text)
    assert staff.rows("select * from pw.staff_sessions") == []


def test_five_failures_lock_the_name_and_the_right_password_waits_too(staff: Desk) -> None:
    client = staff.browser()
    for _ in range(desk_users.TRIES):
        assert log_in(client, password="wrong password").status_code == 403
    assert log_in(client).status_code == 403
    staff.settings.clock.set_offset(staff.settings.clock.offset() + desk_users.LOCKED_FOR + timedelta(seconds=1))
    assert log_in(client).status_code == 303
    assert staff.row("select failed_logins, locked_until from pw.staff_users") == {
        "failed_logins": 0, "locked_until": None
    }  # fmt: skip
    told = staff.rows("select what from pw.staff_actions order by action_id")
    assert [one["what"] for one in told] == ["login_refused"] * 6 + ["login"]


def test_tries_are_counted_before_the_password_is_looked_at(staff: Desk) -> None:
    now = staff.settings.clock.now()
    with staff.db.connect() as connection:
        attempts = [desk_users.begin_attempt(connection, "ann", now=now) for _ in range(desk_users.TRIES + 3)]
    assert [one.is_locked for one in attempts] == [False] * desk_users.TRIES + [True] * 3
    assert not desk_users.check_attempt(attempts[-1], PASSWORD)


def test_a_token_handed_over_beforehand_is_no_login_and_is_replaced(staff: Desk) -> None:
    client = staff.browser()
    client.cookies.set("pw_desk", "chosen-by-somebody-else", domain="127.0.0.1")
    assert log_in(client).status_code == 303
    tokens = {cookie.value for cookie in client.cookies.jar if cookie.name == "pw_desk"}
    known = {row["token_hash"] for row in staff.rows("select token_hash from pw.staff_sessions")}
    assert desk_session.hash_of("chosen-by-somebody-else") not in known
    assert len({desk_session.hash_of(str(token)) for token in tokens} & known) == 1


def test_a_second_login_in_one_browser_ends_the_first(staff: Desk) -> None:
    client = staff.browser()
    log_in(client)
    first = client.cookies["pw_desk"]
    with staff.db.connect() as connection:  # one who was logged in may still send the form of another window
        page = httpx.get(f"{staff.web.url}/desk/login")
        proof = re.findall(r'name="proof" value="([^"]*)"', page.text)[0]
    form = page.cookies["pw_form"]
    client.cookies.set("pw_form", form, domain="127.0.0.1")
    assert client.post("/desk/login", data={"proof": proof, "name": "ann", "password": PASSWORD}).status_code == 303
    with staff.db.connect() as connection:
        assert desk_session.read_session(connection, first, now=staff.settings.clock.now()) is None


def test_log_out_ends_the_login_in_the_books_too(staff: Desk) -> None:
    person = staff.person("ops")
    token = person.client.cookies["pw_desk"]
    assert person.client.post("/desk/logout", data={"csrf": "wrong"}).status_code == 403
    assert person.post("/desk/logout").headers["location"] == "/desk/login"
    again = staff.browser()
    again.cookies.set("pw_desk", token, domain="127.0.0.1")
    assert again.get("/desk").status_code == 303


@pytest.mark.parametrize("after", [desk_session.IDLE, desk_session.LASTS])
def test_a_login_ends_by_itself(staff: Desk, after: timedelta) -> None:
    person = staff.person("ops")
    assert person.get("/desk").status_code == 200
    clock = staff.settings.clock
    if after == desk_session.LASTS:  # busy all day, it ends all the same
        with staff.db.connect() as connection:
            connection.execute("update pw.staff_sessions set seen_at = seen_at + interval '12 hours'")
    clock.set_offset(clock.offset() + after + timedelta(seconds=1))
    assert person.get("/desk").status_code == 303


def test_a_user_who_is_disabled_or_has_a_new_password_is_out_at_once(staff: Desk) -> None:
    first, second = staff.person("ops", "bob"), staff.person("ops", "cid")
    now = staff.settings.clock.now()
    with staff.db.connect() as connection:
        desk_users.disable_user(connection, "bob", now=now)
        desk_users.set_password(connection, "cid", "another password", now=now)
    assert first.get("/desk").status_code == 303
    assert second.get("/desk").status_code == 303


@pytest.mark.parametrize("asked", [
    "//evil.example", "https://evil.example/desk", "/\\evil.example", "/desk/../../x", "/desk//evil.example",
    "/desk/login", "/deskevil", "/desk?x=//evil", "javascript:alert(1)", "/desk/items/1\r\nSet-Cookie: a=b", "",
])  # fmt: skip
def test_a_login_never_leads_away_from_the_desk(asked: str) -> None:
    assert where_to(asked) == "/desk"


def test_a_login_leads_to_where_one_was_going(staff: Desk) -> None:
    client = staff.browser()
    location = client.get("/desk/items/77").headers["location"]
    assert location == "/desk/login?next=/desk/items/77"
    assert log_in(client, going="/desk/items/77").headers["location"] == "/desk/items/77"
    assert log_in(staff.browser(), going="https://evil.example/").headers["location"] == "/desk"


def test_a_login_form_of_another_site_logs_nobody_in(staff: Desk) -> None:
    client = staff.browser()
    assert log_in(client, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/desk/login", data={"name": "ann", "password": PASSWORD}).status_code == 403
    assert "pw_desk" not in client.cookies


def test_the_other_staff_pages_take_the_desks_login_and_no_other_cookie(
    start: Callable[..., Web], web_settings: Settings
) -> None:
    from pydantic import SecretStr

    desk = Desk(start(staff_password=SecretStr("a password of the staff")), web_settings)
    assert desk.browser().get("/").status_code == 401
    assert desk.person("analyst").get("/").status_code == 200
    stranger = desk.browser()
    stranger.cookies.set("pw_desk", "x" * 43, domain="127.0.0.1")
    assert stranger.get("/").status_code == 401


def test_no_token_and_no_password_is_ever_logged(staff: Desk, caplog: pytest.LogCaptureFixture,
                                                 capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    client = staff.browser()
    log_in(client, password="my wrong password")
    log_in(client)
    client.get("/desk/items/999999")
    csrf = staff.row("select csrf from pw.staff_sessions")["csrf"]
    out = capsys.readouterr()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpcore")]
    said = str(ours) + out.out + out.err + str(staff.rows("select * from pw.staff_actions"))
    for secret in (client.cookies["pw_desk"], csrf, PASSWORD, "my wrong password"):
        assert secret not in said


def test_passwords_are_kept_as_slow_salted_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_users, "COST", REAL_COST)
    first, second = desk_users.hash_password(PASSWORD), desk_users.hash_password(PASSWORD)
    assert first != second and PASSWORD not in first and first.startswith("scrypt$16384$8$5$")
    assert desk_users.is_password(PASSWORD, first) and not desk_users.is_password(PASSWORD + "x", first)
