"""Bundles and ways to pay in the database, where SQL can join them, exactly as the data files say."""

from __future__ import annotations

from typing import Any

from pw_pipelines.commerce.bundles import bundles
from pw_pipelines.commerce.payment_methods import payment_methods
from pw_pipelines.db.connection import Database


def load_commerce(db: Database) -> None:
    """Makes pw.service_bundles and pw.payment_surcharges say what the files say. Idempotent.

    A bundle that was ordered once stays after it has left the file.
    """
    held: list[dict[str, Any]] = [
        {
            "code": one.code,
            "title": one.title,
            "price": one.price_usd,
            "services": list(one.services),
            "words": one.words,
        }
        for one in bundles().values()
    ]
    ways = [one.model_dump() for one in payment_methods().values()]
    with db.connect(application="pw-reference") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.service_bundles (code, title, price, services, words) "
            "values (%(code)s, %(title)s, %(price)s, %(services)s, %(words)s) on conflict (code) do update set "
            "title = excluded.title, price = excluded.price, services = excluded.services, words = excluded.words",
            held,
        )
        cursor.execute(
            "delete from pw.service_bundles b where code <> all(%s) "
            "and not exists (select from pw.bundle_orders o where o.bundle = b.code)",
            ([one["code"] for one in held],),
        )
        cursor.executemany(
            "insert into pw.payment_surcharges (method, title, provider, percent, is_offered) "
            "values (%(method)s, %(title)s, %(provider)s, %(percent)s, %(is_offered)s) on conflict (method) do update "
            "set title = excluded.title, provider = excluded.provider, percent = excluded.percent, "
            "is_offered = excluded.is_offered",
            ways,
        )
        cursor.execute("delete from pw.payment_surcharges where method <> all(%s)", ([one["method"] for one in ways],))
