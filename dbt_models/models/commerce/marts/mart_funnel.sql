-- From campaign to check to order to payment. Orders count where their own UTM says, checks where theirs does.
with steps as (
    select utm_source, utm_medium, utm_campaign, segment,
           count(*) as checks, count(distinct frn) as carriers_checked,
           count(*) filter (where has_findings) as checks_with_findings,
           0 as orders, 0 as orders_paid, 0 as orders_refunded, 0::numeric as paid_usd, 0::numeric as paid_cad
    from {{ ref('stg_checks') }}
    group by 1, 2, 3, 4
    union all
    select utm_source, utm_medium, utm_campaign, segment, 0, 0, 0,
           count(*), count(paid_at), count(*) filter (where status = 'refunded'),
           coalesce(sum(total) filter (where paid_at is not null and currency = 'USD'), 0),
           coalesce(sum(total) filter (where paid_at is not null and currency = 'CAD'), 0)
    from {{ ref('stg_orders') }}
    group by 1, 2, 3, 4
),
summed as (
    select utm_source, utm_medium, utm_campaign, segment,
           sum(checks)::bigint as checks, sum(carriers_checked)::bigint as carriers_checked,
           sum(checks_with_findings)::bigint as checks_with_findings, sum(orders)::bigint as orders,
           sum(orders_paid)::bigint as orders_paid, sum(orders_refunded)::bigint as orders_refunded,
           sum(paid_usd) as paid_usd, sum(paid_cad) as paid_cad
    from steps
    group by 1, 2, 3, 4
)
select *,
       round(orders::numeric / nullif(checks, 0), 4) as orders_per_check,
       round(orders_paid::numeric / nullif(orders, 0), 4) as paid_per_order
from summed
