-- Every check on the page and every order under the link that began the visit and the last one before the deed. Where
-- no visit was kept (no campaign, or a browser that asked not to be tracked) the deed's own parameters are both.
with deeds as (
    select 'check' as deed, c.check_id::text as id, c.checked_at as at, null::timestamptz as paid_at,
           null::numeric as total, null::text as currency, c.utm, t.first_touch, t.last_touch
    from {{ source('books', 'compliance_check_log') }} c
    left join {{ source('books', 'visit_touches') }} t on t.check_id = c.check_id
    where c.channel = 'page'
    union all
    select 'order', o.order_id::text, o.placed_at, o.paid_at, o.total, o.currency, o.utm, t.first_touch, t.last_touch
    from {{ source('books', 'orders') }} o
    left join {{ source('books', 'visit_touches') }} t on t.order_id = o.order_id
),
touches as (
    select deed, id, at, paid_at, total, currency, 'first' as touch, coalesce(first_touch, utm) as link from deeds
    union all
    select deed, id, at, paid_at, total, currency, 'last', coalesce(last_touch, utm) from deeds
)
select deed, id, touch, at, paid_at, total, currency,
       {{ touch_source('link') }} as source,
       {{ touch_medium('link') }} as medium,
       {{ utm('link', 'campaign') }} as campaign
from touches
