-- What each campaign brought, by the first link of a visit and by the last: checks, orders, what was paid and what is
-- left of it after refunds and disputes. Each order counts once by each touch, so the money of either adds up to all.
with kept as (
    select order_id::text as id, sum(amount) as amount from {{ ref('stg_money') }} group by 1
)
select t.touch, t.source, t.medium, t.campaign,
       count(*) filter (where t.deed = 'check') as checks,
       count(*) filter (where t.deed = 'order') as orders,
       count(t.paid_at) as orders_paid,
       coalesce(sum(t.total) filter (where t.paid_at is not null and t.currency = 'USD'), 0)::numeric as paid_usd,
       coalesce(sum(t.total) filter (where t.paid_at is not null and t.currency = 'CAD'), 0)::numeric as paid_cad,
       coalesce(sum(k.amount) filter (where t.currency = 'USD'), 0)::numeric as revenue_usd,
       coalesce(sum(k.amount) filter (where t.currency = 'CAD'), 0)::numeric as revenue_cad
from {{ ref('stg_touches') }} t
left join kept k on t.deed = 'order' and k.id = t.id
group by 1, 2, 3, 4
