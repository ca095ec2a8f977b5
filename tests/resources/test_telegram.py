"""Alerts to Telegram: plain text, within the limit, patient when told to be, silent about the token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.errors import ConfigError
from pw_pipelines.resources.telegram import MOST_UNITS, Telegram, TelegramRefused, TelegramUnavailable, cut
from pw_pipelines.sandbox.telegram import create_app
from pw_pipelines.settings import Settings
from tests.served import served

TOKEN = "1:sandbox"


@pytest.fixture(scope="module")
def bot() -> Iterator[str]:
    with served(create_app()) as url:
        yield url


@pytest.fixture
def bot_url(bot: str) -> str:
    """The stand-in's address; nothing sent, nothing planned."""
    httpx.delete(f"{bot}/_sandbox/messages")
    return bot


@pytest.fixture
def telegram(bot_url: str, settings: Settings) -> Iterator[Telegram]:
    with _telegram(settings, bot_url) as telegram:
        yield telegram


def _telegram(settings: Settings, url: str, token: str = TOKEN, **seams: object) -> Telegram:
    given = {"telegram_url": url, "telegram_token": SecretStr(token), "telegram_chat_id": "1000"}
    return Telegram(settings.model_copy(update=given), **seams)  # type: ignore[arg-type]


def _messages(url: str) -> list[dict[str, object]]:
    return list(httpx.get(f"{url}/_sandbox/messages").json()["messages"])


def test_a_message_arrives_as_plain_text_whatever_it_contains(telegram: Telegram, bot_url: str) -> None:
    text = "<b>RMD</b> rejected: *rows* 6_112 [−45 %](http://x) & `more` <unclosed"
    telegram.send(text)
    (message,) = _messages(bot_url)
    assert (message["text"], message["parse_mode"], message["chat"]) == (text, None, {"id": 1000})


@pytest.mark.parametrize("text", ["x" * 5_000, "🙂" * 3_000])
def test_a_long_message_is_cut_to_what_telegram_takes_and_says_so(telegram: Telegram, bot_url: str, text: str) -> None:
    telegram.send(text)
    sent = str(_messages(bot_url)[-1]["text"])
    assert sent.endswith("(cut)")
    assert len(sent.encode("utf-16-le")) // 2 <= MOST_UNITS
    assert "\ufffd" not in sent


def test_a_message_of_exactly_the_limit_is_not_cut() -> None:
    assert cut("x" * MOST_UNITS) == "x" * MOST_UNITS


def test_a_429_is_waited_out_as_told(bot_url: str, settings: Settings) -> None:
    answer = {"error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 14}}
    httpx.post(f"{bot_url}/_sandbox/answer", json=answer)
    waits: list[float] = []
    with _telegram(settings, bot_url, sleep=waits.append) as telegram:
        telegram.send("late")
    assert (waits, [message["text"] for message in _messages(bot_url)]) == ([14.0], ["late"])


@pytest.mark.parametrize(("retry_after", "waited"), [(14, 2), (600, 0)])
def test_a_429_that_does_not_end_is_unavailable(
    bot_url: str, settings: Settings, retry_after: int, waited: int
) -> None:
    answer = {"error_code": 429, "description": "slow", "parameters": {"retry_after": retry_after}, "times": 3}
    httpx.post(f"{bot_url}/_sandbox/answer", json=answer)
    waits: list[float] = []
    with (
        _telegram(settings, bot_url, sleep=waits.append) as telegram,
        pytest.raises(TelegramUnavailable, match="slow down"),
    ):
        telegram.send("never")
    assert len(waits) == waited


@pytest.mark.parametrize("failure", [lambda r: httpx.Response(502), lambda r: httpx.Response(200, text="no JSON")])
def test_an_unclear_answer_is_not_repeated_because_the_message_may_have_gone(
    settings: Settings, failure: Callable[[httpx.Request], httpx.Response]
) -> None:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return failure(request)

    with (
        _telegram(settings, "http://t.example", transport=httpx.MockTransport(answer)) as telegram,
        pytest.raises(TelegramUnavailable),
    ):
        telegram.send("once")
    assert len(calls) == 1


def test_a_time_out_is_unavailable_and_not_repeated(settings: Settings) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    with (
        _telegram(settings, "http://t.example", transport=httpx.MockTransport(answer)) as telegram,
        pytest.raises(TelegramUnavailable, match="may or may not") as caught,
    ):
        telegram.send("once")
    assert TOKEN not in str(caught.value)


def test_a_wrong_token_is_refused_with_the_setting_to_look_at(bot_url: str, settings: Settings) -> None:
    with (
        _telegram(settings, bot_url, token="2:other") as telegram,
        pytest.raises(TelegramRefused, match="PW_TELEGRAM_TOKEN") as caught,
    ):
        telegram.send("hello")
    assert "2:other" not in str(caught.value)


def test_a_group_that_moved_says_its_new_number(bot_url: str, settings: Settings) -> None:
    answer = {"error_code": 400, "description": "moved", "parameters": {"migrate_to_chat_id": -100123}}
    httpx.post(f"{bot_url}/_sandbox/answer", json=answer)
    with _telegram(settings, bot_url) as telegram, pytest.raises(TelegramRefused, match="-100123"):
        telegram.send("hello")


def test_the_token_is_in_no_log_line(telegram: Telegram, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="httpx"):
        telegram.send("hello")
    assert "/bot***/sendMessage" in caplog.text
    assert TOKEN not in caplog.text


def test_without_credentials_it_says_which_settings(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_TELEGRAM_CHAT_ID"):
        Telegram(settings)


def test_the_bot_says_who_it_is_and_refuses_what_the_real_one_refuses(bot_url: str) -> None:
    assert httpx.get(f"{bot_url}/bot{TOKEN}/getMe").json()["result"]["is_bot"] is True
    for body, code in [
        ({"chat_id": 1, "text": ""}, 400),
        ({"text": "x"}, 400),
        ({"chat_id": 1, "text": "x" * 4_097}, 400),
        ({"chat_id": 1, "text": "<b", "parse_mode": "HTML"}, 400),
    ]:
        assert httpx.post(f"{bot_url}/bot{TOKEN}/sendMessage", json=body).status_code == code, body


def test_what_was_told_is_on_a_page_of_the_stand_in_newest_first_and_cannot_act_there(
    telegram: Telegram, bot_url: str
) -> None:
    assert "Nobody was told anything yet." in httpx.get(f"{bot_url}/").text
    telegram.send("Run failed: acquire")
    telegram.send("<script>alert(1)</script> & more")

    page = httpx.get(f"{bot_url}/")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert 0 < page.text.index("&lt;script&gt;") < page.text.index("Run failed: acquire")
