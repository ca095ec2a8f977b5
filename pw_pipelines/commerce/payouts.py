"""Bank data of those who are paid, which stand outside the database: a file of the firm's, under PW_PAYOUTS_FILE.

    originator: {bank_name: …, bank_routing: "…", company_name: …, company_id: "1234567890"}
    accounts:
      - {reference: …, holder: …, routing: "…", number: "…", kind: checking, is_company: false}

`reference` is what pw.sales_agents.payout_reference says. The file is readable by its owner alone, best on an encrypted
volume or as a mounted secret; nothing of it is logged.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from pw_pipelines.commerce.ach import Account, Originator
from pw_pipelines.errors import ConfigError
from pw_pipelines.yaml_data import Strict, read_entry

FOR_OTHERS = 0o077


class Payouts(Strict):
    """Who pays, and whom."""

    originator: Originator
    accounts: tuple[Account, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Payouts:
        said = [one.reference for one in self.accounts]
        twice = sorted({one for one in said if said.count(one) > 1})
        if twice:
            raise ValueError(f"references that stand there twice: {', '.join(twice)}")
        return self

    def account(self, reference: str | None) -> Account | None:
        """The account of a reference; None where there is none."""
        return next((one for one in self.accounts if one.reference == reference), None)


def read_payouts(path: Path | None) -> Payouts | None:
    """The file's content; None where no file is named.

    Raises ConfigError when it is missing, faulty or readable by others.
    """
    if path is None:
        return None
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"PW_PAYOUTS_FILE={path} can't be read: {error.strerror}.") from error
    if mode & FOR_OTHERS:
        raise ConfigError(f"PW_PAYOUTS_FILE={path} holds bank data and others may read it; run: chmod 600 {path}")
    return read_entry(text, Payouts, file="the file of PW_PAYOUTS_FILE")
