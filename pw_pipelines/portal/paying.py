"""Beginning to pay an order: the one place of the web that asks a payment provider for something."""

from __future__ import annotations

from functools import partial

from anyio import to_thread

from pw_pipelines import logs
from pw_pipelines.commerce.order_view import read_by_token
from pw_pipelines.commerce.payments.clients import ProviderClients
from pw_pipelines.commerce.payments.sessions import Try, begin
from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.portal.ordering import page_of
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site

log = logs.get_logger(__name__)


async def begin_payment(site: Site, token: str) -> Try:
    """The open try to pay an order, or a new one; off the event loop.

    Raises NotFound, UsageError when it takes no payment, OutsideUnavailable, OutsideRefused.
    """
    return await to_thread.run_sync(partial(_begin, site, token), limiter=site.patient)


async def begin_or_none(site: Site, token: str) -> Try | None:
    """As `begin_payment`; None, and a line in the log, when it cannot be begun now. The order stands all the same."""
    try:
        return await begin_payment(site, token)
    except PwError as error:  # also a credential that is missing: for the customer it is all the same
        log.warning("payment not begun", error=str(error))
        return None


def _begin(site: Site, token: str) -> Try:
    with site.db.connect() as connection:
        try:
            order = read_by_token(connection, token)
        except UsageError as error:
            raise NotFound(str(error), field="token", remedy=error.remedy) from error
    page = page_of(site.settings, token)
    with ProviderClients(site.settings) as clients:
        return begin(
            site.db,
            order.order_id,
            clients=clients,
            return_url=f"{page}?pay=done",
            cancel_url=page,
            now=site.clock.now,
        )
