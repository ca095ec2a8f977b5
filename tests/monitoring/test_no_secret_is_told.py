"""A value that can be recognised in every secret setting, and looked for in all that the house tells anybody."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest
import structlog
from pydantic import SecretStr

from pw_pipelines import logs
from pw_pipelines.backups.keys import signing_key_of
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.telegram import Telegram
from pw_pipelines.settings import Settings
from pw_pipelines.settings_secrets import secret_fields
from tests.monitoring.conftest import ELSEWHERE, LOOPBACK, client_of

MARK = "canary7f3a"
SECRETS = secret_fields(Settings)
URLS = {"database_url", "dagster_database_url", "sandbox_database_url", "forgejo_database_url"}
# What is asked of the web app by whom it does not know, well and badly.
ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("get", "/metrics", {}),
    ("get", "/metrics", {"headers": {"Authorization": "Bearer wrong"}}),
    ("get", "/health", {}),
    ("get", "/health/live", {}),
    ("get", "/health/ready", {}),
    ("get", "/health/house", {}),
    ("get", "/", {}),
    ("get", "/no/such/page", {}),
    ("get", "/api/no/such", {}),
    ("get", "/api/v1/check", {"params": {"frn": "nonsense"}}),
    ("get", "/desk", {}),
    ("post", "/desk/login", {"data": {"name": "staff", "password": "wrong"}}),
    ("get", "/sign/nonsense", {}),
    *(
        ("post", f"/webhooks/{name}", {"content": b"{}", "headers": {"Stripe-Signature": "t=1,v1=00"}})
        for name in ("stripe", "paypal", "adyen", "shkeeper", "erpnext")
    ),
)


def canary(name: str) -> SecretStr:
    """No key and no password of any kind: what stumbles over it must not quote it."""
    word = f"{MARK}-{name}"
    return SecretStr(f"postgresql://pw:{word}@127.0.0.1:9/nothing" if name in URLS else word)


def marked(settings: Settings, *, but: frozenset[str] = frozenset()) -> Settings:
    return settings.model_copy(update={name: canary(name) for name in SECRETS if name not in but})


def told(text: str) -> list[str]:
    """Where a marked value stands in `text`, with what is around it."""
    found = []
    for word in (MARK, quote(MARK)):
        at = text.find(word)
        if at >= 0:
            found.append(text[max(0, at - 80) : at + 60])
    return found


@pytest.fixture
def as_at_a_door() -> Iterator[None]:
    """Logs as the web server writes them, and afterwards as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("as_at_a_door")
@pytest.mark.parametrize("client", [LOOPBACK, ELSEWHERE], ids=["a watcher", "a stranger"])
@pytest.mark.parametrize("books", ["there", "away"])
def test_no_page_metric_health_or_problem_tells_a_secret(
    watched: Settings, books: str, client: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    keep = frozenset({"database_url", "dagster_database_url"}) if books == "there" else frozenset()
    seen = []
    with client_of(marked(watched, but=keep), client) as http:
        for method, path, more in ASKED:
            answer = (http.get if method == "get" else http.post)(path, **more)
            seen.append(answer.status_code)
            assert told(f"{answer.headers}\n{answer.text}") == [], (method, path, answer.status_code)
    assert len(set(seen)) > 2, "refusals and errors are among the answers"
    out, err = capfd.readouterr()
    assert "request failed" in err, "failures are logged, with their tracebacks"
    assert told(out) == told(err) == []


def _telegram(settings: Settings) -> None:
    with Telegram(settings.model_copy(update={"telegram_url": "http://127.0.0.1:9", "telegram_chat_id": "1"})) as bot:
        bot.send("hello")


def _database(settings: Settings) -> None:
    assert settings.database_url is not None
    with Database(settings.database_url.get_secret_value()).connect():
        raise AssertionError("nobody answers there")


def _signing_key(settings: Settings) -> None:
    signing_key_of(settings)


def _whole_settings(settings: Settings) -> None:
    raise ValueError(f"what is wrong with {settings!r}?")


@pytest.mark.parametrize("deed", [_telegram, _database, _signing_key, _whole_settings])
def test_a_run_that_fails_tells_no_secret_in_its_events_or_its_log(
    settings: Settings, deed: Callable[[Settings], None], capfd: pytest.CaptureFixture[str]
) -> None:
    given = marked(settings)

    @dg.op
    def fails(context: dg.OpExecutionContext) -> None:
        context.log.info(f"with {given}")
        deed(given)

    @dg.job
    def failing() -> None:
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        done = failing.execute_in_process(instance=instance, raise_on_error=False)
        events = [
            f"{entry.user_message}\n{entry.error_info}\n{entry.dagster_event}"
            for entry in instance.all_logs(done.run_id)
        ]
    out, err = capfd.readouterr()

    assert not done.success
    assert any("fails" in event for event in events)
    assert told("\n".join(events)) == []
    assert told(out) == told(err) == []


def test_the_canary_would_be_found() -> None:
    assert len(SECRETS) > 20
    assert told(str(canary("stripe_secret_key").get_secret_value())) != []
