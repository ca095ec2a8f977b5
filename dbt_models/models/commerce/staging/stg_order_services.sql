-- What each service of an order brought. The order's discount is shared out over its services by their price; what
-- rounding leaves over falls to the services one after another, so that the shares add up to the discount exactly.
with lines as (
    select l.order_id, l.position, l.kind, l.amount, i.service, coalesce(i.quantity, 1) as quantity
    from {{ source('books', 'order_lines') }} l
    left join {{ source('books', 'order_items') }} i on i.order_id = l.order_id and i.position = l.item_position
),
discounts as (
    select order_id, -sum(amount) as discount from lines where amount < 0 group by order_id
),
priced as (
    select l.order_id, l.position, coalesce(l.service, '(other)') as service, l.quantity, l.amount,
           coalesce(d.discount, 0) as discount,
           sum(l.amount) over (partition by l.order_id) as whole,
           sum(l.amount) over (partition by l.order_id order by l.position) as up_to_here
    from lines l
    left join discounts d using (order_id)
    where l.kind = 'service'
),
shared as (
    select order_id, service, quantity, amount,
           round(discount * up_to_here / nullif(whole, 0), 2)
           - round(discount * (up_to_here - amount) / nullif(whole, 0), 2) as discount
    from priced
),
passed_through as (
    select order_id, coalesce(service, '(other)') as service, sum(amount) as fees
    from lines where kind = 'fee' group by 1, 2
),
services as (
    select order_id, service, sum(quantity) as quantity, sum(amount) as gross, sum(coalesce(discount, 0)) as discount
    from shared group by 1, 2
)
select order_id, service, coalesce(s.quantity, 0)::int as quantity,
       coalesce(s.gross, 0) as gross, coalesce(s.discount, 0) as discount, coalesce(p.fees, 0) as fees
from services s
full join passed_through p using (order_id, service)
