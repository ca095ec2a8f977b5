-- Money by month and service. What belongs to no service has a row of its own, in brackets, so that a month's amounts
-- add up to the money that moved in it.
with paid as (
    select * from {{ ref('stg_orders') }} where paid_at is not null
),
services as (
    select p.paid_month as month, p.currency, s.service, count(distinct p.order_id) as orders,
           sum(s.quantity) as quantity, sum(s.gross) as gross, sum(s.discount) as discount, sum(s.fees) as fees,
           0::numeric as other
    from paid p join {{ ref('stg_order_services') }} s using (order_id)
    group by 1, 2, 3
),
surcharges as (
    select paid_month, currency, '(surcharge)', count(*), 0, 0::numeric, 0::numeric, 0::numeric, sum(surcharge)
    from paid where surcharge > 0 group by 1, 2
),
returned as (
    select month, currency, '(refunds and disputes)', count(distinct order_id), 0, 0::numeric, 0::numeric, 0::numeric,
           sum(amount)
    from {{ ref('stg_money') }} where kind <> 'payment' group by 1, 2
),
came as (
    select month, currency, sum(amount) as amount from {{ ref('stg_money') }} where kind = 'payment' group by 1, 2
),
billed as (
    select paid_month as month, currency, sum(total) as amount from paid group by 1, 2
),
-- Surplus money, and crypto payments that were a little more or less than the bill.
beside as (
    select month, currency, '(beside the orders)', 0, 0, 0::numeric, 0::numeric, 0::numeric,
           coalesce(c.amount, 0) - coalesce(b.amount, 0)
    from came c full join billed b using (month, currency)
    where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
),
rows_of_all as (
    select * from services
    union all select * from surcharges
    union all select * from returned
    union all select * from beside
)
select month, currency, service, orders, quantity::bigint as quantity, gross, discount, fees, other,
       gross - discount + fees + other as amount
from rows_of_all
