-- Orders by where they came from, without anybody's name or address.
select o.order_id, o.number, o.kind, o.status, o.held_from, o.agent_id, o.currency, o.method,
       o.subtotal, o.discount, o.fees, o.surcharge, o.total,
       o.placed_at, o.paid_at, {{ month_of('o.paid_at') }} as paid_month,
       {{ utm('o.utm', 'source') }} as utm_source,
       {{ utm('o.utm', 'medium') }} as utm_medium,
       {{ utm('o.utm', 'campaign') }} as utm_campaign,
       coalesce(o.segment, s.segment, '(none)') as segment
from {{ source('books', 'orders') }} o
left join {{ source('pw', 'segments') }} s on s.segment = {{ utm('o.utm', 'campaign') }}
