-- A month and currency in which the revenue's rows do not add up to the money that moved.
with told as (
    select month, currency, sum(amount) as amount from {{ ref('mart_revenue') }} group by 1, 2
),
moved as (
    select month, currency, sum(amount) as amount from {{ ref('stg_money') }} group by 1, 2
)
select month, currency, told.amount as told, moved.amount as moved
from told full join moved using (month, currency)
where coalesce(told.amount, 0) <> coalesce(moved.amount, 0)
