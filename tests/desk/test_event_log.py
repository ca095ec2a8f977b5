"""What a run leaves in Dagster's books has no personal data in it, whatever broke and whoever quoted it."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest
from pydantic import SecretStr

from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment.ground import ground_of
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.fulfillment.run_words import config_of, tags_of
from pw_pipelines.fulfillment.work import Work
from pw_pipelines.jobs.fulfillment import fulfill_item
from pw_pipelines.masking import Masked, nothing_personal
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW
from tests.desk.making import paid_order

SSN, NAME = "900-70-1234", "Ann Example"


def test_an_error_that_quotes_a_value_is_kept_without_it(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.connect() as connection:
        (item,) = paid_order(connection)[1]
        Vault(settings).put(connection, item, "signer_name", NAME, now=NOW)

    def breaks(work: Work) -> str:
        with work.connect() as connection:
            name = work.ground.vault.get(connection, item, "signer_name", by="test", why="to break", now=NOW)
        work.log(f"item {work.item.item_id} is begun")
        try:
            raise KeyError(f"fill('#ssn', '{SSN}')")
        except KeyError as inner:
            raise ValueError(f"no field takes {name}") from inner

    monkeypatch.setattr("pw_pipelines.fulfillment.engine.runner_of", lambda _stage: breaks)
    known = settings.model_copy(
        update={"database_url": SecretStr(db.url), "objects_url": f"file://{settings.home}/objects"}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = fulfill_item.execute_in_process(
            instance=instance, run_config=config_of(item), tags=tags_of(item), raise_on_error=False,
            resources={"fulfillment": ground_of(known)},
        )  # fmt: skip
        assert not result.success
        kept = str(instance.all_logs(result.run_id)) + str(instance.get_run_by_id(result.run_id))
    assert "no field takes ***" in kept and "breaks" in kept, "the place and the sentence are still there"
    with db.connect() as connection:
        kept += str(connection.execute("select * from pw.item_events").fetchall())
        kept += str(connection.execute("select * from pw.item_work").fetchall())
    for personal in (SSN, "900701234", NAME):
        assert personal not in kept


def raising(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_an_error_that_tells_nothing_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="nothing personal"):
        nothing_personal(raising(ValueError("nothing personal")))
    assert nothing_personal(lambda: 7) == 7


def test_a_masked_error_has_no_cause_that_could_tell() -> None:
    with pytest.raises(Masked) as caught:
        nothing_personal(raising(ValueError(SSN)))
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert SSN not in str(caught.value)
