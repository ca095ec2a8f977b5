-- The funnel's sums against the books': one row when a check, an order or a payment is missing or counted twice.
with told as (
    select coalesce(sum(checks), 0) as checks, coalesce(sum(orders), 0) as orders,
           coalesce(sum(orders_paid), 0) as paid
    from {{ ref('mart_funnel') }}
),
kept as (
    select (select count(*) from {{ source('books', 'compliance_check_log') }}) as checks,
           (select count(*) from {{ source('books', 'orders') }}) as orders,
           (select count(*) from {{ source('books', 'orders') }} where paid_at is not null) as paid
)
select told.*, kept.checks as kept_checks, kept.orders as kept_orders, kept.paid as kept_paid
from told, kept
where (told.checks, told.orders, told.paid) is distinct from (kept.checks, kept.orders, kept.paid)
