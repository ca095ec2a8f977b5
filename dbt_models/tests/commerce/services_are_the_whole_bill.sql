-- An order whose services, fees, surcharge and discounts do not add up to its total: a share was lost or made up.
select o.number, o.total, sum(s.gross - s.discount + s.fees) + o.surcharge as told
from {{ ref('stg_orders') }} o
join {{ ref('stg_order_services') }} s using (order_id)
group by o.number, o.total, o.surcharge
having o.total <> sum(s.gross - s.discount + s.fees) + o.surcharge
