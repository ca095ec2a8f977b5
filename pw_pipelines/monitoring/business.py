"""What the firm itself must know every minute: orders, effects, gates, money, mail, alerts. Counts and ages only.

Nothing here reads what is done: each query walks an index over what is open, or over the last days. So a scrape of
books ten years old costs what one of the first week does.
"""

from __future__ import annotations

from pw_pipelines.db.tables.fulfillment import CLOCK_GATES, PERSON_GATES
from pw_pipelines.db.tables.mail_hygiene import BOUNCE_CLASSES
from pw_pipelines.monitoring.groups import Gauge, Group

# Finished orders are counted for a month; open ones for as long as they are open.
_ORDERS = """
with ages as (
    select o.status as state,
           case when o.placed_at > %(now)s - interval '1 day' then '1d'
                when o.placed_at > %(now)s - interval '7 days' then '7d'
                when o.placed_at > %(now)s - interval '30 days' then '30d' else 'older' end as age
      from pw.orders o
     where o.status in ('processing', 'submitted', 'filed', 'held')
        or (o.status in ('received', 'delivered', 'cancelled', 'refunded')
            and o.placed_at > %(now)s - interval '30 days'))
select state, age, count(a.state) as orders
  from (select * from unnest(array['received', 'processing', 'submitted', 'filed', 'held',
                                   'delivered', 'cancelled', 'refunded']) as state
        cross join unnest(array['1d', '7d', '30d', 'older']) as age
        where age <> 'older' or state in ('processing', 'submitted', 'filed', 'held')) as every
  left join ages a using (state, age)
 group by 1, 2
"""
_EFFECTS = """
select state, count(e.effect_id) as effects,
       coalesce(extract(epoch from %(now)s - min(e.intended_at)), 0) as oldest
  from unnest(array['intended', 'unknown']) as state
  left join (select state, effect_id, intended_at from pw.effects where state in ('intended', 'unknown')) e
    using (state)
 group by 1
"""
_GATES = """
select gate, count(w.item_id) as items,
       coalesce(greatest(extract(epoch from %(now)s - min(w.gate_since)), 0), 0) as oldest
  from unnest(%(gates)s::text[]) as gate
  left join (select item_id, gate, gate_since from pw.item_work where state = 'waiting') w using (gate)
 group by 1
"""
_READY = """
select count(*) as items, coalesce(greatest(extract(epoch from %(now)s - min(changed_at)), 0), 0) as oldest
  from pw.item_work where state = 'ready'
"""
_HELD_PAYMENTS = """
select provider, count(e.event_id) as events
  from unnest(array['stripe', 'paypal', 'shkeeper', 'adyen', 'erpnext']) as provider
  left join (select provider, event_id from pw.payment_events where state = 'held') e using (provider)
 group by 1
"""
_WAITING_PAYMENTS = """
select count(*) as events, coalesce(greatest(extract(epoch from %(now)s - min(received_at)), 0), 0) as oldest
  from pw.payment_events where state = 'received'
"""
_BOOKS = """
select state, count(b.entry_id) as entries,
       coalesce(greatest(extract(epoch from %(now)s - min(b.wanted_at)), 0), 0) as oldest
  from unnest(array['wanted', 'unknown', 'held']) as state
  left join (select state, entry_id, wanted_at from pw.book_entries where state <> 'done') b using (state)
 group by 1
"""
_WARMUP = """
select provider, count(a.email) as admitted
  from unnest(array['google', 'microsoft', 'yahoo', 'other']) as provider
  left join (select provider, email from pw.warmup_admissions where day = %(today)s) a using (provider)
 group by 1
"""
_SUPPRESSIONS = """
select reason, count(s.email) as addresses
  from unnest(array['bounced', 'complained', 'unsubscribed', 'blocklisted', 'disabled', 'customer', 'manual']) as reason
  left join pw.suppressions s using (reason)
 group by 1
"""
_BOUNCES = """
select class, count(b.result_id) as results
  from unnest(%(classes)s::text[]) as class
  left join (select class, result_id from pw.bounce_results where at > %(now)s - interval '7 days') b using (class)
 group by 1
"""
_ALERTS = """
select count(*) as alerts, coalesce(greatest(extract(epoch from %(now)s - min(raised_at)), 0), 0) as oldest
  from pw.alerts where sent_at is null
"""
_CHECKS = """
select count(*) as checks, count(*) filter (where answer = 'deficient') as deficient
  from pw.compliance_check_log where checked_at > %(now)s - interval '1 day'
"""
_ANALYTICS = """
select state, count(e.event_id) as events,
       coalesce(greatest(extract(epoch from %(now)s - min(e.happened_at)), 0), 0) as oldest
  from unnest(array['waiting', 'sending']) as state
  left join (select state, event_id, happened_at from pw.analytics_events where state in ('waiting', 'sending')) e
    using (state)
 group by 1
"""
_ANALYTICS_LOST = """
select count(*) as events from pw.analytics_events
 where state in ('unknown', 'dropped') and happened_at > %(now)s - interval '7 days'
"""

GROUPS = (
    Group("orders", _ORDERS, (Gauge("pw_orders", "Orders by state and by time since they were placed; finished ones of "
          "the last 30 days.", "orders", ("state", "age")),)),
    Group("effects", _EFFECTS, (
        Gauge("pw_effects", "Deeds to the outside world that are not settled.", "effects", ("state",)),
        Gauge("pw_effect_oldest_age_seconds", "Age of the oldest deed in that state; 0 without one.", "oldest",
              ("state",)))),
    Group("gates", _GATES, (
        Gauge("pw_gates_waiting", "Items that wait, by gate.", "items", ("gate",)),
        Gauge("pw_gate_oldest_age_seconds", "How long the oldest of them has waited; 0 without one.", "oldest",
              ("gate",))), values={"gates": [*CLOCK_GATES, *PERSON_GATES]}),
    Group("items", _READY, (
        Gauge("pw_items_ready", "Items that a run should work on now.", "items"),
        Gauge("pw_item_ready_oldest_age_seconds", "How long the oldest of them has been ready.", "oldest"))),
    Group("payments_held", _HELD_PAYMENTS, (
        Gauge("pw_payment_events_held", "Payment events that a person must look at.", "events", ("provider",)),)),
    Group("payments_waiting", _WAITING_PAYMENTS, (
        Gauge("pw_payment_events_waiting", "Payment events that were stored and not yet worked.", "events"),
        Gauge("pw_payment_event_oldest_age_seconds", "Age of the oldest of them.", "oldest"))),
    Group("books", _BOOKS, (
        Gauge("pw_book_entries", "Documents that ERPNext must still hold, by state.", "entries", ("state",)),
        Gauge("pw_book_entry_oldest_age_seconds", "Age of the oldest in that state.", "oldest", ("state",)))),
    Group("warmup", _WARMUP, (
        Gauge("pw_warmup_admitted", "Places of today's sending quota that are taken.", "admitted", ("provider",)),)),
    Group("suppressions", _SUPPRESSIONS, (
        Gauge("pw_suppressed_addresses", "Addresses that are never written to again.", "addresses", ("reason",)),)),
    Group("bounces", _BOUNCES, (
        Gauge("pw_bounce_results_7d", "What reports of the last seven days said of a recipient.", "results",
              ("class",)),), values={"classes": list(BOUNCE_CLASSES)}),
    Group("alerts", _ALERTS, (
        Gauge("pw_alerts_waiting", "Alerts that Telegram has not been told of.", "alerts"),
        Gauge("pw_alert_oldest_age_seconds", "How long the oldest of them has waited.", "oldest"))),
    Group("checks", _CHECKS, (
        Gauge("pw_checks_24h", "Compliance checks of the last 24 hours.", "checks"),
        Gauge("pw_checks_deficient_24h", "Those of them that found something to mend.", "deficient"))),
    Group("analytics", _ANALYTICS, (
        Gauge("pw_analytics_events", "Events that Umami has not taken yet.", "events", ("state",)),
        Gauge("pw_analytics_event_oldest_age_seconds", "Age of the oldest in that state.", "oldest", ("state",)))),
    Group("analytics_lost", _ANALYTICS_LOST, (
        Gauge("pw_analytics_events_lost_7d", "Events of seven days whose answer was lost or that were dropped.",
              "events"),)),
)  # fmt: skip
